"""GET /api/miners of 1,000 miners from hive-apid, against the same bytes from a server that does nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from benchmarks import sample
from benchmarks.programs import MIB, configuration, free_port, program, usage
from benchmarks.report import Result
from hived.records.access import new_token
from hived.store import create, database_of
from hived.store.access import tokens
from hived.store.miners import readings

NAME = "api_list"
MINERS = 1000
AT_ONCE = 8
SECONDS = 4.0  # for each of the cases
MOST = 20_000
"""Requests of one case, however fast the server is."""

START_S = 15.0
CHANGES_EVERY_S = 0.5
CHANGED_AT_ONCE = MINERS // 30  # what a site of 1,000 polled every 15 s brings in half a second


@dataclass(frozen=True, slots=True)
class Served:
    requests: int
    wall_s: float
    server_cpu_s: float
    bytes: int
    p99_s: float


def run(seconds: float | None = None) -> Result:
    """Measure each case for so long."""
    result = Result(NAME, f"GET /api/miners of {MINERS} miners, {AT_ONCE} connections, one client process")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder = Path(name)
        nums, bearer = _fill(folder)
        port = free_port()
        file = configuration(folder, http={"addr": f"127.0.0.1:{port}"})
        with program("hive-apid", "--config", str(file), folder=folder) as apid:
            asyncio.run(_run(result, folder, apid, port, nums, bearer, seconds or SECONDS))
            result.add("hive-apid: memory", usage(apid).rss / MIB, "MiB", "RSS")
    return result.done()


async def _run(
    result: Result, folder: Path, apid: subprocess.Popen[bytes], port: int, nums: list[int], bearer: dict[str, str],
    seconds: float,
) -> None:  # fmt: skip
    body, etag = await _first(port, bearer)
    listed = len(json.loads(body))
    result.add(
        "miners listed", listed, "miners", f"{len(body) / 1024:.0f} KiB", wanted=f"{MINERS}", good=listed == MINERS
    )
    (folder / "body").write_bytes(body)
    with _static(folder / "body") as (static, static_port):
        await _first(static_port, {})
        floor = await _ask(static, static_port, seconds, {"Accept-Encoding": "identity"})
    _add(result, "floor: a static body", floor)
    rest = await _ask(apid, port, seconds, {**bearer, "Accept-Encoding": "identity"})
    _add(result, "at rest", rest)
    ratio = (rest.server_cpu_s / rest.requests) / (floor.server_cpu_s / floor.requests)
    result.add("ratio: server CPU per request to the floor", ratio, "x")
    _add(result, "compressed", await _ask(apid, port, seconds, {**bearer, "Accept-Encoding": "gzip"}))
    _add(result, "not changed (304)", await _ask(apid, port, seconds, {**bearer, "If-None-Match": etag}))
    with _changes(folder, nums):
        _add(
            result,
            "while miners are polled",
            await _ask(apid, port, seconds, {**bearer, "Accept-Encoding": "identity"}),
        )


def _add(result: Result, name: str, served: Served) -> None:
    each = served.server_cpu_s / served.requests * 1e6
    size = served.bytes / served.requests / 1024
    note = f"{each:.0f} us of server CPU each, p99 {served.p99_s * 1e3:.0f} ms, {size:,.0f} KiB"
    result.add(name, served.requests / served.wall_s, "req/s", note)


async def _first(port: int, bearer: dict[str, str]) -> tuple[bytes, str]:
    """Wait until the server listens; return its first reply and the ETag."""
    deadline = time.monotonic() + START_S
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                url = f"http://127.0.0.1:{port}/api/miners"
                async with session.get(url, headers={**bearer, "Accept-Encoding": "identity"}) as reply:
                    return await reply.read(), reply.headers.get("ETag", "")
            except aiohttp.ClientConnectorError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)


async def _ask(server: subprocess.Popen[bytes], port: int, seconds: float, headers: dict[str, str]) -> Served:
    took: list[float] = []
    size = 0
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}", connector=connector, auto_decompress=False, headers=headers
    ) as session:

        async def work() -> None:
            nonlocal size
            while time.perf_counter() < end and len(took) < MOST:
                began = time.perf_counter()
                async with session.get("/api/miners") as reply:
                    body = await reply.read()
                    size += len(body)
                    assert reply.status in (200, 304), reply.status
                took.append(time.perf_counter() - began)

        before, start = usage(server).cpu_s, time.perf_counter()
        end = start + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
        wall = time.perf_counter() - start
    took.sort()
    return Served(len(took), wall, usage(server).cpu_s - before, size, took[int(len(took) * 0.99)])


@contextmanager
def _static(body: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.static_server", str(body), str(port)])
    try:
        yield server, port
    finally:
        server.terminate()
        server.wait(10)


def _fill(folder: Path) -> tuple[list[int], dict[str, str]]:
    """Make the database; return its miners and the header that lets a client in."""
    path = folder / "hived.db"
    create(f"sqlite:///{path}")
    database = database_of(f"sqlite:///{path}")
    database.connect()
    with closing(database), database.atomic("IMMEDIATE"):
        now = time.time()
        nums = sample.find(database, MINERS, now - 30)
        readings.save(database, sample.outcomes(nums, now - 20, Random(3), chips_of_every=4))
        token = new_token()
        tokens.add(database, token, name="benchmark", role="viewer", created_by=None, at=now)
    return nums, {"Authorization": f"Bearer {token.text}"}


@contextmanager
def _changes(folder: Path, nums: list[int]) -> Iterator[None]:
    """Store polls at the pace of the site for as long as the block lasts."""
    done = threading.Event()

    def write() -> None:
        database, random, turn = database_of(f"sqlite:///{folder / 'hived.db'}"), Random(4), 0
        database.connect()
        with closing(database):
            while not done.wait(CHANGES_EVERY_S):
                some = [nums[(turn * CHANGED_AT_ONCE + i) % MINERS] for i in range(CHANGED_AT_ONCE)]
                turn += 1
                with database.atomic("IMMEDIATE"):
                    readings.save(database, sample.outcomes(some, time.time(), random, chips_of_every=4))

    writer = threading.Thread(target=write, name="changes")
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()
