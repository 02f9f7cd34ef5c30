"""Parts of a miner that were never judged, and the rows of a hived that did not know the difference."""

from __future__ import annotations

from hived.records.miner import MinerIdentity
from hived.records.miner_view import PollOutcome
from hived.store import Store, create
from hived.store.miners import miners, readings
from tests.store.engine.test_store import run

MACS = [f"02:00:00:00:00:{i:02x}" for i in range(3)]


async def seen(store: Store) -> list[tuple[tuple[int, ...] | None, tuple[int, ...] | None]]:
    """Which boards and fans are remembered of each miner."""
    targets = await store.read(readings.due, 100.0, limit=9, unmanaged=True)
    return [(one.boards_seen, one.fans_seen) for one in sorted(targets, key=lambda one: one.num)]


async def test_none_that_works_is_kept_apart_from_never_judged_also_over_an_update(url: str) -> None:
    async with Store.open(url) as store:
        for i, mac in enumerate(MACS):
            known = await store.write(miners.saw, miners.Sighting(MinerIdentity(mac), f"127.0.1.{i}", 1.0), node_id="n")
            await store.write(miners.keep_access, known.num, "access", 1.0)
        outcomes = [
            PollOutcome(1, 1.0, boards_seen=(), fans_seen=(0, 3)), PollOutcome(2, 1.0, boards_seen=(1,), fans_seen=()),
        ]  # fmt: skip
        await store.write(readings.save, outcomes)
        assert await seen(store) == [((), (0, 3)), ((1,), ()), (None, None)]
    run(url, "UPDATE health SET boards_seen = '', fans_seen = '' WHERE num = 3")  # as before there was the difference
    run(url, "ALTER TABLE health DROP COLUMN occupied_at")
    run(url, "DELETE FROM schema_migration WHERE name = '0008_never_judged'")
    assert create(url) == ["0008_never_judged"]
    async with Store.open(url) as store:
        assert await seen(store) == [(None, (0, 3)), ((1,), None), (None, None)]
