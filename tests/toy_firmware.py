"""A family of firmware that exists nowhere: lines of JSON over TCP on a port of its own, without any login.

`python -c` with `LAUNCHER` runs a daemon that knows it as if it stood in the table of families.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hived.clients import firmwares
from hived.clients.firmwares.family import ConnectionWatch, Link
from hived.errors import AnotherDevice, NotSupported, NotThisFirmware, Refused, Transient, Unreadable
from hived.records.firmware import Feature, Reach
from hived.records.miner import (
    ChipReading,
    FanReading,
    HashboardChips,
    HashboardReading,
    MinerIdentity,
    MinerReading,
    MinerSettings,
    ModelInfo,
    PoolReading,
    Preset,
)
from hived.records.steering import Said, Seen, Wish

LAUNCHER = """
import runpy, sys
from tests import toy_firmware
toy_firmware.add_to_the_table({port})
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
MAX_LINE = 1 << 16
LADDER = tuple(Preset(str(watts), float(watts), watts * 3e10, tuned=True) for watts in (500, 600, 700))
STEERED = frozenset({
    Feature.PAUSE, Feature.REBOOT, Feature.LOCATE, Feature.PRESET, Feature.POOLS,
})  # fmt: skip
LIES = ("ignore", "silent", "late", "other", "half", "restart", "refuse", "power", "stranger")
"""As those of the simulator (`LIE_KINDS`); stranger: another device answers from the first order on."""


class Toy:
    """Miners that say "toy"."""

    name = "toy"
    can = STEERED | {Feature.CHIPS}

    def __init__(self, link: Link, port: int) -> None:
        self.ports = (port,)
        self._timeout_s = link.timeout_s

    async def identify(self, ip: str, watch: ConnectionWatch | None = None) -> MinerIdentity:
        return _identity(await self._ask(ip, "who", watch))

    async def open(self, reach: Reach, password: str | None) -> str:
        return ""  # it asks nobody for anything

    async def read(self, reach: Reach, watch: ConnectionWatch) -> MinerReading:
        told = await self._ask(reach.ip, "how", watch)
        return MinerReading(
            state=told.get("state", "mining"),
            hashrate_hs=told["hs"],
            expected_hashrate_hs=told["hs"],
            power_w=told["w"],
            fans=(FanReading(0, 3000),),
            pools=(PoolReading(0, "pool.example.net:3333", "farm.toy", status="active"),),
            hashboards=tuple(HashboardReading(board, "mining", told["hs"] / 2) for board in (1, 2)),
            identity=_identity(told),
        )

    async def chips(self, reach: Reach, watch: ConnectionWatch) -> tuple[HashboardChips, ...]:
        told = await self._ask(reach.ip, "chips", watch)
        chips = tuple(ChipReading(index, hs) for index, hs in enumerate(told["chips"]))
        return tuple(HashboardChips(board, "mining", chips=chips) for board in (1, 2))

    async def model(self, reach: Reach) -> ModelInfo:
        return ModelInfo("toy1", "Toy One", chips_per_chain=4, chains=2)

    async def presets(self, reach: Reach) -> tuple[Preset, ...]:
        return LADDER

    async def settings(self, reach: Reach) -> MinerSettings:
        raise NotSupported("a toy has no settings")

    def features(self, firmware_version: str | None) -> frozenset[Feature]:
        return self.can

    def patience_s(self, verb: str) -> float:
        return 5.0

    async def look(self, reach: Reach, verb: str | None = None, *, before: bool = False) -> Seen:
        told = await self._ask(reach.ip, "how", None)
        if told["mac"] != reach.mac:
            raise AnotherDevice(f"{told['mac']} answers")
        return Seen(
            0.0, told["state"], told["state_s"], told["hs"], told["w"], told["preset"], told["preset"],
            pools=tuple({"slot": slot, "url": one[0], "user": one[1]} for slot, one in enumerate(told["pools"])),
            uptime_s=told["up"], finding=told["finding"], tuned=tuple(preset.name for preset in LADDER),
            kept={"pools": {slot: one[2] for slot, one in enumerate(told["pools"])}},
        )  # fmt: skip

    async def steer(self, reach: Reach, wish: Wish) -> Said:
        """Say in the order itself whom it is for: no other toy carries it out."""
        if wish.verb not in ("pause", "resume", "reboot", "locate", "preset", "pools"):
            raise NotSupported(f"a toy knows no {wish.verb}")
        order = {"do": wish.verb, "for": reach.mac, **wish.args}
        told = await self._ask(reach.ip, json.dumps(order), None)
        if told["mac"] != reach.mac:
            raise AnotherDevice(f"{told['mac']} answers")
        if "no" in told:
            raise Refused(told["no"])
        return Said()

    async def _ask(self, ip: str, what: str, watch: ConnectionWatch | None) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await asyncio.open_connection(ip, self.ports[0], limit=MAX_LINE)
                if watch is not None:
                    watch.opened = True
                try:
                    writer.write(what.encode() + b"\n")
                    told = json.loads(await reader.readline())
                finally:
                    writer.close()
        except (OSError, TimeoutError) as err:
            raise Transient(f"no answer: {type(err).__name__}") from None
        except ValueError:
            raise Unreadable("the answer is no line of JSON") from None
        if not isinstance(told, dict) or told.get("toy") != 1:
            raise NotThisFirmware("speaks of no toy", "generic-json")
        return told


