"""A node that was cut off for 72 hours catches up: news first, then all of the backlog, nothing twice.

    python -m tests.fleet.outage --miners 200 --database postgresql

The hours are simulated: the node's database gets the rows that 72 hours would have left, then its link is made whole.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peewee as pw

from hived.records.events import Event
from hived.records.miner import MinerIdentity
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.store import Database, Store, events
from hived.store.engine.db import tuples
from hived.store.miners import miners, readings
from hived.store.schema import Contribution, Health, Miner, Rollup5m
from hived.store.schema import Event as EventRow
from tests.fleet import objects
from tests.fleet.link import State
from tests.fleet.postgres import private_postgresql
from tests.fleet.world import NodeBox, database_of, world

HOURS = 72
SLOT_S = 300.0
ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many rows there are of what."""

    rollups: int
    events: int
    contributions: int

    @property
    def all(self) -> int:
        return self.rollups + self.events + self.contributions


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. `news_s`: until the master showed how every miner is now; `seconds`: until it held all."""

    sent: Amounts
    held: Amounts
    same: bool
    news_s: float
    seconds: float

    @property
    def good(self) -> bool:
        return self.same and self.sent == self.held

    def text(self) -> str:
        """Return it for people."""
        return (
            f"72 hours: {self.sent.rollups:,} rollups, {self.sent.events:,} events, {self.sent.contributions:,}"
            f" contributions; the latest of every miner after {self.news_s:.1f} s, all of it after {self.seconds:.1f} s"
            f" ({self.sent.all / self.seconds:,.0f} rows a second); "
            + ("all there, each once" if self.good else f"WRONG: the master holds {self.held}")
        )


async def run(
    folder: Path, *, count: int, contributions: int, hours: int = HOURS, master_url: str | None, patience_s: float
) -> Verdict:
    """Let a node with `count` miners miss so many hours, then catch up."""
    async with world(folder, nodes=1, seed=1, master_url=master_url) as place:
        (node,) = place.nodes
        await node.link.set(State.REFUSED)
        async with database_of(node.box) as own, database_of(place.master.box) as store:
            now = time.time()
            await _fill(own, node, now, count, contributions, hours)
            sent = await own.read(_amounts, None)
            began = time.monotonic()
            await node.heal()
            async with asyncio.timeout(patience_s):
                while await store.read(_with_news, now) < count:
                    await asyncio.sleep(0.05)
                news_s = time.monotonic() - began
                while (held := await store.read(_amounts, node.name)) != sent:
                    assert max(held.rollups - sent.rollups, held.events - sent.events) <= 0, held
                    await asyncio.sleep(0.1)
            seconds = time.monotonic() - began
            same = await own.read(_sums) == await store.read(_sums)
        return Verdict(sent, held, same, news_s, seconds)


async def _fill(own: Store, node: NodeBox, now: float, count: int, contributions: int, hours: int) -> None:
    start = (now // SLOT_S - hours * 12) * SLOT_S
    nums = await own.write(_miners, node.name, count, start)
    slots = [start + i * SLOT_S for i in range(hours * 12)]
    rows = [_rollup(at, num) for at in slots for num in nums]
    for i in range(0, len(rows), ROWS_AT_ONCE):
        await own.write(_insert, rows[i : i + ROWS_AT_ONCE])
    happened = [Event("state_changed", at + num, {"before": "mining", "after": "failure"}, num=num)
                for at in slots[::12] for num in nums]  # fmt: skip
    for i in range(0, len(happened), ROWS_AT_ONCE):
        await own.write(events.add, happened[i : i + ROWS_AT_ONCE])
    for first in range(0, contributions, 200):
        await own.write(objects.describe, range(first, min(first + 200, contributions)), node.name, start + first)
    news = [PollOutcome(num, now, StoredStatus(num=num, at=now, state="mining", hashrate_hs=1e14, power_w=3000.0))
            for num in nums]  # fmt: skip
    await own.write(readings.save, news)


def _miners(db: Database, node_id: str, count: int, at: float) -> list[int]:
    found = []
    for n in range(count):
        identity = MinerIdentity(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}", model_alias="s19", model_name="S19")
        sighting = miners.Sighting(identity, f"10.9.{n >> 8}.{n & 255}", at, "vnish", "chips")
        found.append(miners.saw(db, sighting, node_id=node_id).num)
    return found


def _rollup(at: float, num: int) -> tuple[Any, ...]:
    rate = 1e14 + num * 1e9 + at % 997
    return (at, num, 20, 20, rate * 0.9, rate, rate * 1.1, rate, 2900.0, 3000.0, 3100.0, 60.0, 65.0, 70.0)


def _insert(db: Database, rows: list[tuple[Any, ...]]) -> None:
    Rollup5m.insert_many(rows, fields=list(Rollup5m._meta.sorted_fields)).execute(db)


def _amounts(db: Database, node_id: str | None) -> Amounts:
    told = EventRow.node_id == node_id if node_id is not None else EventRow.node_id.is_null()
    own = EventRow.select().where(told, EventRow.kind == "state_changed")
    found = EventRow.select().where(EventRow.num.is_null(False), EventRow.kind == "state_changed", told)
    assert own.bind(db).count() == found.bind(db).count(), "an event lost its miner"
    return Amounts(
        int(Rollup5m.select().bind(db).count()), int(own.bind(db).count()), int(Contribution.select().bind(db).count())
    )


def _with_news(db: Database, at: float) -> int:
    return int(Health.select().where(Health.status_at >= at - 0.001).bind(db).count())


def _sums(db: Database) -> list[tuple[Any, ...]]:
    """Return what each miner's rollups come to: a value that went astray would change it."""
    low, high = (getattr(Rollup5m, name) for name in ("hashrate_min_hs", "hashrate_max_hs"))
    query = (
        Rollup5m.select(
            Miner.mac, pw.fn.COUNT(Rollup5m.at), pw.fn.MIN(Rollup5m.at), pw.fn.MAX(Rollup5m.at),
            pw.fn.SUM(Rollup5m.n), pw.fn.MIN(low), pw.fn.MAX(high),
        )
        .join(Miner, on=(Miner.num == Rollup5m.num))
        .group_by(Miner.mac)
        .order_by(Miner.mac)
    )  # fmt: skip
    return tuples(query, db)


def main() -> int:
    """Run it from the command line; the exit code is 1 when anything is missing or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--miners", type=int, default=200)
    parser.add_argument("--contributions", type=int, default=5000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, private_postgresql(args.database == "postgresql") as url:
        trial = run(
            Path(folder), count=args.miners, contributions=args.contributions, master_url=url, patience_s=1800.0
        )
        verdict = asyncio.run(trial)
    print(verdict.text())
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
