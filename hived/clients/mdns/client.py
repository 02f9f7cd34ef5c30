"""One mDNS stack on a set of addresses: announces this node, hears others. Nothing it is sent ends or fills it."""

from __future__ import annotations

import asyncio
import enum
import logging
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import zeroconf
from zeroconf import (  # type: ignore[attr-defined]  # two are public, if unlisted
    DNSOutgoing,
    DNSQuestion,
    DNSQuestionType,
    IPVersion,
    RecordUpdateListener,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from hived.clients.mdns import parse
from hived.clients.mdns.interfaces import networks_of
from hived.clients.mdns.parse import SERVICE, Address, Network
from hived.errors import Transient, Unreadable
from hived.records.peers import Announcement, Sighting

MAX_HEARD = 1024  # names between two looks; of a flood some are dropped, and true ones are heard again
MAX_NAMES = 9  # boxes of one name: more are an attack or an image without a name of its own
LOOK_UP_S = 1.5  # RFC 6762 lets a responder wait 120 ms, and a packet may be lost
START_S = 5.0
GOODBYE_S = 1.0  # three packets, 125 ms apart
CLOSE_S = 1.0

PROBES, PROBE_EVERY_S = 3, 0.25
_QUERY, _IN, _PTR, _TXT, _SRV = 0, 1, 12, 16, 33


class Heard(enum.Flag):
    """In what way a name was heard."""

    WORD = enum.auto()
    GOODBYE = enum.auto()


class Mdns:
    """The stack. `on_news` is called whenever `take` has something new to give."""

    def __init__(self, addresses: Sequence[Address], *, on_news: Callable[[], None]) -> None:
        self.addresses = list(addresses)
        self._networks = networks_of(self.addresses)
        self.label: str | None = None
        """The instance name under which this node is announced."""
        self.labels: set[str] = set()
        """All instance names that this stack ever gave to this node: under them we hear ourselves."""
        self._ears = _Ears(on_news)
        # Of this process alone: not even a box with a copy of our node id can mix its addresses with ours.
        self._server = f"hived-{uuid.uuid4().hex[:16]}.local."
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._info: AsyncServiceInfo | None = None

    async def open(self) -> None:
        """Open the sockets and begin to listen. Transient when the network does not let us."""
        # It warns of each odd packet and of each interface that went; what matters of that we see and say ourselves.
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
        stack = await _ours(self._start())
        # Asked so that all hear the answers: one sent to us alone could reach another program on port 5353.
        self._browser = AsyncServiceBrowser(
            stack.zeroconf, SERVICE, handlers=[_ignore], question_type=DNSQuestionType.QM
        )
        stack.zeroconf.async_add_listener(self._ears, None)

    async def close(self, *, goodbye: bool) -> None:
        """Close the sockets; with `goodbye` tell everybody first that this node leaves."""
        stack, self._zeroconf = self._zeroconf, None
        if stack is None:
            return
        if self._browser is not None:
            stack.zeroconf.async_remove_listener(self._ears)
            await self._browser.async_cancel()
        if goodbye:
            with suppress(TimeoutError, OSError, RuntimeError, zeroconf.Error):
                async with asyncio.timeout(GOODBYE_S):
                    await stack.async_unregister_all_services()
        with suppress(TimeoutError, OSError, RuntimeError, zeroconf.Error):
            # What is still registered would be withdrawn by closing.
            stack.zeroconf.registry.async_remove(stack.zeroconf.registry.async_get_service_infos())
            async with asyncio.timeout(CLOSE_S):
                await stack.async_close()

    async def announce(self, own: Announcement) -> str:
        """Announce this node, or what changed of it; return the instance name it got.

        When others have its name it becomes "name (2)" and so on. Transient when nothing can be said.
        """
        if self._info is not None and self._info.name == f"{self.label}.{SERVICE}":
            await _ours(self._update(own, self.label or ""))
            return self.label or ""
        for number in range(1, MAX_NAMES + 1):
            label = parse.instance_label(own.name, number)
            self.labels.add(label)
            await _ours(self._register(own, label))
            if self._info is not None:
                self.label = label
                return label
        raise Transient(f"{MAX_NAMES} others are already announced as {own.name}")

    async def withdraw(self) -> None:
        """Give up the instance name, because another box has it too."""
        info, self._info, self.label = self._info, None, None
        if info is not None and self._zeroconf is not None:
            # No goodbye: it would reach those who hear the other one under this name.
            self._zeroconf.zeroconf.registry.async_remove(info)

    def take(self) -> dict[str, Heard]:
        """Return the full names that were heard since the last call, and in what way."""
        return self._ears.take()

    @property
    def networks(self) -> Sequence[Network]:
        """The networks that our own addresses are in."""
        return self._networks

    def heard_of(self, full_name: str) -> Sighting | None:
        """Return what was heard of a name, None when something is missing. Unreadable when it makes no sense."""
        info = self._info_of(full_name)
        return self._sighting(full_name, info) if info.load_from_cache(self._running().zeroconf) else None

    async def look_up(self, full_name: str) -> Sighting:
        """Return what is known of a name, asking for what is missing. Transient without an answer."""
        stack, info = self._running(), self._info_of(full_name)
        try:
            if not info.load_from_cache(stack.zeroconf):
                await info.async_request(stack.zeroconf, LOOK_UP_S * 1000)
        except (OSError, RuntimeError, ValueError, zeroconf.Error) as err:
            raise Transient(f"mDNS: {err}") from err
        return self._sighting(full_name, info)

    @staticmethod
    def _info_of(full_name: str) -> AsyncServiceInfo:
        parse.instance_of(full_name)
        try:
            return AsyncServiceInfo(SERVICE, full_name)
        except (ValueError, zeroconf.Error) as err:
            raise Transient(f"mDNS: {err}") from err

    def _sighting(self, full_name: str, info: AsyncServiceInfo) -> Sighting:
        addresses = info.addresses_by_version(IPVersion.All)
        if not info.text or not addresses:
            raise Unreadable("no record says who it is")
        return parse.sighting(full_name, info.port, addresses, info.text, self.addresses, self._networks)

    async def _start(self) -> AsyncZeroconf:
        interfaces = [str(address) for address in self.addresses]
        self._zeroconf = stack = AsyncZeroconf(interfaces=interfaces)
        async with asyncio.timeout(START_S):
            await stack.zeroconf.async_wait_for_start()
        if not stack.zeroconf.engine.senders:
            raise Transient("no interface takes multicast")
        return stack

    async def _register(self, own: Announcement, label: str) -> None:
        info = self._made(own, label)
        if await self._is_free(info):
            # The library's own probing takes twice as long, and what it is told can reach another program.
            await (await self._running().async_register_service(info, strict=False, cooperating_responders=True))
            self._info = info

    async def _is_free(self, info: AsyncServiceInfo) -> bool:
        """Ask whether somebody has this name (RFC 6762 8.1), so that all hear the answer."""
        stack = self._running().zeroconf
        await asyncio.sleep(random.uniform(0.0, PROBE_EVERY_S))
        for _ in range(PROBES):
            probe = DNSOutgoing(_QUERY)
            probe.add_question(DNSQuestion(info.name, _SRV, _IN))
            probe.add_authorative_answer(info.dns_pointer())
            stack.async_send(probe)
            await asyncio.sleep(PROBE_EVERY_S)
            found = stack.cache.get_by_details(info.name, _SRV, _IN)
            if found is not None and getattr(found, "server", self._server) != self._server:
                return False
        return True

    async def _update(self, own: Announcement, label: str) -> None:
        info = self._made(own, label)
        await (await self._running().async_update_service(info))
        self._info = info

    def _made(self, own: Announcement, label: str) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            SERVICE,
            f"{label}.{SERVICE}",
            port=own.port,
            properties=parse.properties(own),
            server=self._server,
            addresses=[address.packed for address in self.addresses],
        )

    def _running(self) -> AsyncZeroconf:
        if self._zeroconf is None:
            raise Transient("mDNS is not running")
        return self._zeroconf