def _identity(told: dict[str, Any]) -> MinerIdentity:
    return MinerIdentity(told["mac"], "Toy One", "toy1", firmware_version="7", hostname="toy", uptime_s=told["up"])


@dataclass
class ToyMiner:
    """A device that speaks the family's protocol: a line in, a line out. `lie`: one of LIES, about every order."""

    mac: str
    clock: Callable[[], float] = time.time
    lie: str | None = None
    delay_s: float = 180.0
    state: str = "mining"
    watts: int = 700
    finding: bool = False
    pools: list[list[str]] = field(default_factory=lambda: [["a.example.com:3333", "farm.toy", "p"], ["", "", ""]])
    heard: list[str] = field(default_factory=list)
    """The verbs of the orders that came."""
    shown_w: int | None = None
    late: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.booted_at = self.since = self.clock() - 3600.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = self.answer((await reader.readuntil(b"\n")).decode())
        if answer is not None:
            writer.write(json.dumps(answer).encode() + b"\n")

    def answer(self, line: str) -> dict[str, Any] | None:
        """Return what it says to a line; None: it hangs up."""
        due = [order for at, order in self.late if at <= self.clock()]
        self.late = [one for one in self.late if one[0] > self.clock()]
        for order in due:
            self._obey(order)
        if line.startswith("{"):
            return self._ordered(json.loads(line))
        self.asked += 1
        runs = self.state == "mining"
        rate = self.watts * 3e10 + self.asked * 1e9 if runs else 0.0
        return self._signed() | {
            "up": self.clock() - self.booted_at, "state_s": self.clock() - self.since, "state": self.state,
            "hs": rate, "w": self.shown_w or (self.watts if runs else 10), "preset": str(self.watts),
            "pools": self.pools, "finding": self.finding, "chips": [1e12, 2e12, 3e12, 4e12],
        }  # fmt: skip

    def _signed(self) -> dict[str, Any]:
        return {"toy": 1, "mac": self.mac}

    def _ordered(self, order: dict[str, Any]) -> dict[str, Any] | None:
        self.heard.append(order["do"])
        if self.lie == "stranger":
            self.mac = "02:70:79:ff:ff:ff"
        if order["for"] != self.mac or self.lie == "refuse":
            return self._signed() | {"no": "not today"}
        if self.lie == "late":
            self.late.append((self.clock() + self.delay_s, order))
        elif self.lie != "ignore":
            self._obey(self._twisted(order))
        return None if self.lie == "silent" else self._signed()

    def _twisted(self, order: dict[str, Any]) -> dict[str, Any]:
        if self.lie == "half" and "pools" in order:
            return order | {"pools": order["pools"][:1]}
        if self.lie == "other":
            other = next(one.name for one in LADDER if one.name not in (order.get("name"), str(self.watts)))
            return {"do": "preset", "name": other} if order["do"] == "preset" else {"do": "reboot"}
        return order

    def _obey(self, order: dict[str, Any]) -> None:
        if self.lie == "power":
            self.shown_w = self.watts
        match order["do"]:
            case "pause" | "resume":
                self.state, self.since = ("stopped" if order["do"] == "pause" else "mining"), self.clock()
            case "locate":
                self.finding = order["on"]
            case "preset":
                self.watts = int(order["name"])
            case "pools":
                for one in order["pools"]:
                    own = self.pools[one["slot"]]
                    self.pools[one["slot"]] = [one["url"], one["user"], one.get("password") or own[2]]
        if order["do"] == "reboot" or self.lie == "restart":
            self.state, self.booted_at, self.since = "mining", self.clock(), self.clock()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve, ip: str, port: int = 0) -> AsyncIterator[int]:
    """A server on one address; yields its port."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the light scan only knocks
        finally:
            writer.close()

    async with await asyncio.start_server(once, ip, port) as server:
        yield server.sockets[0].getsockname()[1]


def add_to_the_table(port: int) -> None:
    """Add the one line that a family costs."""
    firmwares.FAMILIES += (lambda link: Toy(link, port),)
