"""A pass of hive-minerd over 10,000 objects of a simulated museum, with describing switched off."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import aiohttp

from benchmarks.programs import MIB, configuration, free_port, program, usage, with_patience
from benchmarks.report import Result
from hived.store import Store, create
from hived.store.collecting import sources

NAME = "collect_10000"
OBJECTS = 10_000
HOST = "127.41.0.1"
GIVE_UP_S = 300.0
FLOOR_OBJECTS = 1_000
FLAT = 1.25  # memory at the end over memory after a fifth of the objects


def run(seconds: float | None) -> Result:
    """Collect everything once; `seconds` is how long that may take."""
    result = Result(NAME, f"{OBJECTS} objects of a Met-shaped API on loopback, own pace 0, no model")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder, port = Path(name), free_port(HOST)
        museum = f"http://{HOST}:{port}/public/collection/v1"
        simulator = ["collection", "--objects", str(OBJECTS), "--addr", f"{HOST}:{port}", "--crawl-delay", "0"]
        config = configuration(
            folder,
            minerd={"autostart": True, "allow_hosts": [f"{HOST}:{port}"], "own_pace_ms": 0, "cooldown_seconds": 1},
            ollama={"host": "http://127.0.0.1:9"},
        )
        database = folder / "hived.db"
        create(f"sqlite:///{database}")
        with program("hive-sim", *simulator, folder=folder) as museum_process:
            ids = _ids(museum, museum_process)
            asyncio.run(_add(database, museum))
            _measure(result, folder, config, database, seconds or GIVE_UP_S)
            floor = asyncio.run(_floor(museum, ids[:FLOOR_OBJECTS]))
        each = next(f.value for f in result.figures if f.name == "CPU per object")
        result.add("floor: GET and json.loads of each object", floor * 1e3, "ms", "bare aiohttp, one after the other")
        result.add("ratio: an object of ours to that", (each or 0.0) / (floor * 1e3), "x")
    return result.done()


def _measure(result: Result, folder: Path, config: Path, database: Path, limit_s: float) -> None:
    early = 0
    with program("hive-minerd", "--config", str(config), folder=folder) as minerd:
        began = time.perf_counter()
        done = 0
        while done < OBJECTS and time.perf_counter() - began < limit_s and minerd.poll() is None:
            with_patience(minerd, 0.2)
            done = _number(database, "SELECT count(*) FROM frontier WHERE state <> 'waiting'")
            if not early and done >= OBJECTS / 5:
                early = usage(minerd).rss
        wall, taken = time.perf_counter() - began, usage(minerd)
    stored = _number(database, "SELECT count(*) FROM artifact")
    refused = _number(database, "SELECT count(*) FROM frontier WHERE state = 'refused'")
    size = sum(file.stat().st_size for file in database.parent.glob("hived.db*"))
    result.add(
        "objects done", done, "", f"{stored} stored, {refused} refused", wanted=f"{OBJECTS}", good=done >= OBJECTS
    )
    result.add("requests a second", done / wall, "/s", f"in {wall:.0f} s, cool-downs included")
    result.add("CPU per object", taken.cpu_s / max(done, 1) * 1e3, "ms", "fetched, judged, stored")
    result.add("memory at the end", taken.rss / MIB, "MiB", f"RSS; PSS {taken.pss / MIB:.0f} MiB")
    result.add(
        "memory at the end / after a fifth", taken.rss / max(early, 1), "x", wanted=f"flat: below {FLAT}",
        good=taken.rss <= FLAT * early,
    )  # fmt: skip
    result.add("database", size / MIB, "MiB", f"{size / max(stored, 1):.0f} bytes an artifact, frontier included")


def _ids(museum: str, process: subprocess.Popen[bytes]) -> list[int]:
    async def ask() -> list[int]:
        async with aiohttp.ClientSession() as session, session.get(f"{museum}/objects") as reply:
            return list(json.loads(await reply.read())["objectIDs"])

    deadline = time.monotonic() + 20
    while True:
        try:
            return asyncio.run(ask())
        except aiohttp.ClientError:
            if time.monotonic() > deadline:
                raise
            with_patience(process)


async def _add(database: Path, museum: str) -> None:
    async with Store.open(f"sqlite:///{database}") as store:
        await store.write(sources.add, name="museum", base_url=museum, kind="met", at=0.0)


async def _floor(museum: str, ids: list[int]) -> float:
    """Return the CPU seconds of one bare GET."""
    async with aiohttp.ClientSession() as session:
        began = time.process_time()
        for number in ids:
            async with session.get(f"{museum}/objects/{number}") as reply:
                json.loads(await reply.read())
        return (time.process_time() - began) / len(ids)


def _number(database: Path, sql: str) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        return int(connection.execute(sql).fetchone()[0])
