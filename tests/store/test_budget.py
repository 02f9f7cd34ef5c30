"""The disk budget takes history where it is what fills the database, first of who has most; on both kinds."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import pytest

from hived.runtime.options import Retention as Limits
from hived.services.appliance.host_troubles import stored_troubles
from hived.services.appliance.retain import Retention
from hived.store import Database, Store, budget
from hived.store.engine import bulk, dialect
from hived.store.schema import Artifact, Chips, Health, Miner, Rollup1h, Rollup5m, Status
from tests import nodes
from tests.api import farm
from tests.clock import FakeClock

NOW = farm.NOW
MB = 1 << 20


def rows(db: Database, table: Any, names: list[str], values: list[tuple[Any, ...]]) -> None:
    statement = table.insert_many(values[:1], fields=bulk.columns(table, names)).on_conflict_ignore()
    for start in range(0, len(values), 500):
        bulk.upsert(db, statement, len(names), values[start : start + 500])


def artifacts(db: Database, count: int, size: int = 4000) -> None:
    """So many artifacts, as a node may invent them."""
    names = [
        "url_key", "canon_version", "url", "provider", "object_id", "title", "licence_uri", "licence_field",
        "licence_scope", "licence_read_at", "facts", "search", "content_hash", "state", "describe_at",
        "describe_attempts", "collected_at", "changed_at", "told_by",
    ]  # fmt: skip
    invented = (f'{{"x":"{Random(n).randbytes(size // 2).hex()}"}}' for n in range(count))
    rows(db, Artifact, names, [
        (f"k{n}", 1, f"https://m.example/{n}", "met", str(n), "T", "", "", "", NOW, facts, "", "h", "described", 0.0, 0,
         NOW, NOW, "n1")
        for n, facts in enumerate(invented)
    ])  # fmt: skip


def raw(db: Database, /, num: int, count: int, every: float = 15.0) -> None:
    """So many statuses of one miner, the newest now."""
    at = [NOW - every * n for n in range(count)]
    rows(db, Status, ["at", "num", "partial", "detail"], [(one, num, False, b"d" * 300) for one in at])
    Health.update(status_at=NOW).where(Health.num == num).execute(db)


def rollups(db: Database, /, node_id: str, miners: int, stretches: int, first_num: int) -> None:
    """A node with so many miners and so many stretches of each."""
    nodes.let_in(db, node_id, NOW)
    nums = range(first_num, first_num + miners)
    Miner.insert_many([
        {"num": num, "mac": farm.mac_of(num), "remote": True, "node_id": node_id, "created_at": NOW, "updated_at": NOW}
        for num in nums
    ]).execute(db)  # fmt: skip
    start = NOW // 300 * 300 - 300 * stretches
    names = ["at", "num", "n", "hashing_n", "hashrate_mean_hs", "power_mean_w"]
    rows(db, Rollup5m, names, [(start + 300 * i, num, 20, 20, 1e14, 3000.0) for i in range(stretches) for num in nums])


async def counted(store: Store) -> dict[str, int]:
    def count(db: Database) -> dict[str, int]:
        return {table.__name__: table.select().bind(db).count() for table in (Status, Chips, Rollup5m, Rollup1h)}

    return await store.read(count)


def told(db: Database, first: int, end: int) -> int:
    """How many rollups there are of the miners with these numbers."""
    return int(Rollup5m.select().where(Rollup5m.num >= first, Rollup5m.num < end).bind(db).count())


async def keeper(store: Store, share: float) -> Retention:
    """Retention with a budget of this share of what the database takes now; nothing goes by age."""
    limit = int(await store.read(dialect.used_bytes) * share / MB)
    limits = Limits(raw_days=3650, rollup_5m_days=3650, rollup_1h_days=3650, max_database_mb=limit)
    return Retention(store, limits, clock=FakeClock(NOW))


async def test_history_stays_when_it_is_not_what_fills_the_database(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    num = await store.write(farm.find, 1, NOW)
    await store.write(raw, num, 2_000)
    await store.write(artifacts, 3_000)
    before = await counted(store)
    retention = await keeper(store, 0.9)
    for _ in range(3):
        await retention.prune()
    after = await counted(store)
    assert (after["Status"], before["Status"]) == (2_000, 2_000)
    (one,) = await store.read(stored_troubles)
    assert (one.kind, one.at) == ("database_full", NOW)
    assert "retention.max_database_mb" in one.step
    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1, "said once"
    await store.write(lambda db: Artifact.delete().execute(db))
    await retention.prune()
    assert await store.read(stored_troubles) == []


async def test_history_goes_where_it_is_what_fills_the_database(store: Store) -> None:
    num = await store.write(farm.find, 1, NOW)
    await store.write(raw, num, 20_000)
    await store.write(artifacts, 100)
    retention = await keeper(store, 0.7)
    await retention.prune()
    assert 1_000 < (await counted(store))["Status"] < 15_000
    assert await store.read(stored_troubles) == []


async def test_a_node_whose_miners_fill_the_history_loses_its_own_first(store: Store) -> None:
    num = await store.write(farm.find, 1, NOW)
    await store.write(raw, num, 2_000)
    await store.write(rollups, "small", 5, 100, 1000)
    await store.write(rollups, "huge", 400, 100, 5000)
    retention = await keeper(store, 0.8)
    await retention.prune()
    after = await counted(store)
    assert after["Status"] == 2_000
    assert await store.read(told, 1000, 1005) == 500, "who has little loses nothing"
    assert 10_000 < await store.read(told, 5000, 5400) < 36_000


async def test_who_has_little_is_not_taken_from_for_the_number_of_its_miners(store: Store) -> None:
    """A node with more miners than the master, and a day of history: what fills the database is the master's own."""
    num = await store.write(farm.find, 1, NOW)
    await store.write(raw, num, 20_000)
    await store.write(rollups, "shed", 20, 50, 1000)
    retention = await keeper(store, 0.7)
    await retention.prune()
    assert await store.read(told, 1000, 1020) == 1_000


@pytest.mark.sqlite_only("PostgreSQL knows the sizes of its tables")
async def test_a_few_rows_tell_about_what_a_table_takes(store: Store) -> None:
    def fill(db: Database) -> None:
        artifacts(db, 300, 50)
        artifacts(db, 900, 9_000)  # the first of them are there already
        nums = [farm.find(db, n, NOW) for n in range(1, 400)]
        assert len(nums) == 399

    await store.write(fill)

    def compare(db: Database) -> list[tuple[int, int]]:
        found = []
        for table in ("artifact", "miner", "event"):
            sql = "SELECT SUM(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = ?)"
            found.append((dialect.bytes_of(db, [table]), int(dialect.rows(db, sql, table)[0][0])))
        return found

    for estimate, real in await store.read(compare):
        assert 0.5 < estimate / real < 2.0


async def test_an_empty_database_is_never_full(store: Store) -> None:
    assert await store.read(dialect.bytes_of, ["artifact", "contribution"]) < 100_000
    assert await store.read(budget.biggest) is None
