"""GET /metrics of 5,000 miners from hive-apid, asked as Prometheus asks, and what it costs while nobody asks."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from random import Random

import aiohttp

from benchmarks import sample
from benchmarks.programs import MIB, configuration, free_port, program, usage
from benchmarks.report import Result
from hived.api.integrations.metrics import SAME_S
from hived.records.access import new_token
from hived.store import create, database_of
from hived.store.access import tokens
from hived.store.miners import readings
from tests import prometheus
from tests.waiting import until

NAME = "metrics"
MINERS = 5000
SCRAPES = 12
REST_S = 10.0
MOST_S = 0.15
START_S = 30.0


def run(seconds: float | None = None) -> Result:
    """Measure some scrapes, after so long without any."""
    result = Result(NAME, f"GET /metrics of {MINERS} miners, compressed, each a second and more after the last one")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder = Path(name)
        bearer = _fill(folder)
        port = free_port()
        file = configuration(
            folder, http={"addr": f"127.0.0.1:{port}"}, intervals={"status_seconds": 3600}
        )  # so that every miner's status counts as fresh for as long as this takes
        with program("hive-apid", "--config", str(file), folder=folder) as apid:
            asyncio.run(_run(result, apid, port, bearer, seconds or REST_S))
            if shutil.which("prometheus"):
                asyncio.run(_prometheus(result, folder, port, bearer))
    return result.done()


async def _run(
    result: Result, apid: subprocess.Popen[bytes], port: int, bearer: dict[str, str], rest_s: float
) -> None:  # fmt: skip
    headers = {**bearer, "Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers, auto_decompress=False) as session:
        await _started(session)
        before, memory = usage(apid).cpu_s, usage(apid).rss
        await asyncio.sleep(rest_s)
        idle = (usage(apid).cpu_s - before) / rest_s
        result.add("while nobody asks: CPU of hive-apid", idle * 1e3, "ms/s", "following the database, as ever")
        took, body, peak = [], b"", memory
        before, began = usage(apid).cpu_s, time.perf_counter()
        for _ in range(SCRAPES):
            await asyncio.sleep(SAME_S + 0.1)
            start = time.perf_counter()
            async with session.get("/metrics") as reply:
                body = await reply.read()
                assert reply.status == 200, reply.status
            took.append(time.perf_counter() - start)
            peak = max(peak, usage(apid).rss)
        wall = time.perf_counter() - began
        each = (usage(apid).cpu_s - before - idle * wall) / SCRAPES
    lines = [line for line in gzip.decompress(body).splitlines() if not line.startswith(b"#")]
    result.add("a scrape: CPU of hive-apid", each * 1e3, "ms", wanted="at most 150", good=each <= MOST_S)
    result.add(
        "a scrape: until it is there", sorted(took)[len(took) // 2] * 1e3, "ms", f"longest {max(took) * 1e3:.0f}"
    )
    result.add("series", len(lines), "series", f"{len(body) / 1024:.0f} KiB on the wire")
    miners = sum(line.startswith(b"hived_miner_hashrate_hashes_per_second{") for line in lines)
    result.add("miners", miners, "miners", wanted=f"{MINERS}", good=miners == MINERS)
    result.add("memory of hive-apid", memory / MIB, "MiB", f"RSS; {peak / MIB:.0f} after scrapes")


async def _prometheus(result: Result, folder: Path, port: int, bearer: dict[str, str]) -> None:
    """Have a real Prometheus scrape it."""
    scrape = {
        "job_name": "hived", "scrape_interval": "5s", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        "authorization": {"credentials": bearer["Authorization"].removeprefix("Bearer ")},
    }  # fmt: skip
    async with prometheus.running(folder, free_port(), scrape=[scrape]) as running:
        await until(lambda: running.value("count(hived_miner_online)"), START_S)
        miners = await running.value("count(hived_miner_online)")
        series = await running.value("scrape_samples_scraped")
        took = await running.value("scrape_duration_seconds")
    note = f"{series or 0:,.0f} samples"
    result.add("Prometheus: miners it has", miners, "miners", note, wanted=f"{MINERS}", good=miners == MINERS)
    result.add("Prometheus: one scrape", (took or 0) * 1e3, "ms", "until it has read and kept it")


async def _started(session: aiohttp.ClientSession) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            async with session.get("/healthz") as reply:
                await reply.read()
                return
        except aiohttp.ClientConnectorError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


def _fill(folder: Path) -> dict[str, str]:
    """Make the database; return the header that lets a client in."""
    url = f"sqlite:///{folder / 'hived.db'}"
    create(url)
    database = database_of(url)
    database.connect()
    with closing(database), database.atomic("IMMEDIATE"):
        now = time.time()
        nums = sample.find(database, MINERS, now - 30)
        readings.save(database, sample.outcomes(nums, now - 90, Random(3), chips_of_every=MINERS))
        token = new_token()
        tokens.add(database, token, name="benchmark", role="viewer", scopes=("metrics",), created_by=None, at=now)
    return {"Authorization": f"Bearer {token.text}"}
