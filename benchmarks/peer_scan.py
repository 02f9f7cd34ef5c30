"""Scan a network with pyasic, in the environment of peers.txt: print how many miners it knows, and after how long."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import pyasic
from pyasic.network import MinerNetwork

SEMAPHORE = 255  # connections at a time, as its own documentation has it


async def scan(subnet: str) -> dict[str, float]:
    pyasic.settings.update("network_scan_semaphore", SEMAPHORE)
    began = time.perf_counter()
    found = await MinerNetwork.from_subnet(subnet).scan()
    return {"wall_s": time.perf_counter() - began, "found": len(found)}


print(json.dumps(asyncio.run(scan(sys.argv[1]))))
