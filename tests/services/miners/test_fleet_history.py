"""hive-polld looks at the fleet once its miners have had their turns."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hived.records.miner import MinerIdentity
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.services.miners.fleet_history import FleetHistory
from hived.store import Database, Store
from hived.store.miners import fleet_history, miners, readings
from tests.databases import Databases

START = 1_800_000_000.0


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make()) as opened:
        yield opened


def polled(db: Database, at: float) -> None:
    num = miners.saw(db, miners.Sighting(MinerIdentity("02:00:00:00:00:01"), "10.0.0.1", at), node_id="n").num
    status = StoredStatus(num=num, at=at, state="mining", hashrate_hs=98e12, target_hashrate_hs=100e12)
    readings.save(db, [PollOutcome(num, at, status=status)])


def lost(db: Database) -> list[tuple[float | None, float | None]]:
    found = fleet_history.columns(db, since=START, until=START + 86_400, width_s=300.0)
    return [(sums["lost_weak_hs"], sums["lost_unreadable_hs"]) for sums in found.values()]


@pytest.mark.parametrize(("status_seconds", "blind"), [(15.0, 1), (60.0, 3), (5.0, 1)])
async def test_after_a_rest_nothing_is_lost_before_the_miners_were_asked(
    store: Store, status_seconds: float, blind: int
) -> None:
    now = START

    async def clock() -> float | None:
        return now

    history = FleetHistory(store, node_id="n", status_seconds=status_seconds, now=clock)
    await store.write(polled, START - 3600)
    for _ in range(blind):
        await history.look()
    assert await store.read(lost) == []
    await store.write(polled, START + 200)
    now = START + 201
    await history.look()
    assert await store.read(lost) == [(2e12, 0.0)]


async def test_while_the_clock_is_in_doubt_nobody_looks(store: Store) -> None:
    async def doubt() -> float | None:
        return None

    history = FleetHistory(store, node_id="n", status_seconds=15.0, now=doubt)
    await store.write(polled, START)
    for _ in range(3):
        await history.look()
    assert await store.read(lost) == []
