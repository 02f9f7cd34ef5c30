"""What plans owe and what laws look back on is not lost: by many orders, a rest, a token, or a clock that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hived.records.access import ApiSecret, By
from hived.records.condition import Moment
from hived.records.miner_rules import Hold
from hived.records.order_request import read
from hived.records.steering import Seen
from hived.records.times import rfc3339
from hived.services.miners import orders as giving
from hived.services.miners import plans as planning
from hived.store import Store
from hived.store.access import tokens
from hived.store.miners import miners, orders, orders_kept, plans
from hived.store.schema import Miner, MinerRules, OrderTarget
from tests.services.miners.test_plans import (
    ADMIN,
    BERLIN,
    HOUR,
    MACS,
    NOW,
    RULES,
    add,
    at,
    berlin,
    confirm_all,
    store,
    told_of,
    verbs,
)

__all__ = ["store"]
NIGHT = {"days": ["fri"], "from": "22:00", "to": "06:00"}


async def _give(store: Store, verb: str, then: float, **body: object) -> int:
    request = read({"verb": verb, "miners": MACS[:1]} | body)
    number, _ = await store.write(giving.give, request, ADMIN, RULES, Moment(then, 15.0))
    return int(number)


async def test_many_orders_do_not_make_forget_what_is_still_to_be_brought_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_kept, "KEEP_ORDERS", 3)
    await add(store, NIGHT)
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    (night,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, night.id, berlin(2026, 3, 27, 22, 1))
    lit = await _give(store, "locate", berlin(2026, 3, 27, 23, 0))
    await store.write(lambda db: OrderTarget.update(ends_at=1.0).where(OrderTarget.order == lit).execute(db))
    await store.write(orders.end_pending, lit, "cancelled", None, NOW)
    rebooted = await _give(store, "reboot", berlin(2026, 3, 28, 5, 30))
    await confirm_all(store, rebooted, berlin(2026, 3, 28, 5, 30))
    for minute in range(8):
        number = await _give(store, "locate", berlin(2026, 3, 28, 5, 50 + minute))
        await store.write(orders.end_pending, number, "cancelled", None, NOW)
    kept = [order.id for order in await store.read(orders.listing, limit=50)]
    assert {night.id, lit, rebooted} < set(kept)
    assert len(kept) == 6
    await at(store, berlin(2026, 3, 28, 6, 0) + 1)
    assert (await verbs(store))[0] == "resume"


async def test_the_way_back_waits_for_a_rest_and_does_not_fall_out(store: Store) -> None:
    await add(store, NIGHT, "preset", order={"verb": "preset", "args": {"name": "low"}, "where": {}})
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    (order,) = await store.read(orders.listing, limit=5)
    then = berlin(2026, 3, 28, 5, 59)
    for target in (await store.read(orders.one, order.id))[1]:
        sent_at = berlin(2026, 3, 27, 22, 1)
        before = Seen(sent_at, "mining", preset="high", asked_preset="high")
        assert await store.write(orders.begin, target, before, sent_at, args={"name": "low"})
        await store.write(orders.end, target, "confirmed", then)
    await at(store, berlin(2026, 3, 28, 6, 0) + 1)
    back, *_ = await store.read(orders.listing, limit=5)
    assert (back.undo_of, back.counts) == (order.id, {"pending": 2})


async def test_what_was_missed_after_the_way_back_is_told_too(store: Store) -> None:
    number = await add(store, {"from": "22:00", "to": "06:00"})
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    two_days_later = berlin(2026, 3, 29, 23, 0)
    await at(store, two_days_later)
    await at(store, two_days_later + 5)
    assert len(await told_of(store, "plan_missed")) == 1
    assert ((await store.read(plans.one, number)).next_at or 0.0) > NOW
    await at(store, two_days_later + 10)
    assert ((await store.read(plans.one, number)).next_at or 0.0) > two_days_later


@pytest.mark.parametrize("scopes", [("steer",), ("miners",), None])
async def test_the_plan_of_a_program_needs_its_token(store: Store, scopes: tuple[str, ...] | None) -> None:
    giver = replace(ADMIN, by=By(at=NOW, who="heater", via="token", address=None), role="operator")
    made = ApiSecret.new()
    if scopes is not None:
        await store.write(
            lambda db: tokens.add(db, made, name="heater", role="operator", scopes=scopes, created_by=None, at=NOW)
        )
    await add(store, NIGHT, giver=giver)
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    assert await verbs(store) == (["pause"] if scopes == ("steer",) else [])


async def test_a_clock_that_ran_ahead_does_not_stop_a_plan_for_years(store: Store) -> None:
    number = await add(store, NIGHT)
    await at(store, berlin(2031, 3, 27, 12, 0))
    assert ((await store.read(plans.one, number)).next_at or 0.0) > NOW + 365 * 24 * HOUR
    await at(store, NOW + 60)
    assert (await store.read(plans.one, number)).next_at == berlin(2026, 3, 27, 22, 0)


async def test_what_a_clock_that_ran_ahead_began_is_brought_back_when_it_is_set_right(store: Store) -> None:
    await add(store, NIGHT)
    await at(store, berlin(2031, 3, 28, 12, 0))
    await at(store, berlin(2031, 3, 28, 22, 0) + 1)
    (order,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, order.id, berlin(2031, 3, 28, 22, 1))
    await at(store, NOW + 60)
    assert await verbs(store) == ["resume", "pause"]


async def test_what_was_done_by_a_clock_that_ran_ahead_holds_up_no_miner_for_years(store: Store) -> None:
    request = read({"verb": "preset", "args": {"name": "low"}, "where": {}})
    ahead = NOW + 4 * 365 * 24 * HOUR
    number, _ = await store.write(giving.give, request, ADMIN, RULES, Moment(ahead, 15.0))
    await confirm_all(store, number, ahead)
    _, targets = await store.read(giving.preview, request, ADMIN, RULES, Moment(NOW, 15.0))
    assert {one.reason for one in targets} == {None}
    _, targets = await store.read(giving.preview, request, ADMIN, RULES, Moment(ahead + 1, 15.0))
    assert {one.reason for one in targets} == {"settling"}


async def test_the_way_back_comes_to_a_protected_miner_too_and_the_plan_itself_does_not(store: Store) -> None:
    """A person paused it by name, in a storm; the week's plan leaves it alone from the beginning."""
    on = Hold("customer X", "ann", NOW - 10).to_text()
    await store.write(lambda db: MinerRules.insert(num=miners.one(db, MACS[0]).num, protected=on).execute(db))
    body = {"name": "storm", "until": rfc3339(NOW + HOUR), "order": {"verb": "pause", "miners": MACS}}
    number = await store.write(planning.storm, body, ADMIN, RULES, Moment(NOW, 15.0), BERLIN)
    await confirm_all(store, number, NOW + 60)
    await at(store, NOW + HOUR + 1)
    back, _ = await store.read(orders.listing, limit=5)
    assert (back.verb, back.counts) == ("resume", {"pending": 2})
    await add(store, NIGHT)
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    (night, *_) = await store.read(orders.listing, limit=1)
    assert {one.mac: one.reason for one in (await store.read(orders.one, night.id))[1]} == {
        MACS[0]: "protected", MACS[1]: None,
    }  # fmt: skip


async def test_whom_the_way_back_does_not_reach_is_told(store: Store) -> None:
    await add(store, NIGHT)
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    (order,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, order.id, berlin(2026, 3, 27, 22, 1))
    await store.write(lambda db: Miner.update(online=False).where(Miner.mac == MACS[0]).execute(db))
    await at(store, berlin(2026, 3, 28, 6, 0) + 1)
    assert await told_of(store, "plan_left") == [
        {"plan": "night", "order": order.id + 1, "miners": 1, "why": "it is offline"}
    ]