class _Ears(RecordUpdateListener):
    """Notes the names of our service in every answer, also in those that change nothing: they are signs of life."""

    def __init__(self, on_news: Callable[[], None]) -> None:
        self._on_news = on_news
        self._heard: dict[str, Heard] = {}
        self._names = 0
        """Heard since they were taken, also those that are not kept."""

    def async_update_records(self, zc: Zeroconf, now: float, records: list[zeroconf.RecordUpdate]) -> None:  # noqa: ARG002
        for update in records:
            record = update.new
            goodbye = record.ttl == 0
            if record.is_expired(now) and not goodbye:
                continue  # the cache drops an old record: no packet has come
            if record.type == _PTR and record.name.lower() == SERVICE:
                name = str(getattr(record, "alias", ""))
            elif record.type in (_TXT, _SRV) and record.name.lower().endswith(SERVICE):
                name = record.name
            else:
                continue
            if name not in self._heard:
                self._names += 1
                if len(self._heard) >= MAX_HEARD:
                    # Each name that is heard has the same chance to be among those that are kept.
                    if random.random() * self._names > MAX_HEARD:
                        continue
                    del self._heard[random.choice(list(self._heard))]
            # An answer that was on its way may come after the goodbye: neither makes the other unsaid.
            self._heard[name] = self._heard.get(name, Heard(0)) | (Heard.GOODBYE if goodbye else Heard.WORD)
            self._on_news()

    def take(self) -> dict[str, Heard]:
        heard, self._heard, self._names = self._heard, {}, 0
        return heard


def _ignore(**_change: object) -> None:
    """Take a change that the browser tells: it asks, but our own ears hear more."""


async def _ours(call: Awaitable[AsyncZeroconf | None]) -> AsyncZeroconf:
    """Await a call of the library; what the network did to it is Transient."""
    try:
        return await call  # type: ignore[return-value]
    except (OSError, RuntimeError, TimeoutError, zeroconf.Error) as err:
        raise Transient(f"mDNS: {err or type(err).__name__}") from err
