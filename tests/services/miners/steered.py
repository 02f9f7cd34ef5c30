"""Miners of a firmware that exists nowhere, in a time that stands until it is turned."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hived.errors import Refused, Transient
from hived.records.firmware import Feature, Reach, listed
from hived.records.miner import MinerIdentity, ModelInfo, Preset
from hived.records.steering import Said, Seen, Wish
from hived.store import Database
from hived.store.miners import miners, models

FEATURES = frozenset({Feature.PAUSE, Feature.RESTART, Feature.REBOOT, Feature.LOCATE, Feature.PRESET, Feature.DIMMER})
LADDER = [Preset("low", 1000.0, 50e12), Preset("middle", 2000.0, 90e12), Preset("high", 3000.0, 120e12)]
WATTS = {preset.name: float(preset.power_w or 0.0) for preset in LADDER}


class Time:
    """A clock that stands, and whoever sleeps by it."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self._count = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._count), future))
        await future

    @property
    def waiting(self) -> int:
        """How many sleep."""
        self._waiting = [one for one in self._waiting if not one[2].done()]
        heapq.heapify(self._waiting)
        return len(self._waiting)

    def next_at(self) -> float | None:
        return self._waiting[0][0] if self.waiting else None

    def turn_to(self, at: float) -> None:
        """Wake everybody whose time has come."""
        self.now = max(self.now, at)
        while self._waiting and self._waiting[0][0] <= self.now:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)


@dataclass
class Device:
    """One miner. `manner`: how it takes what it is asked."""

    mac: str
    ip: str
    manner: str = "honest"
    state: str = "mining"
    preset: str = "high"
    percent: float = 100.0
    booted_at: float = 0.0
    started_at: float = 0.0
    finding: bool = False
    at_once: int = 0
    """Commands that are under way at it."""
    most_at_once: int = 0
    heard: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    @contextmanager
    def hearing(self) -> Iterator[None]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            self.at_once -= 1


class Invented:
    """The family of these miners, with the time that they take."""

    name = "invented"
    ports = (1,)
    can = FEATURES

    def __init__(self, time: Time, devices: list[Device]) -> None:
        self.time, self.by_ip = time, {device.ip: device for device in devices}

    def features(self, firmware_version: str | None) -> frozenset[Feature]:
        del firmware_version
        return FEATURES

    def patience_s(self, verb: str) -> float:
        del verb
        return 60.0

    async def look(self, reach: Reach, verb: str | None = None, *, before: bool = False) -> Seen:
        del verb, before
        one = self.by_ip[reach.ip]
        await self.time.sleep(0.1)
        if one.manner == "gone":
            raise Transient("no answer", code="timeout")
        now, runs = self.time.now, one.state == "mining"
        return Seen(
            now, one.state, now - one.started_at, 100e12 if runs else 0.0,
            WATTS[one.preset] * one.percent / 100 if runs else 20.0, one.preset, one.preset, one.percent,
            uptime_s=now - one.booted_at, finding=one.finding, tuned=("low", "middle", "high"),
        )  # fmt: skip

    async def steer(self, reach: Reach, wish: Wish) -> Said:
        one = self.by_ip[reach.ip]
        with one.hearing():
            one.heard.append((self.time.now, wish.verb, dict(wish.args)))
            await self.time.sleep(0.5)
            if one.manner == "refuses":
                raise Refused("not today")
            if one.manner == "gone":
                raise Transient("no answer", code="timeout")
            if one.manner != "lies":
                self._do(one, wish)
            await self.time.sleep(0.5)
            if one.manner == "mute":
                raise Transient("connection closed", code="connection_lost")
        return Said()

    def _do(self, one: Device, wish: Wish) -> None:
        if wish.verb == "pause":
            one.state = "stopped"
        elif wish.verb in ("resume", "restart", "reboot"):
            one.state, one.started_at = "mining", self.time.now
            one.booted_at = self.time.now if wish.verb == "reboot" else one.booted_at
        elif wish.verb == "preset":
            one.preset = wish.args["name"]
        elif wish.verb == "dimmer":
            one.percent = wish.args["percent"]
        elif wish.verb == "locate":
            one.finding = bool(wish.args["on"])


def settle(db: Database, devices: list[Device], at: float) -> None:
    """Make the rows of these miners: found, opened, managed, with the ladder of their model."""
    models.save(db, ModelInfo("toy", "Toy"), LADDER, "1", at)
    for one in devices:
        identity = MinerIdentity(one.mac, "Toy", "toy", "1")
        row = miners.saw(db, miners.Sighting(identity, one.ip, at, Invented.name, listed(FEATURES)), node_id="here")
        miners.keep_access(db, row.num, "key", at)
        miners.set_managed(db, one.mac, True, at)
