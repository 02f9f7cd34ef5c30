"""Plans: by the clock on the wall of the site, on both days on which it is changed; what is missed is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hived.documents import plans as documents
from hived.errors import BadRequest, Conflict
from hived.records.access import ApiSecret, By
from hived.records.condition import Moment
from hived.records.plans import LATE_S, Schedule, following, read
from hived.records.steering import Seen
from hived.records.times import rfc3339
from hived.services.miners import plans as planning
from hived.services.miners.orders import Giver, Rules
from hived.store import Store, events
from hived.store.access import tokens, users
from hived.store.access.owners import may_steer_as
from hived.store.miners import orders, plans
from tests.databases import Databases
from tests.services.miners.steered import Device, settle

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 27, 12, 0, tzinfo=BERLIN).timestamp()  # a Friday
RULES = Rules()
MACS = [f"02:00:00:00:00:0{i}" for i in range(2)]
ADMIN = Giver(By(at=NOW, who="ann", via="session", address=None), "admin")
HOUR = 3600.0


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make()) as opened:
        await opened.write(settle, [Device(mac, f"127.9.0.{i}") for i, mac in enumerate(MACS)], NOW - 1000)
        await opened.write(users.add, "ann", "hash", "admin", NOW)
        yield opened


async def add(
    store: Store, when: dict[str, Any], verb: str = "pause", *, giver: Giver = ADMIN, made: float = NOW, **more: Any
) -> int:
    body = {"name": "night", "when": when, "order": {"verb": verb, "where": {}}} | more
    return int(await store.write(planning.add, body, giver, RULES, Moment(made, 15.0), BERLIN))


async def at(store: Store, then: float) -> list[str]:
    told: list[str] = await store.write(planning.carry_out, RULES, may_steer_as, Moment(then, 15.0), BERLIN)
    return told


async def verbs(store: Store) -> list[str]:
    return [order.verb for order in await store.read(orders.listing, limit=9)]


async def told_of(store: Store, kind: str) -> list[Any]:
    return [event.detail for event in await store.read(events.newest, limit=9) if event.kind == kind]


async def confirm_all(store: Store, number: int, then: float) -> None:
    for target in (await store.read(orders.one, number))[1]:
        assert await store.write(orders.begin, target, Seen(then, "mining"), then, args={})
        await store.write(orders.end, target, "confirmed", then)


def berlin(*parts: int) -> float:
    return datetime(*parts, tzinfo=BERLIN).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((2026, 3, 27, 12, 0), datetime(2026, 3, 28, 1, 30, tzinfo=UTC)),  # winter: 02:30 is 01:30 UTC
        ((2026, 3, 28, 12, 0), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # skipped: it is 03:30 then
        ((2026, 3, 29, 12, 0), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)),  # summer
        ((2026, 10, 24, 12, 0), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # shown twice: the first
    ],
)
def test_a_time_on_the_wall_holds_through_both_changes_of_the_clock(after: Any, expected: datetime) -> None:
    every_night = Schedule(days=tuple(range(7)), begins="02:30")
    assert following(every_night, berlin(*after), BERLIN) == (expected.timestamp(), "do")


def test_the_hour_that_is_shown_twice_is_no_second_time() -> None:
    every_night = Schedule(days=tuple(range(7)), begins="02:30")
    first = following(every_night, berlin(2026, 10, 24, 12, 0), BERLIN)
    assert first is not None
    assert following(every_night, first[0], BERLIN) == (berlin(2026, 10, 26, 2, 30), "do")


def test_a_window_that_begins_in_the_skipped_hour_ends_after_it_has_begun() -> None:
    early = Schedule(days=tuple(range(7)), begins="02:30", ends="03:15")
    begin = following(early, berlin(2026, 3, 28, 12, 0), BERLIN)
    assert begin == (berlin(2026, 3, 29, 3, 30), "do")
    assert following(early, begin[0], BERLIN) == (begin[0] + 60, "back")


def test_a_window_over_midnight_ends_on_the_next_day_and_only_on_its_days() -> None:
    fridays = Schedule(days=(4,), begins="22:00", ends="06:00")
    begin = following(fridays, NOW, BERLIN)
    assert begin == (berlin(2026, 3, 27, 22, 0), "do")
    back = following(fridays, begin[0], BERLIN)
    assert back == (berlin(2026, 3, 28, 6, 0), "back")
    assert following(fridays, back[0], BERLIN) == (berlin(2026, 4, 3, 22, 0), "do")


async def test_a_window_gives_its_order_and_brings_back_what_it_changed(store: Store) -> None:
    number = await add(store, {"days": ["fri"], "from": "22:00", "to": "06:00"})
    assert await at(store, NOW) == []
    await at(store, berlin(2026, 3, 27, 22, 0) + 1)
    (order,) = await store.read(orders.listing, limit=5)
    assert (order.verb, order.via, order.by, order.counts) == ("pause", "plan", "ann", {"pending": 2})
    await confirm_all(store, order.id, berlin(2026, 3, 27, 22, 1))
    await at(store, berlin(2026, 3, 28, 6, 0) + 1)
    back, _ = await store.read(orders.listing, limit=5)
    assert (back.verb, back.undo_of) == ("resume", order.id)
    assert (await store.read(plans.one, number)).next_at == berlin(2026, 4, 3, 22, 0)
    assert await at(store, berlin(2026, 3, 28, 6, 0) + 2) == []


async def test_what_was_missed_is_told_and_done_late_only_if_asked(store: Store) -> None:
    await add(store, {"days": ["fri"], "from": "22:00"})
    await add(store, {"days": ["fri"], "from": "22:00"}, "reboot", name="late", late=True)
    morning = berlin(2026, 3, 28, 8, 0)
    await at(store, morning)
    assert [order.verb for order in await store.read(orders.listing, limit=5)] == ["reboot"]
    missed = [event for event in await store.read(events.newest, limit=5) if event.kind == "plan_missed"]
    assert [event.detail["plan"] for event in missed] == ["night"]
    assert [plan.next_at for plan in await store.read(plans.listing)] == [berlin(2026, 4, 3, 22, 0)] * 2


async def test_the_way_back_is_never_missed(store: Store) -> None:
    await add(store, {"days": ["fri"], "from": "22:00", "to": "23:00"})
    await at(store, berlin(2026, 3, 27, 22, 0))
    (order,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, order.id, berlin(2026, 3, 27, 22, 1))
    await at(store, berlin(2026, 3, 28, 9, 0))
    assert [one.verb for one in await store.read(orders.listing, limit=5)] == ["resume", "pause"]


@pytest.mark.parametrize(
    ("when", "back_on"),
    [
        ({"days": ["fri"], "from": "22:00", "to": "06:00"}, berlin(2026, 3, 28, 7, 0)),
        ({"at": rfc3339(NOW + HOUR), "until": rfc3339(NOW + 2 * HOUR)}, NOW + 3 * HOUR),
        ({"at": rfc3339(NOW + HOUR), "until": rfc3339(NOW + HOUR + 10)}, NOW + HOUR + 15),
    ],
)
async def test_what_has_ended_meanwhile_is_not_begun_for_nothing_would_bring_it_back(
    store: Store, when: dict[str, Any], back_on: float
) -> None:
    await add(store, when, late=True)
    await at(store, back_on)
    assert await verbs(store) == []
    assert [detail["plan"] for detail in await told_of(store, "plan_missed")] == ["night"]


async def test_what_is_done_late_within_its_window_is_brought_back_at_its_end(store: Store) -> None:
    await add(store, {"days": ["fri"], "from": "22:00", "to": "06:00"}, late=True)
    await at(store, berlin(2026, 3, 27, 23, 0))
    (order,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, order.id, berlin(2026, 3, 27, 23, 1))
    await at(store, berlin(2026, 3, 28, 6, 0))
    assert await verbs(store) == ["resume", "pause"]


@pytest.mark.parametrize("minutes", [1, 60])
async def test_a_plan_that_is_made_within_its_window_begins_with_the_next_one(store: Store, minutes: int) -> None:
    made = berlin(2026, 3, 27, 22, 0) + 60.0 * minutes
    number = await add(store, {"days": ["fri"], "from": "22:00", "to": "06:00"}, made=made)
    plan = await store.read(plans.one, number)
    assert (plan.next_what, plan.next_at) == ("do", berlin(2026, 4, 3, 22, 0))


async def test_before_a_storm_all_stop_now_and_come_back_by_themselves(store: Store) -> None:
    until = rfc3339(NOW + 2 * HOUR)
    body = {"name": "storm", "until": until, "order": {"verb": "pause", "where": {}}}
    number = await store.write(planning.storm, body, ADMIN, RULES, Moment(NOW, 15.0), BERLIN)
    assert (await store.read(orders.one, number))[0].counts == {"pending": 2}
    await confirm_all(store, number, NOW + 60)
    await at(store, NOW + 2 * HOUR)
    assert [one.verb for one in await store.read(orders.listing, limit=5)] == ["resume", "pause"]
    assert [plan.next_at for plan in await store.read(plans.listing)] == [None]


async def test_a_plan_that_rests_orders_nothing_and_goes_on_with_what_comes_next(store: Store) -> None:
    number = await add(store, {"days": ["fri"], "from": "22:00"})
    await store.write(planning.switch, number, False, ADMIN, NOW, BERLIN)
    await at(store, berlin(2026, 3, 27, 22, 0))
    assert await store.read(orders.listing, limit=5) == []
    await store.write(planning.switch, number, True, ADMIN, berlin(2026, 3, 27, 22, 30), BERLIN)
    assert (await store.read(plans.one, number)).next_at == berlin(2026, 4, 3, 22, 0)


async def test_a_plan_that_is_switched_off_within_its_window_still_brings_back_what_it_changed(store: Store) -> None:
    number = await add(store, {"days": ["fri"], "from": "22:00", "to": "06:00"})
    await at(store, berlin(2026, 3, 27, 22, 0))
    (order,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, order.id, berlin(2026, 3, 27, 22, 1))
    for enabled, then in ((False, (27, 23, 0)), (True, (28, 6, 1)), (False, (28, 6, 2))):  # its end is at 06:00
        await store.write(planning.switch, number, enabled, ADMIN, berlin(2026, 3, *then), BERLIN)
    told = documents.plan(await store.read(plans.one, number))
    assert (told["enabled"], told["next"], told["next_at"]) == (False, "back", rfc3339(berlin(2026, 3, 28, 6, 0)))
    await at(store, berlin(2026, 3, 28, 6, 3))
    await at(store, berlin(2026, 4, 3, 22, 0))
    assert await verbs(store) == ["resume", "pause"]
    await store.write(planning.switch, number, True, ADMIN, berlin(2026, 4, 3, 23, 0), BERLIN)
    await at(store, berlin(2026, 4, 4, 6, 0))
    assert await verbs(store) == ["resume", "pause"], "nothing of days ago is brought back"


async def test_a_plan_that_is_over_makes_room_for_another_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MAX_PLANS", 2)
    first = await add(store, {"at": rfc3339(NOW)})
    with pytest.raises(Conflict):
        await add(store, {"at": rfc3339(NOW + HOUR)})
    await at(store, NOW)
    assert (await store.read(plans.one, first)).next_at is None
    await add(store, {"at": rfc3339(NOW + HOUR)})
    await add(store, {"at": rfc3339(NOW)}, name="over")
    await at(store, NOW)
    await add(store, {"at": rfc3339(NOW + HOUR)}, name="third")
    with pytest.raises(BadRequest):
        await add(store, {"at": rfc3339(NOW + HOUR)}, name="fourth")
    assert [plan.name for plan in await store.read(plans.listing)] == ["night", "third"]


async def test_a_storm_says_what_is_wrong_with_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"name": "storm", "until": rfc3339(NOW + HOUR), "order": {"verb": "pause", "where": {}}}

    async def storm(**more: Any) -> None:
        await store.write(planning.storm, body | more, ADMIN, RULES, Moment(NOW, 15.0), BERLIN)

    with pytest.raises(BadRequest, match="'late' is none of them"):
        await storm(late=True)
    with pytest.raises(BadRequest, match="no miner fits"):
        await storm(order={"verb": "pause", "where": {"state": "stopped"}})

    def refuse(*_: Any, **__: Any) -> None:
        raise Conflict("what is really wrong")

    monkeypatch.setattr(orders, "add", refuse)
    with pytest.raises(Conflict, match="what is really wrong"):
        await storm()
    assert await store.read(plans.listing) == []


async def become(store: Store, name: str, role: str | None) -> None:
    """Give a user another role, or remove them."""
    if role is None:
        await store.write(users.remove, name)
    else:
        await store.write(users.set_role, name, role, NOW)


@pytest.mark.parametrize("role", ["viewer", None])
async def test_the_plan_of_a_user_who_may_no_longer_steer_gives_no_order(store: Store, role: str | None) -> None:
    await store.write(users.add, "otto", "hash", "operator", NOW)
    await store.write(
        lambda db: tokens.add(
            db, ApiSecret.new(), name="otto", role="operator", scopes=["steer"], created_by=None, at=NOW
        )
    )
    otto = {via: Giver(By(at=NOW, who="otto", via=via, address=None), "operator") for via in ("session", "token")}
    await add(store, {"days": ["fri"], "from": "22:00"}, giver=otto["session"])
    await add(store, {"days": ["fri"], "from": "23:00"}, "reboot", giver=otto["token"], name="a program's")
    await become(store, "otto", role)
    await at(store, berlin(2026, 3, 27, 22, 0))
    assert await verbs(store) == []
    assert await told_of(store, "plan_failed") == [{"plan": "night", "error": "its owner may not steer any more"}]
    await at(store, berlin(2026, 3, 27, 23, 0))
    assert await verbs(store) == ["reboot"], "of a token by the same name"
    assert (await store.read(plans.listing))[1].next_at == berlin(2026, 4, 3, 22, 0)


async def test_what_a_user_had_ordered_is_brought_back_also_when_they_are_gone(store: Store) -> None:
    await store.write(users.add, "otto", "hash", "operator", NOW)
    otto = Giver(By(at=NOW, who="otto", via="session", address=None), "operator")
    await add(store, {"days": ["fri"], "from": "22:00", "to": "23:00"}, giver=otto)
    await at(store, berlin(2026, 3, 27, 22, 0))
    (order,) = await store.read(orders.listing, limit=5)
    await confirm_all(store, order.id, berlin(2026, 3, 27, 22, 1))
    await store.write(users.remove, "otto")
    await at(store, berlin(2026, 3, 27, 23, 0))
    assert await verbs(store) == ["resume", "pause"]


@pytest.mark.parametrize(
    ("when", "verb"),
    [
        ({}, "pause"), ({"at": "yesterday"}, "pause"), ({"at": rfc3339(NOW - 2 * LATE_S)}, "pause"),
        ({"at": rfc3339(NOW + 9), "until": rfc3339(NOW + 8)}, "pause"), ({"at": rfc3339(NOW + 4e8)}, "pause"),
        ({"days": [], "from": "22:00"}, "pause"), ({"days": ["someday"], "from": "22:00"}, "pause"),
        ({"from": "25:00"}, "pause"), ({"from": "2200"}, "pause"), ({"from": "22:00", "to": "22:00"}, "pause"),
        ({"from": "22:00", "at": rfc3339(NOW + 9)}, "pause"), ({"from": "22:00", "to": "23:00"}, "reboot"),
    ],
)  # fmt: skip
async def test_a_plan_that_makes_no_sense_is_refused(store: Store, when: dict[str, Any], verb: str) -> None:
    with pytest.raises(BadRequest):
        await add(store, when, verb)
    assert await store.read(plans.listing) == []


def test_an_end_is_kept_as_a_clock_shows_it() -> None:
    assert read({"from": "22:00", "to": "T0600"}, NOW).ends == "06:00"


def test_every_day_is_what_is_meant_without_days() -> None:
    assert read({"from": "08:00"}, NOW).days == tuple(range(7))
