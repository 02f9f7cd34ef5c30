"""The outside world on loopback: sites that answer what a test wants, names that resolve to what it wants."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hived.clients.fetch import Fetcher
from hived.clients.fetch.fetch import Kind, Limits
from hived.errors import HivedError
from tests.clients.peer import Act, Peer, reply

CERTIFICATE = Path(__file__).with_name("museum.pem")  # self-signed, for *.museum.test; its key guards nothing
QUICK = Limits(connect_s=2.0, first_byte_s=2.0, whole_s=4.0)
VERSION = "0.3"
CONTACT = "https://farm.example/robots"


class Names(AbstractResolver):
    """Answer each name from its list of answers, the last one for ever; unknown names have no address."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, Iterable[list[str]]] = {}

    def set(self, name: str, *answers: list[str]) -> None:
        self._answers[name] = itertools.chain(answers, itertools.repeat(answers[-1]))

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self._answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(hostname=host, host=text, port=port, family=family, proto=0, flags=0)
            for text in next(iter(self._answers[host]))
        ]

    async def close(self) -> None:
        """Hold nothing that needs closing."""


@dataclass
class OpenGate:
    """Let everything through at once, and keep the list; `refuse` raises for one path instead."""

    admitted: list[tuple[str, Kind]] = field(default_factory=list)
    noted: list[tuple[str, int | None, float | None]] = field(default_factory=list)
    refuse: dict[str, HivedError] = field(default_factory=dict)

    async def admit(self, url: URL, *, kind: Kind) -> None:
        if url.path in self.refuse:
            raise self.refuse[url.path]
        self.admitted.append((url.path, kind))

    def note(self, url: URL, *, status: int | None, seconds: float, retry_after_s: float | None) -> None:
        assert seconds >= 0
        self.noted.append((url.path, status, retry_after_s))


@dataclass
class Outside:
    """Everything that a Fetcher meets: `fetcher(...)` makes one, `site` answers on 127.0.0.1:`site.port`."""

    site: Peer
    names: Names
    gate: OpenGate
    clock: Any

    @property
    def home(self) -> str:
        return f"127.0.0.1:{self.site.port}"

    def url(self, path: str) -> str:
        return f"http://{self.home}{path}"

    def says(self, path: str, status: int = 200, body: bytes = b"", **headers: str) -> None:
        headers.setdefault("Content_Type", "text/html")
        self.site.answers[f"GET {path}"] = reply(status, body, **headers)

    def acts(self, path: str, act: Act) -> None:
        self.site.answers[f"GET {path}"] = act

    def redirects(self, path: str, location: str, status: int = 302) -> None:
        self.site.answers[f"GET {path}"] = reply(status, b"", Location=location)

    def fetcher(self, **changes: Any) -> Fetcher:
        options: dict[str, Any] = {
            "contact": CONTACT,
            "allow_hosts": [self.home],
            "gate": self.gate,
            "version": VERSION,
            "clock": self.clock,
            "limits": QUICK,
            "resolver": self.names,
        }
        return Fetcher(**{**options, **changes})


@asynccontextmanager
async def _running_site(host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, host, port, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in list(peer.tasks):
            task.cancel()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        await server.wait_closed()


def running_site(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AbstractAsyncContextManager[Peer]:
    """Run one more site; `.port` says where."""
    return _running_site(host, port, tls)


def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's and the client's side of TLS for *.museum.test."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE)
    client = ssl.create_default_context(cafile=str(CERTIFICATE))
    return server, client


def sent_headers(peer: Peer, index: int = -1) -> Mapping[str, str]:
    return peer.asked[index].headers
