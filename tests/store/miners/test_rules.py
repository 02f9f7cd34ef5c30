"""What is laid down for single miners, as rows."""

from __future__ import annotations

from hived.records.miner_rules import Hold, MinerRules
from hived.store import Store
from hived.store.miners import rules, views
from hived.store.schema import MinerRules as Row
from tests.api import farm

NOW = farm.NOW
LAID = MinerRules("row 3", ("hot", "old"), Hold("bench", "anna", NOW), Hold("show", "anna", NOW, NOW + 60), "2350")


async def test_rules_come_back_as_they_were_stored_and_whoever_follows_is_told(store: Store) -> None:
    num = await store.write(farm.find, 1, NOW)
    before = (await store.read(views.miners))[0]
    await store.write(rules.save, num, LAID, NOW + 1)
    (after,) = await store.read(views.miners, newer_than_rev=before.rev)
    assert (after.rules, after.updated_at) == (LAID, NOW + 1)


async def test_a_miner_of_which_nothing_is_said_has_no_row(store: Store) -> None:
    num = await store.write(farm.find, 1, NOW)
    await store.write(rules.save, num, LAID, NOW)
    await store.write(rules.save, num, MinerRules(), NOW)
    assert await store.read(lambda db: Row.select().bind(db).count()) == 0
    assert (await store.read(views.miners))[0].rules == MinerRules()


def test_a_hold_is_in_force_up_to_its_end_and_the_rest_for_ever() -> None:
    assert LAID.in_force(NOW + 59) is LAID
    assert LAID.in_force(NOW + 60) == MinerRules(LAID.group, LAID.tags, LAID.locked, None, LAID.min_preset)
