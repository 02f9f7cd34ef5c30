"""The TLS side of hive-apid: a context to serve with, and the certificate in it as files and addresses change."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from hived.errors import BadConfig
from hived.records.joining import Certificate
from hived.runtime import interfaces
from hived.runtime.config import Config
from hived.runtime.kinds import TlsFiles
from hived.services.appliance import certificates

log = logging.getLogger(__name__)


class Tls:
    """Serves with the operator's files, or with a certificate of our own kept in a folder.

    `names`: DNS names that a certificate of our own is for, beside the host's. BadConfig when there is nothing to serve
    with. Call `beat` every minute: what changed is taken over by connections that are new, and what cannot be used is
    left, with a line in the log.
    """

    def __init__(
        self, files: TlsFiles | None, folder: Path, node_name: str, clock: Callable[[], float] = time.time,
        names: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._files, self._folder, self._clock = files, folder, clock
        self._names = (*own_names(node_name), *names)
        self._failed = self._warned = False
        self._served, self.certificate, self._inner = self._load()
        self.context = _context(*self._paths())
        # For each handshake the context of now: loading another chain into this one would leave the old key in it.
        self.context.sni_callback = self._choose
        self._warn()

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._inner

    async def beat(self) -> None:
        """Renew the own certificate when it is time, and take over files that changed."""
        try:
            served, certificate, inner = await asyncio.to_thread(self._load)
        except (BadConfig, ssl.SSLError) as err:
            level = logging.DEBUG if self._failed else logging.WARNING
            log.log(level, "%s: serving the certificate from before", err)
            self._failed = True
            return
        if self._failed:
            log.info("http.tls: the certificate can be read again")
        self._failed = False
        if served != self._served:
            log.info("http.tls: serving a new certificate, fingerprint %s", certificate.fingerprint)
            self._served, self.certificate, self._inner = served, certificate, inner
            self._warned = False
        self._warn()

    def current(self) -> Certificate:
        """Return what is served now."""
        return self.certificate

    def _load(self) -> tuple[tuple[bytes, bytes], Certificate, ssl.SSLContext]:
        cert, key = self._paths()
        found = certificates.look(cert, key)
        return (cert.read_bytes(), key.read_bytes()), found, _context(cert, key)

    def _paths(self) -> tuple[Path, Path]:
        if self._files is not None:
            return self._files.cert, self._files.key
        return certificates.own(self._folder, self._names, own_addresses(), self._clock())

    def _warn(self) -> None:
        if self.certificate.ends_at <= self._clock() and not self._warned:
            log.warning("http.tls: the certificate has expired: browsers and nodes may refuse it")
            self._warned = True


def own_names(node_name: str) -> Iterator[str]:
    """Yield the names under which this host may be asked."""
    yield "localhost"
    for name in (node_name, socket.gethostname()):
        low = name.lower().rstrip(".")
        yield low
        yield f"{low.partition('.')[0]}.local"


def own_addresses() -> Iterator[str]:
    """Yield the addresses of this host; not those that are good for one link only."""
    yield from ("127.0.0.1", "::1")
    for one in interfaces.own_addresses():
        if not (one.address.version == 6 and one.address.is_link_local):
            yield str(one.address)


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as err:
        raise BadConfig(f"http.tls: cannot serve with {cert} and {key}: {err}") from err
    return context


def tls_of(config: Config) -> Tls:
    """Return what to serve with. BadConfig when that cannot be had.

    Nodes come over TLS whatever `http.tls` says; `off` means that browsers need not.
    """
    files = config.http.tls if isinstance(config.http.tls, TlsFiles) else None
    return Tls(files, config.state_dir, config.node.effective_name, names=config.http.names)
