"""A family of firmware that exists nowhere: lines of JSON over TCP on a port of its own, without any login.

`python -c` with `LAUNCHER` runs a daemon that knows it as if it stood in the table of families.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hived.clients import firmwares
from hived.clients.firmwares.family import ConnectionWatch, Link
from hived.errors import NotSupported, NotThisFirmware, Transient, Unreadable
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


class Toy:
    """Miners that say "toy"."""

    name = "toy"
    can = frozenset({Feature.CHIPS})

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
            state="mining",
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
        return ()

    async def settings(self, reach: Reach) -> MinerSettings:
        raise NotSupported("a toy has no settings")

    def features(self, firmware_version: str | None) -> frozenset[Feature]:
        return self.can

    def patience_s(self, verb: str) -> float:
        return 5.0

    async def look(self, reach: Reach, verb: str | None = None) -> Seen:
        raise NotSupported("a toy cannot be steered")

    async def steer(self, reach: Reach, wish: Wish) -> Said:
        raise NotSupported("a toy cannot be steered")

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


def add_to_the_table(port: int) -> None:
    """Add the one line that a family costs."""
    firmwares.FAMILIES += (lambda link: Toy(link, port),)
