"""A site of 1,000 miners in a /20, found and polled by the real daemons at their default pace."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.programs import MIB, Usage, configuration, fleet, program, usage, with_patience
from benchmarks.report import Result
from hived.store import create
from hived.store.miners.packing import unpack_chips

NAME = "site_1000"
COUNT = 1000
SUBNET = "127.40.0.0/20"
EVERY_S = 15.0
LATE_S = 1.5  # a tenth of the interval: the look at who is due, the flush, a busy machine
WAITING_S = 2.0  # statuses younger than that may still wait for their transaction
WINDOW_S = 75.0
FOUND_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """The state of everything at one moment."""

    at: float
    polld: Usage
    discoverd: Usage
    statuses: int
    readings: int
    """Of the chips of a miner."""
    bytes: int
    """Of the database that are in use."""


class Site:
    """The running site and its database."""

    def __init__(self, folder: Path, discoverd: subprocess.Popen[bytes], polld: subprocess.Popen[bytes]) -> None:
        self.folder, self.discoverd, self.polld = folder, discoverd, polld
        self._connection = sqlite3.connect(f"file:{folder / 'hived.db'}?mode=ro", uri=True, timeout=10)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Any) -> float:
        return float(self.rows(sql, *values)[0][0] or 0)

    def look(self) -> Look:
        pages = self.number("PRAGMA page_count") - self.number("PRAGMA freelist_count")
        return Look(
            time.time(), usage(self.polld), usage(self.discoverd),
            int(self.number("SELECT count(*) FROM status")),
            int(self.number("SELECT count(*) FROM (SELECT DISTINCT at, num FROM chips)")),
            int(pages * self.number("PRAGMA page_size")),
        )  # fmt: skip

    def wait_for(self, sql: str, within_s: float) -> bool:
        """Wait until a query gives something; return whether it did."""
        deadline = time.time() + within_s
        while not self.rows(sql):
            if time.time() > deadline:
                return False
            self.watch(until=time.time() + 0.05)
        return True

    def watch(self, until: float) -> None:
        """Wait until a time; RuntimeError when a daemon ends before."""
        while (left := until - time.time()) > 0:
            with_patience(self.polld, min(left, 1.0))
            for name, process in (("hive-discoverd", self.discoverd), ("hive-polld", self.polld)):
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended: {(self.folder / f'{name}.log').read_text()[-2000:]}")

    def close(self) -> None:
        self._connection.close()


def run(seconds: float | None = None) -> Result:
    """Measure it; takes about half a minute more than `seconds`, the window in which the polls are watched."""
    window_s = seconds or WINDOW_S
    result = Result(NAME, f"{COUNT} simulated miners in {SUBNET}, default intervals, window of {window_s:g} s")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        port = stack.enter_context(fleet(COUNT, SUBNET, folder=folder))
        swept, polled = asyncio.run(_floors(port))
        file = configuration(folder, network={"subnets": [SUBNET], "port": port})
        create(f"sqlite:///{folder / 'hived.db'}")
        began = time.time()
        daemons = [stack.enter_context(program(n, "--config", str(file), folder=folder)) for n in _DAEMONS]
        site = stack.enter_context(closing(Site(folder, *daemons)))
        _found(site, result, swept, began)
        first = site.look()
        site.watch(until=first.at + window_s)
        last = site.look()
        _on_time(site, result, first, last)
        _costs(result, first, last, swept, polled)
        _sizes(site, result, first, last)
    return result.done()


_DAEMONS = ("hive-discoverd", "hive-polld")


async def _floors(port: int) -> tuple[floors.Cost, dict[str, floors.Cost]]:
    swept, addresses = await floors.sweep(SUBNET, port)
    return swept, await floors.polls(addresses, port)


def _found(site: Site, result: Result, floor: floors.Cost, began: float) -> None:
    site.wait_for("SELECT 1 FROM sweep WHERE finished_at > 0", FOUND_WITHIN_S)
    rows = site.rows("SELECT finished_at - started_at, miners, unreadable FROM sweep WHERE finished_at > 0 LIMIT 1")
    took, miners, unreadable = rows[0] if rows else (None, 0, 0)
    result.add("first sweep", took, "s", "every address, each miner identified, unlocked, a key made, settings read")
    result.add("floor: connect to each address", floor.wall_s, "s", f"{floor.answers} accept, {floor.cpu_s:.2f} s CPU")
    result.add("found in the first sweep", miners, "miners", wanted=f"{COUNT}", good=miners == COUNT)
    result.add("unreadable in the first sweep", unreadable, "miners", wanted="0", good=unreadable == 0)
    spent = usage(site.discoverd).cpu_s
    result.add(
        "hive-discoverd: CPU of the start and the first sweep", spent, "s", f"{spent / COUNT * 1e3:.2f} ms/miner"
    )
    all_read = site.wait_for(
        f"SELECT 1 WHERE (SELECT count(*) FROM health WHERE status_at > 0) = {COUNT}", FOUND_WITHIN_S
    )
    result.add("all polled", time.time() - began if all_read else None, "s", "after the start", good=all_read)
    # The first turn of each miner is drawn at random to spread the site: from the second one on they are regular.
    site.watch(until=time.time() + EVERY_S)


def _on_time(site: Site, result: Result, first: Look, last: Look) -> None:
    """How regular the polls were: the distances between a miner's statuses, the ends of the window included."""
    known = int(site.number("SELECT count(DISTINCT mac) FROM miner"))
    end = last.at - WAITING_S
    rows = site.rows("SELECT num, at FROM status WHERE at BETWEEN ? AND ? ORDER BY num, at", first.at, end)
    times: dict[int, list[float]] = {num: [] for (num,) in site.rows("SELECT num FROM miner")}
    for num, at in rows:
        times[num].append(at)
    inner = [b - a for one in times.values() for a, b in pairwise(one)]
    longest = [max(b - a for a, b in zip([first.at, *one], [*one, end], strict=True)) for one in times.values()]
    on_time = sum(gap <= EVERY_S + LATE_S for gap in longest)
    span = end - first.at
    result.add("miners in the database", known, "miners", wanted=f"{COUNT}, none twice", good=known == COUNT)
    result.add(
        "never more than 15 s (+10 %) without a status", on_time / len(times) * 100, "%", f"of {len(times)} miners",
        wanted="100", good=on_time == COUNT,
    )  # fmt: skip
    result.add("gap between statuses: median", statistics.median(inner), "s")
    result.add("gap between statuses: p99", statistics.quantiles(inner, n=100)[98], "s")
    result.add("gap between statuses: longest", max(longest), "s", "the ends of the window included")
    rate = len(rows) / COUNT / span * EVERY_S
    result.add("statuses of a miner in 15 s", rate, "", wanted="1", good=abs(rate - 1) < 0.05)
    errors = int(site.number("SELECT count(*) FROM health WHERE last_error_at > ?", first.at))
    result.add("miners with an error", errors, "miners", wanted="0", good=errors == 0)


