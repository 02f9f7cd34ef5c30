"""Read miners with pyasic, in a process of its own: what the library leaks or warns of stays in there.

Usage: python -m tests.peers.read_with_pyasic ADDRESS...   prints {address: {...} or null} as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pyasic


async def read(ip: str) -> dict[str, Any] | None:
    """Return what pyasic says of one address, None when it knows no miner there."""
    miner = await pyasic.get_miner(ip)
    if miner is None:
        return None
    data = await miner.get_data()
    return {
        "class": type(miner).__name__,
        "firmware": miner.firmware,
        "model": data.model,
        "mac": data.mac,
        "hashrate_ths": float(data.hashrate.into(data.hashrate.unit.TH)),
        "expected_hashrate_ths": float(data.expected_hashrate.into(data.expected_hashrate.unit.TH)),
        "wattage": data.wattage,
        "fans": [fan.speed for fan in data.fans],
        "boards": [[board.chips, board.temp, board.chip_temp] for board in data.hashboards],
        "chips": data.total_chips,
        "is_mining": data.is_mining,
    }


async def main(addresses: list[str]) -> None:
    found = await asyncio.gather(*map(read, addresses))
    print(json.dumps(dict(zip(addresses, found, strict=True)), default=str))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
