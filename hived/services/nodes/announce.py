"""Be seen: keep an mDNS stack on whatever network this host has at the moment, and announce this node on it."""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

from hived.clients.mdns.client import Mdns
from hived.clients.mdns.interfaces import own_addresses
from hived.clients.mdns.parse import Address, instance_label
from hived.errors import Transient
from hived.records.peers import Announcement

log = logging.getLogger(__name__)

KEEP_EVERY_S = 2.0
"""How often the host's addresses and our own role are looked at: half of what a person waits after plugging in."""

KEEP_LIMIT_S = 30.0
MAX_RENAMES = 8  # one for each box of the same name; more are an attack
MAX_CERTIFICATE_BYTES = 64 * 1024

Own = Callable[[], Awaitable[Announcement]]


class Announcer:
    """Keeps the stack; `mdns` is the running one, None while there is no network."""

    def __init__(
        self,
        own: Own,
        *,
        only: Sequence[str] = (),
        addresses: Callable[[Sequence[str]], list[Address]] = own_addresses,
    ) -> None:
        self.mdns: Mdns | None = None
        self.addresses: list[Address] = []
        self.opened = 0
        """How many stacks there were: with each new one, all peers are asked again."""
        self.on_news: Callable[[], None] = lambda: None
        """Called when something was heard."""
        self.clash = False
        """Set when another box has our name and the better right to it: we take another."""
        self._own, self._only, self._look = own, only, addresses
        self._announced: Announcement | None = None
        self._waiting = False
        self._renames = 0
        self._said_as: set[str] = set()

    @property
    def label(self) -> str | None:
        """The instance name under which this node is announced."""
        return self.mdns.label if self.mdns else None

    def is_echo(self, name: str, addresses: Collection[str]) -> bool:
        """Tell whether an announcement of our own id under this name and these addresses is our own."""
        return (
            self.mdns is not None
            and name in self.mdns.labels
            and any(str(address) in addresses for address in self.addresses)
        )

    async def keep(self) -> None:
        """Follow the host's addresses and what this node is. Transient when mDNS cannot be had."""
        try:
            addresses = self._look(self._only)
        except OSError as err:  # an interface that went while it was looked at
            raise Transient(f"the interfaces of this host: {err}") from err
        if self.mdns is None or addresses != self.addresses:
            await self._open(addresses)
        if self.mdns is None:
            return
        if self.clash:
            self.clash = False
            await self._give_up_name()
        own = await self._own()
        if own != self._announced or self.label is None:
            label = await self.mdns.announce(own)
            self._say(own, label)
            self._announced = own

    async def close(self, *, goodbye: bool) -> None:
        """Leave the network; with `goodbye` others know it at once."""
        mdns, self.mdns, self._announced = self.mdns, None, None
        if mdns is not None:
            await mdns.close(goodbye=goodbye)

    async def _give_up_name(self) -> None:
        if self.mdns is not None and self._renames < MAX_RENAMES:
            self._renames += 1
            await self.mdns.withdraw()

    async def _open(self, addresses: list[Address]) -> None:
        # No goodbye: on the interfaces that stay, others shall not think that we left.
        await self.close(goodbye=False)
        self.addresses = addresses
        if not addresses:
            if not self._waiting:
                log.info("no network for mDNS: looking again every %g s", KEEP_EVERY_S)
            self._waiting = True
            return
        mdns = Mdns(addresses, on_news=lambda: self.on_news())
        try:
            await mdns.open()
        except BaseException:
            await mdns.close(goodbye=False)
            raise
        self._waiting = False
        self.mdns = mdns
        self.opened += 1

    def _say(self, own: Announcement, label: str) -> None:
        where = ", ".join(str(address) for address in self.addresses)
        log.info("announced by mDNS as %r (%s) on %s", label, own.role, where)
        if label != instance_label(own.name) and label not in self._said_as:
            self._said_as.add(label)
            log.warning("another box on this network is named %r: set node.name to tell them apart", own.name)


def certificate_fingerprint(file: Path) -> str | None:
    """Return the SHA-256 of the first certificate in a PEM file; None when it cannot be read."""
    try:
        with file.open("rb") as source:
            text = source.read(MAX_CERTIFICATE_BYTES).decode("ascii", "replace")
        begin, end = text.index("-----BEGIN CERTIFICATE-----"), text.index("-----END CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(text[begin:end] + "-----END CERTIFICATE-----")
        return hashlib.sha256(der).hexdigest() if der.startswith(b"\x30") else None  # an ASN.1 sequence
    except (OSError, ValueError):
        return None
