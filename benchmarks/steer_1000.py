"""1,000 miners are paused in packets of 10 every 5 s by the real hive-controld, and resumed the same way.

Draws the power of the site, as hive-polld reads it meanwhile, into steer_1000.svg.
"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.programs import MIB, configuration, fleet, free_port, program, usage, with_patience
from benchmarks.report import Result
from hived.records.access import By
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.services.miners import orders as giving
from hived.store import create
from hived.store.engine.db import Store
from hived.store.miners import orders

NAME = "steer_1000"
COUNT = 1000
SUBNET = "127.43.0.0/20"
SIZE, INTERVAL_S = 10, 5.0
EVERY_S = 15.0
LATE_S = 1.5
FOUND_WITHIN_S = 300.0
DRAWING = Path("steer_1000.svg")


@dataclass
class Curve:
    """The power of the site over time: (seconds since the first order, kW)."""

    began: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)


def run(seconds: float | None = None) -> Result:
    """Measure both ways; `seconds` is about how long each takes, instead of the time of full packets."""
    size = SIZE if seconds is None else max(SIZE, round(COUNT * INTERVAL_S / seconds))
    result = Result(NAME, f"{COUNT} simulated miners, paused and resumed in packets of {size} every {INTERVAL_S:g} s")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder = Path(name)
        with fleet(COUNT, SUBNET, folder=folder, control=free_port()) as port:
            _measure(result, folder, port, size)
    return result.done()


def _measure(result: Result, folder: Path, port: int, size: int) -> None:
    file = configuration(folder, network={"subnets": [SUBNET], "port": port})
    create(f"sqlite:///{folder / 'hived.db'}")
    daemons = ("hive-discoverd", "hive-polld", "hive-controld")
    with (
        program(daemons[0], "--config", str(file), folder=folder) as discoverd,
        program(daemons[1], "--config", str(file), folder=folder),
        program(daemons[2], "--config", str(file), folder=folder) as controld,
        closing(sqlite3.connect(f"file:{folder / 'hived.db'}?mode=ro", uri=True, timeout=10)) as database,
    ):
        polled = "SELECT count(*) FROM health JOIN miner USING (num) WHERE status_at > 0 AND api_key IS NOT NULL"
        deadline = time.time() + FOUND_WITHIN_S
        while database.execute(polled).fetchone()[0] < COUNT and time.time() < deadline:
            with_patience(discoverd, 0.5)
        curve = Curve(time.time())
        for verb in ("pause", "resume"):
            _through(result, folder, database, controld, verb, size, curve)
        result.add("hive-controld, PSS at the end", usage(controld).pss / MIB, "MiB")
        gaps = "SELECT max(at - before) FROM status WHERE at > ? AND before IS NOT NULL"
        longest = database.execute(gaps, (curve.began + EVERY_S,)).fetchone()[0] or 0.0
        result.add(
            "longest between two statuses of a miner", longest, "s", wanted=f"at most {EVERY_S + LATE_S:g}",
            good=longest <= EVERY_S + LATE_S,
        )  # fmt: skip
        DRAWING.write_text(_svg(curve), "utf-8")


def _through(
    result: Result, folder: Path, database: sqlite3.Connection, controld: subprocess.Popen[Any], verb: str, size: int,
    curve: Curve,
) -> None:  # fmt: skip
    number = _give(folder, verb, size)
    began = time.time()
    curve.marks.append((began - curve.began, verb))
    most = 0
    open_ones = "SELECT count(*) FROM order_target WHERE order_id = ? AND state IN ('pending', 'running')"
    sending = "SELECT count(*) FROM order_target WHERE step = 'sending'"
    sums = "SELECT sum(power_w) FROM health JOIN status ON status.num = health.num AND status.at = health.status_at"
    while database.execute(open_ones, (number,)).fetchone()[0]:
        most = max(most, database.execute(sending).fetchone()[0])
        curve.points.append((time.time() - curve.began, (database.execute(sums).fetchone()[0] or 0.0) / 1000))
        with_patience(controld, 1.0)
        if controld.poll() is not None:
            raise RuntimeError("hive-controld ended")
    took = time.time() - began
    asked = "SELECT sent_at FROM order_target WHERE order_id = ? AND sent_at IS NOT NULL ORDER BY sent_at"
    sent = [row[0] for row in database.execute(asked, (number,))]
    # Nobody sends more than a packet in less than its interval (but for what a turn of half a second moves).
    window_s = INTERVAL_S - 1.0
    dense = max(sum(one <= other < one + window_s for other in sent[i : i + 4 * size]) for i, one in enumerate(sent))
    counted = "SELECT state, count(*) FROM order_target WHERE order_id = ? GROUP BY state"
    ends = dict(database.execute(counted, (number,)))
    result.add(f"{verb}: took", took, "s", f"{COUNT / size * INTERVAL_S:g} s of packets")
    confirmed = ends.get("confirmed", 0)
    result.add(f"{verb}: confirmed", confirmed, "", str(ends), wanted=f"{COUNT}", good=confirmed == COUNT)
    result.add(f"{verb}: most asked at one moment", most, "", wanted=f"at most {size}", good=most <= size)
    result.add(f"{verb}: most within a packet's time", dense, "", wanted=f"at most {size}", good=dense <= size)


def _give(folder: Path, verb: str, size: int) -> int:
    """Order it as an operator at the box would."""

    async def give() -> int:
        async with Store.open(f"sqlite:///{folder / 'hived.db'}") as store:
            await store.write(lambda db: db.execute_sql("UPDATE miner SET managed = 1"))
            giver = giving.Giver(By(at=time.time(), who="bench", via="command", address=None), "admin")
            body = {"verb": verb, "where": {}, "packet": {"size": size, "interval_seconds": INTERVAL_S}}
            number, _ = await store.write(giving.give, read(body), giver, giving.Rules(), Moment(time.time(), EVERY_S))
            _, targets = await store.read(orders.one, number)
            assert all(one.state == "pending" for one in targets), {one.reason for one in targets}
            return int(number)

    return asyncio.run(give())


def _svg(curve: Curve) -> str:
    """Return the curve as a small picture that needs nothing else."""
    width, height, left, bottom = 720, 240, 56, 28
    last, top = max(x for x, _ in curve.points), max(y for _, y in curve.points) * 1.05
    place = [(left + x / last * (width - left - 8), 8 + (1 - y / top) * (height - bottom - 8)) for x, y in curve.points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
    marks = "".join(
        f'<text x="{left + x / last * (width - left - 8):.0f}" y="{height - 8}" font-size="12">{word}</text>'
        for x, word in curve.marks
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" fill="#333">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="4" y="18" font-size="12">{top / 1.05:.0f} kW</text>'
        f'<text x="4" y="{height - bottom}" font-size="12">0 kW</text>'
        f'<text x="{width - 60}" y="{height - 8}" font-size="12">{last / 60:.0f} min</text>{marks}'
        f'<polyline fill="none" stroke="#0a7" stroke-width="2" points="{line}"/></svg>\n'
    )
