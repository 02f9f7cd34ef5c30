"""Tell a broker how the miners are, for Home Assistant, and hear from it what they are to do.

Nothing waits for the broker and nothing is queued for it: each look tells what differs from what it was told last.
While it is away nothing is done but to try again, ever more rarely; when it is slow it is told less often.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from hived.clients.mqtt.client import Heard, Link, Message, Subscription, connected
from hived.errors import Transient
from hived.records.mqtt import Broker
from hived.runtime.backoff import Backoff
from hived.services.integrations.mqtt_look import Item, Look, Sent, Telling, look
from hived.services.integrations.mqtt_orders import Commands, Steering
from hived.store import Store

log = logging.getLogger(__name__)

LOOK_S = 5.0
SHARE = 20
"""A look takes at most one part in so many of the time: of a large fleet there are fewer."""
SEND_S = 10.0
"""A slow broker is told no longer in one go: commands and the end of the daemon wait for it."""
ANEW_S = 30.0
"""Home Assistant that starts over and over is told everything so often at most."""
STANDS_S = 60.0
"""A link that was lost sooner is not made again at once."""
MOST_TOLD = 20_000
"""Devices that the broker may say it keeps: four times the largest site. Anybody can write such a mark there."""
ONLINE, OFFLINE = b"online", b"offline"


class Bridge:
    """Between the database and a broker, within its `async with` block; `tick` does the work.

    `steering` None: nothing is ordered from there. `clock`: UTC epoch seconds, `monotonic`: seconds that only grow.
    """

    def __init__(
        self, store: Store, broker: Broker, telling: Telling, steering: Steering | None, *, password: str | None,
        ca: Path | None, clock: Callable[[], float], monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self._store, self._broker, self._telling = store, broker, telling
        self._clock, self._monotonic = clock, monotonic
        topics = telling.topics
        self._will = Message(topics.status, OFFLINE, retain=True, sure=True)
        self._connect = partial(connected, broker, password, client_id=f"hived-{topics.box}", will=self._will, ca=ca)
        self._commands = Commands(store, steering, topics, address=str(broker), clock=clock) if steering else None
        self._link: Link | None = None
        self._since = 0.0
        self._backoff = Backoff(monotonic=monotonic)
        self._sent: dict[str, Sent] = {}
        self._told: set[str] = set()
        """MACs of the miners whose devices the broker keeps, as far as it said."""
        self._next_look = self._anew_at = float("-inf")
        self._anew = False
        self._miners = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            await self._link.leave(self._will)

    def summary(self) -> str:
        """Return how it goes, for the status line."""
        if self._link is None:
            return f"MQTT: {self._broker} is away"
        dropped = sum(self._commands.dropped.values()) if self._commands else 0
        told = f"MQTT: {self._miners} miners told to {self._broker}"
        return f"{told}, {dropped} commands not carried out" if dropped else told

    async def tick(self) -> None:
        """Do what is to be done now. Transient: the broker is away, or the database is busy."""
        if not self._backoff.ready():
            return
        try:
            link = await self._linked()
            for heard in link.take():
                self._hear(heard)
            if self._commands is not None:
                for number in await self._commands.give():
                    log.info("order %d was given over MQTT", number)
            if self._monotonic() >= self._next_look:
                await self._tell(link)
        except Transient:
            if self._link is not None and self._link.lost is not None:
                await self._drop(self._link)
            raise

    async def _linked(self) -> Link:
        """Return the link, a new one where there is none: whose broker may have forgotten everything."""
        if self._link is not None:
            return self._link
        link = await self._connect()
        try:
            topics = self._telling.topics
            wanted = [Subscription(topics.home), Subscription(topics.all_told, kept=True)]
            wanted += [Subscription(topics.commands)] if self._commands is not None else []
            await link.subscribe(wanted)
            await link.publish(Message(topics.status, ONLINE, retain=True, sure=True))
        except BaseException:
            await link.close()
            raise
        self._sent, self._told, self._next_look = {}, set(), float("-inf")
        self._link, self._since = link, self._monotonic()
        return link

    async def _drop(self, link: Link) -> None:
        self._link = None
        if self._monotonic() - self._since >= STANDS_S:
            self._backoff.clear()
        else:  # another one has our name, say: both would throw each other out for ever
            self._backoff.failed()
        await link.close()

    def _hear(self, heard: Heard) -> None:
        topics = self._telling.topics
        if heard.topic == topics.home:
            self._anew = self._anew or (heard.payload == ONLINE and not heard.retain)
        elif (mac := topics.told_of(heard.topic)) is not None:
            if heard.payload and len(self._told) < MOST_TOLD:
                self._told.add(mac)
        elif self._commands is not None:
            self._commands.hear(heard.topic, heard.payload, kept=heard.retain)

    async def _tell(self, link: Link) -> None:
        began = self._monotonic()
        if self._anew and began - self._anew_at >= ANEW_S:
            self._sent, self._anew, self._anew_at = {}, False, began
        found = await self._store.search(look, self._telling, self._sent, self._clock())
        took = self._monotonic() - began
        self._miners = len(found.macs)
        is_rest = await self._send(link, found) or found.rest
        self._next_look = float("-inf") if is_rest else self._monotonic() + max(LOOK_S, SHARE * took)

    async def _send(self, link: Link, found: Look) -> bool:
        """Tell what is due and take away who is gone; return whether something is left."""
        until = self._monotonic() + SEND_S
        for mac in sorted(self._told - found.macs):
            if self._monotonic() >= until:
                return True
            await self._take_away(link, mac)
        for item in found.items:
            if self._monotonic() >= until:
                return True
            await self._send_one(link, item)
        return False

    async def _send_one(self, link: Link, item: Item) -> None:
        if item.mac is not None and item.mac not in self._told:
            await link.publish(Message(self._telling.topics.told(item.mac), b"1", retain=True, sure=True))
            self._told.add(item.mac)
        await link.publish(Message(item.topic, item.payload, retain=item.kept, sure=item.kept))
        self._sent[item.topic] = Sent(item.digest, self._clock())

    async def _take_away(self, link: Link, mac: str) -> None:
        topics = self._telling.topics
        device = topics.device(topics.miner_id(mac))
        for topic in (device, topics.told(mac)):  # in this order: else it would stay for ever when we end in between
            await link.publish(Message(topic, b"", retain=True, sure=True))
        for topic in (device, topics.miner(mac)):
            self._sent.pop(topic, None)
        self._told.discard(mac)