def _costs(result: Result, first: Look, last: Look, swept: floors.Cost, polled: dict[str, floors.Cost]) -> None:
    minutes = (last.at - first.at) / 60
    polls = max(last.statuses - first.statuses, 1)
    readings = last.readings - first.readings
    cpu = last.polld.cpu_s - first.polld.cpu_s
    result.add("hive-polld: CPU", cpu / minutes, "s/min", f"{polls} statuses, {readings} chip readings")
    result.add("hive-polld: CPU per status", cpu / polls * 1e3, "ms", "its share of the chips and of storing included")
    summary, perf, chains = (polled[path].cpu_each_us for path in ("/summary", "/perf-summary", "/chains"))
    result.add("floor: GET /summary and json.loads", summary / 1e3, "ms", "bare aiohttp, kept connection, 64 at once")
    result.add("ratio: a status of ours to that", cpu / polls * 1e6 / summary, "x")
    same = (polls * (summary + perf) + readings * chains) / 1e6
    result.add("floor: the same requests, decoded, nothing stored", same / minutes, "s/min", _parts(polled))
    result.add("ratio: hive-polld to that", cpu / same, "x")
    swept_cpu = last.discoverd.cpu_s - first.discoverd.cpu_s
    result.add("hive-discoverd: CPU", swept_cpu / minutes, "s/min", "a sweep every 30 s")
    result.add("ratio: hive-discoverd to bare connects", swept_cpu / minutes / (2 * swept.cpu_s), "x")
    for name, now in (("hive-polld", last.polld), ("hive-discoverd", last.discoverd)):
        result.add(f"{name}: memory", now.rss / MIB, "MiB", f"RSS; PSS {now.pss / MIB:.0f} MiB")
    result.add("load average in the window", os.getloadavg()[0], "", "hive-sim included")


def _parts(polled: dict[str, floors.Cost]) -> str:
    return ", ".join(f"{path} {cost.cpu_each_us:.0f} us" for path, cost in polled.items())


def _sizes(site: Site, result: Result, first: Look, last: Look) -> None:
    minutes = (last.at - first.at) / 60
    result.add("database growth", (last.bytes - first.bytes) / MIB / minutes, "MiB/min")
    try:
        sizes = dict(site.rows("SELECT name, sum(pgsize) FROM dbstat WHERE name IN ('status', 'chips') GROUP BY name"))
    except sqlite3.OperationalError:  # this SQLite was built without it
        return
    result.add("a status row", sizes["status"] / site.number("SELECT count(*) FROM status"), "bytes", "pages / rows")
    some = site.rows("SELECT board, body FROM chips ORDER BY at DESC LIMIT 1000")
    each = statistics.fmean(len(unpack_chips(board, body).chips) for board, body in some)
    chips = site.number("SELECT count(*) FROM chips") * each
    result.add("a chip at one time", sizes["chips"] / chips, "bytes", "pages / samples")
