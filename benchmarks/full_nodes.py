"""A master whose nodes have sent all that it keeps of them: what hive-apid takes then, also at its next start."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.ingest import up
from benchmarks.programs import MIB, configuration, free_port, program, usage
from benchmarks.report import Result
from hived.records.bounds import ALL_MINERS, BOUNDS, MINERS, MODELS
from hived.records.ingest import MAX_BODY_BYTES, MAX_ITEMS, MAX_MODELS
from hived.records.joining import NodeKey
from hived.store import create, database_of
from tests import access
from tests import nodes as fleet

NAME = "full_nodes"
LIMIT_MIB = 512
"""`MemoryMax` of hive-apid's unit."""
SHARES = (BOUNDS[MINERS].most, ALL_MINERS - BOUNDS[MINERS].most)
"""How many miners each node sends."""
PRESETS = 60  # the longest ladder of a model today has 40
AT_ONCE = 40
LOAD_S = 120.0  # until all miners are in memory, on a machine that does other things as well


def run(seconds: float | None = None) -> Result:
    """Fill a master up to every bound, attack it with heavy bodies, and start it again; `seconds` is not used."""
    del seconds
    result = Result(NAME, f"{ALL_MINERS:,} miners of {len(SHARES)} nodes, and all their models")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as place:
        folder = Path(place)
        keys = _prepare(folder)
        port = free_port()
        file = configuration(folder, http={"addr": f"127.0.0.1:{port}"}, node={"state_dir": str(folder)})
        with program("hive-apid", "--config", str(file), folder=folder) as apid:
            began = time.perf_counter()
            for node, key in enumerate(keys):
                asyncio.run(_send(port, key, _bodies(node)))
                _memory(result, f"with {sum(SHARES[: node + 1]):,} miners", apid)
            result.add("time to send it", time.perf_counter() - began, "s")
            asyncio.run(_lists(port))
            _memory(result, "after both lists of all miners were read", apid)
            asyncio.run(_heavy(port, keys))
            _memory(result, f"after {AT_ONCE} bodies at once of a MiB of small lists", apid)
        with program("hive-apid", "--config", str(file), folder=folder) as apid:
            asyncio.run(_lists(port))
            _memory(result, "after the next start", apid)
    return result.done()


def _memory(result: Result, name: str, apid: Any) -> None:
    took = usage(apid).rss / MIB
    result.add(f"RSS {name}", took, "MiB", wanted=f"below {LIMIT_MIB}", good=took < LIMIT_MIB)


def _prepare(folder: Path) -> list[NodeKey]:
    url = f"sqlite:///{folder / 'hived.db'}"
    create(url, folder)
    database = database_of(url, folder)
    with database.session(), database.transact("write"):
        access.admit(database, at=time.time())
        keys = [fleet.let_in(database, f"n{node}", time.time()) for node in range(len(SHARES))]
    database.shut()
    return keys


def _bodies(node: int) -> Iterator[bytes]:
    """Yield what a node sends: its miners, how each is, and its models with ladders of presets."""
    name, now, most = f"n{node}", time.time(), SHARES[node]

    def rig(n: int, **changes: Any) -> dict[str, Any]:
        return {"mac": f"02:{node:02x}:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}", **changes}

    for start in range(0, most, MAX_ITEMS):
        nums = range(start, min(start + MAX_ITEMS, most))
        told = [fleet.miner(n + 1, 1, now, **rig(n, model_alias=f"m{node}-{n % 500}")) for n in nums]
        yield _json(fleet.batch(name, "miners", start + 1, nums[-1] + 1, told))
        for half in (nums[: len(nums) // 2], nums[len(nums) // 2 :]):
            states = [fleet.latest(1, now, **rig(n)) for n in half]
            yield _json(fleet.batch(name, "status", 0, 0, [], latest=states))
    ladder = [{"name": f"{p} W", "power_w": 50.0 * p, "hashrate_hs": 1e12 * p} for p in range(PRESETS)]
    rows = [[x + 10 * y for x in range(20)] for y in range(10)]
    models = [
        {"alias": f"m{node}-{n}", "name": f"Model {n}", "presets": ladder, "topology": rows, "series": None}
        for n in range(BOUNDS[MODELS].most)
    ]
    for start in range(0, len(models), MAX_MODELS):
        yield _json(fleet.batch(name, "miners", 0, 0, [], models=models[start : start + MAX_MODELS]))


def _json(value: Any) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    assert len(body) <= MAX_BODY_BYTES, len(body)
    return body


async def _send(port: int, key: NodeKey, bodies: Iterator[bytes]) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        await up(session)
        headers = {**fleet.bearer(key), "Content-Type": "application/json"}
        for body in bodies:
            async with session.post("/api/v1/ingest", data=body, headers=headers) as reply:
                answer = await reply.json()
                assert reply.status == 200, answer
                assert not answer["rejected"], answer


async def _heavy(port: int, keys: list[NodeKey]) -> None:
    body = b'{"a":[' + b"[]," * (MAX_BODY_BYTES // 3 - 10) + b"[]]}"

    async def one(session: aiohttp.ClientSession, key: NodeKey) -> None:
        headers = {**fleet.bearer(key), "Content-Type": "application/json"}
        with suppress(aiohttp.ClientConnectionError):  # who is told to come again is not listened to any longer
            async with session.post("/api/v1/ingest", data=body, headers=headers) as reply:
                assert reply.status in (403, 429), reply.status

    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        await asyncio.gather(*(one(session, keys[n % len(keys)]) for n in range(AT_ONCE)))


async def _lists(port: int) -> None:
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=access.BEARER, timeout=timeout) as session:
        await up(session, LOAD_S)
        for path in ("/api/miners", "/api/v1/rows"):
            async with session.get(path) as reply:
                assert reply.status == 200, await reply.text()
                await reply.read()
