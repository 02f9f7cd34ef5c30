"""Orders as they are given: what would happen, who may, what is left out and why, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hived.errors import BadRequest, Conflict, Forbidden, NotFound
from hived.records.access import By, Role
from hived.records.condition import Moment
from hived.records.miner import MinerSettings
from hived.records.miner_rules import Hold
from hived.records.miner_view import READ_WITHIN_S, PollOutcome, StoredStatus
from hived.records.order_request import read
from hived.records.orders import REASONS, Order, Packet, Target
from hived.records.pools import checked
from hived.records.steering import VERBS, Seen
from hived.services.miners import orders as giving
from hived.store import Database, Store, audit
from hived.store.miners import allowed_pools, miners, models, order_history, orders, readings, settings
from hived.store.schema import Health, Miner, MinerRules, Model
from tests.databases import Databases
from tests.services.miners.steered import Device, settle

NOW = 1_800_000_000.0
RULES = giving.Rules()
MAC = [f"02:00:00:00:00:0{i}" for i in range(4)]
POOL = {"url": "stratum+tcp://pool.example.com:3333", "user": "farm.one"}


@pytest.fixture
async def store(databases: Databases) -> Any:
    async with Store.open(databases.make()) as opened:
        devices = [Device(mac, f"127.9.0.{i}") for i, mac in enumerate(MAC)]
        await opened.write(settle, devices, NOW - 1000)
        for num in range(1, 5):
            status = StoredStatus(
                num=num, at=NOW - 5, state="mining", hashrate_hs=100e12, power_w=2900.0, preset="high",
                target_hashrate_hs=120e12,
            )  # fmt: skip
            await opened.write(readings.save, [PollOutcome(num, NOW - 5, status)])
        yield opened


def giver(
    role: Role = "operator", *, confirmed: bool = False, automatic: bool = False, at: float = NOW
) -> giving.Giver:
    return giving.Giver(By(at=at, who="ann", via="session", address=None), role, confirmed, automatic)


async def preview(
    store: Store, verb: str, args: dict[str, Any] | None = None, *, who: giving.Giver | None = None, **body: Any
) -> tuple[Order, list[Target]]:
    request = read({"verb": verb, "args": args or {}, **({"where": {}} | body)})
    return await store.read(giving.preview, request, who or giver(), RULES, Moment(NOW, 15.0))


async def give(store: Store, verb: str, args: dict[str, Any] | None = None, at: float = NOW, **body: Any) -> int:
    request = read({"verb": verb, "args": args or {}, **({"where": {}} | body)})
    number, _ = await store.write(giving.give, request, giver(at=at), RULES, Moment(at, 15.0))
    return int(number)


async def change(store: Store, mac: str, table: Any, **fields: Any) -> None:
    def work(db: Database) -> None:
        num = miners.one(db, mac).num
        if table is MinerRules:
            MinerRules.insert(num=num, **fields).execute(db)
        else:
            table.update(**fields).where(table.num == num).execute(db)

    await store.write(work)


async def test_a_preview_names_the_effect_and_changes_nothing(store: Store) -> None:
    order, targets = await preview(store, "pause")
    assert order.id == 0
    assert [one.state for one in targets] == ["pending"] * 4
    assert (order.effect_w, order.effect_hs) == (4 * -(2900.0 - 60.0), 4 * -100e12)
    assert await store.read(orders.listing, limit=10) == []


@pytest.mark.parametrize(
    ("name", "table", "fields", "verb", "args"),
    [
        ("not_managed", Miner, {"managed": False}, "pause", {}),
        ("offline", Miner, {"online": False}, "pause", {}),
        ("no_access", Miner, {"api_key": None}, "pause", {}),
        ("doubted", Miner, {"doubted_ip": "127.9.0.0"}, "pause", {}),
        ("node_too_old", Miner, {"remote": True, "node_id": "n2", "features": None}, "pause", {}),
        ("cannot", Miner, {"features": "chips"}, "pause", {}),
        ("cannot", Miner, {"features": None}, "pause", {}),
        ("unknown_preset", Miner, {}, "preset", {"name": "none"}),
        ("same_already", Miner, {}, "preset", {"name": "HIGH"}),
        ("same_already", Miner, {}, "power", {"watts": 3500}),
        ("same_already", Miner, {}, "resume", {}),
        ("not_tuned", Health, {"tuned": '["high"]'}, "preset", {"name": "low"}),
        ("no_such_low", Miner, {}, "power", {"watts": 900}),
        ("not_tuned", Health, {"tuned": '["high"]'}, "power", {"watts": 2500}),
        ("locked", MinerRules, {"locked": Hold("in repair", "ann", NOW - 10).to_text()}, "pause", {}),
        ("below_min_preset", MinerRules, {"min_preset": "middle"}, "preset", {"name": "low"}),
        ("no_version", Miner, {"features": "pools"}, "restore", {"version": 7}),
    ],
)
async def test_each_miner_that_is_left_out_has_its_reason(
    store: Store, name: str, table: Any, fields: dict[str, Any], verb: str, args: dict[str, Any]
) -> None:
    if fields:
        await change(store, MAC[0], table, **fields)
    _, targets = await preview(store, verb, args, who=giver("admin", confirmed=True), miners=[MAC[0]], where=None)
    assert [(one.state, one.reason) for one in targets] == [("skipped", name)]
    assert name in REASONS


async def test_a_status_that_was_read_before_the_last_order_ended_tells_nothing_of_now(store: Store) -> None:
    one: dict[str, Any] = {"miners": [MAC[0]], "where": None}
    number = await give(store, "pause", at=NOW - 60, **one)

    def paused(db: Database) -> None:
        (_, (target,)) = orders.one(db, number)
        orders.begin(db, target, Seen(NOW - 60), NOW - 59, args={}, ends_at=None)
        orders.end(db, target, "confirmed", NOW - 10)

    await store.write(paused)
    # It came in five seconds after the end, and its poll may have begun before.
    assert [one.reason for one in (await preview(store, "resume", **one))[1]] == [None]
    status = StoredStatus(num=1, at=NOW - 10 + READ_WITHIN_S + 1, state="mining", hashrate_hs=100e12)
    await store.write(readings.save, [PollOutcome(1, status.at, status)])
    assert [one.reason for one in (await preview(store, "resume", **one))[1]] == ["same_already"]


async def test_the_highest_and_lowest_preset_of_a_model_hold_for_names_and_for_watts(store: Store) -> None:
    await store.write(models.set_limits, "toy", {"max_preset": "middle"})
    one: dict[str, Any] = {"miners": [MAC[0]], "where": None}
    assert (await preview(store, "preset", {"name": "high"}, **one))[1][0].reason == "above_max_preset"
    assert (await preview(store, "power", {"watts": 9000}, **one))[1][0].reason == "above_max_preset"
    order, (target,) = await preview(store, "power", {"watts": 2999}, **one)
    assert target.args["name"] == "middle"
    assert order.effect_w == 2000.0 - 2900.0


async def test_what_a_miner_draws_more_while_it_warms_up_is_not_the_effect_of_the_preset_that_it_has(
    store: Store,
) -> None:
    """After a restart its status says nothing of now, so the miner itself is looked at: no watts are promised."""
    number = await give(store, "restart", miners=[MAC[0]], where=None)
    _, (target,) = await store.read(orders.one, number)
    await store.write(orders.begin, target, Seen(NOW, "mining"), NOW, args={})
    await store.write(orders.end, target, "confirmed", NOW)
    order, (target,) = await preview(store, "preset", {"name": "high"}, miners=[MAC[0]], where=None)
    assert (target.reason, order.effect_w, order.effect_hs) == (None, 0.0, 0.0)


async def test_a_hold_that_is_over_holds_nothing_and_protection_is_from_what_is_automatic(store: Store) -> None:
    over, on = Hold("", "ann", NOW - 10, NOW - 1).to_text(), Hold("test rig", "ann", NOW).to_text()
    await change(store, MAC[0], MinerRules, locked=over)
    await change(store, MAC[1], MinerRules, protected=on)
    both: dict[str, Any] = {"miners": MAC[:2], "where": None}
    assert [one.reason for one in (await preview(store, "pause", **both))[1]] == [None, None]
    by_plan = (await preview(store, "pause", who=giver(automatic=True), **both))[1]
    assert [one.reason for one in by_plan] == [None, "protected"]


async def test_a_miner_settles_after_a_preset_but_a_person_may_always_pause_it(store: Store) -> None:
    number = await give(store, "preset", {"name": "low"}, miners=[MAC[0]], where=None)
    _, (target,) = await store.read(orders.one, number)
    await store.write(orders.begin, target, Seen(NOW, "mining"), NOW, args=target.args)
    await store.write(orders.end, target, "confirmed", NOW)
    one: dict[str, Any] = {"miners": [MAC[0]], "where": None}
    assert (await preview(store, "preset", {"name": "middle"}, **one))[1][0].reason == "settling"
    assert (await preview(store, "pause", **one))[1][0].reason is None
    assert (await preview(store, "pause", who=giver(automatic=True), **one))[1][0].reason == "settling"
    forced = await preview(store, "preset", {"name": "middle"}, who=giver("admin"), force=True, **one)
    assert forced[1][0].reason is None
    with pytest.raises(Forbidden, match="force"):
        await preview(store, "preset", {"name": "middle"}, force=True, **one)


async def test_a_miner_is_rebooted_so_often_an_hour_and_no_more(store: Store) -> None:
    for _ in range(RULES.reboots_per_hour):
        number = await give(store, "reboot", miners=[MAC[0]], where=None)
        _, (target,) = await store.read(orders.one, number)
        assert await store.write(orders.begin, target, Seen(NOW), NOW, args={})
        await store.write(orders.end, target, "confirmed", NOW)
    _, targets = await preview(store, "reboot", miners=MAC[:2], where=None)
    assert [one.reason for one in targets] == ["reboot_limit", None]


async def test_the_same_key_is_the_same_order_and_with_another_body_none(store: Store) -> None:
    number = await give(store, "pause", key="storm")
    assert await give(store, "pause", key="storm") == number
    with pytest.raises(Conflict, match="storm"):
        await give(store, "resume", key="storm")
    assert len(await store.read(orders.listing, limit=10)) == 1


async def test_a_newer_order_takes_the_place_of_what_an_older_one_has_not_begun(store: Store) -> None:
    first = await give(store, "preset", {"name": "low"})
    second = await give(store, "pause", miners=MAC[:3], where=None)
    older, targets = await store.read(orders.one, first)
    assert [one.reason for one in targets] == ["superseded"] * 3 + [None]
    assert older.finished_at is None
    assert (await store.read(orders.one, second))[0].counts == {"pending": 3}


async def test_pools_need_an_allowed_pattern_or_an_admin_who_shows_the_password_again(store: Store) -> None:
    pools = {"pools": [{**POOL, "password": "hush"}]}
    for who in (giver("operator", confirmed=True), giver("admin")):
        with pytest.raises(Forbidden) as refused:
            await preview(store, "pools", pools, who=who)
        assert refused.value.code == "confirm_password"
    order, _ = await preview(store, "pools", pools, who=giver("admin", confirmed=True))
    assert "hush" not in repr(order)
    await store.write(allowed_pools.add, checked("pool.example.com", "farm"), by="ann", at=NOW)
    await preview(store, "pools", pools)
    with pytest.raises(Forbidden, match="thief"):
        await preview(store, "pools", {"pools": [{**POOL, "user": "thief"}]}, who=giver("admin", confirmed=True))


async def test_what_is_secret_of_an_order_is_sealed_while_it_waits_and_gone_afterwards(store: Store) -> None:
    await change(store, MAC[0], Miner, features="pools")
    await store.write(allowed_pools.add, checked("pool.example.com", None), by="ann", at=NOW)
    pools = {"pools": [{**POOL, "password": "hush-hush"}]}
    number = await give(store, "pools", pools, miners=[MAC[0]], where=None)

    def everything(db: Database) -> str:
        tables = ("miner_order", "order_target", "audit", "event")
        return repr([list(db.execute_sql(f"SELECT * FROM {name}").fetchall()) for name in tables])

    assert "hush-hush" not in await store.read(everything)
    order, _ = await store.read(orders.one, number)
    (target,) = await store.read(lambda db: orders.next_ones(db, order, None, busy=(), limit=5))
    assert target.args["pools"][0]["password"] == "hush-hush"
    before = Seen(NOW, "mining", pools=({"slot": 0, "url": "a", "user": "b"},), kept={"pools": {"0": "old-secret"}})
    assert await store.write(orders.begin, target, before, NOW, args=target.args)
    await store.write(orders.end, target, "confirmed", NOW)
    assert "old-secret" not in await store.read(everything)
    assert await store.read(lambda db: [row.args for row in _rows(db)]) == ["{}"]
    assert (await store.read(order_history.kept, number))[target.num] == {"pools": {"0": "old-secret"}}


def _rows(db: Database) -> list[Any]:
    from hived.store.schema import OrderTarget

    return list(OrderTarget.select().bind(db))


@pytest.mark.parametrize(
    ("verb", "args", "before", "back", "back_args"),
    [
        ("pause", {}, Seen(NOW, "mining"), "resume", {}),
        ("preset", {"name": "low"}, Seen(NOW, "mining", asked_preset="high"), "preset", {"name": "high"}),
        ("power", {"watts": 1500}, Seen(NOW, "mining", preset="middle"), "preset", {"name": "middle"}),
        ("dimmer", {"percent": 40}, Seen(NOW, "mining", throttle_percent=80.0), "dimmer", {"percent": 80}),
    ],
)
async def test_undo_brings_back_what_each_miner_was(
    store: Store, verb: str, args: dict[str, Any], before: Seen, back: str, back_args: dict[str, Any]
) -> None:
    number = await give(store, verb, args, miners=MAC[:2], where=None)
    _, (target, _waiting) = await store.read(orders.one, number)
    await store.write(orders.begin, target, before, NOW, args=target.args)
    await store.write(orders.end, target, "confirmed", NOW)
    # By now it shows what was asked for.
    now = StoredStatus(num=target.num, at=NOW + 10, state="stopped" if verb == "pause" else "mining", preset="low")
    now = replace(now, extra={"throttle_percent": 40.0})
    await store.write(readings.save, [PollOutcome(target.num, NOW + 10, now)])
    again = await store.write(giving.undo, number, giver(at=NOW + 20), RULES, Moment(NOW + 20, 15.0))
    order, targets = await store.read(orders.one, again)
    assert (order.verb, order.undo_of, [one.mac for one in targets]) == (back, number, MAC[:1])
    opened = await store.read(lambda db: orders.next_ones(db, order, None, busy=(), limit=5))
    assert {name: opened[0].args.get(name) for name in back_args} == back_args
    first, olds = await store.read(orders.one, number)
    assert [one.state for one in olds] == ["confirmed", "cancelled"]
    assert first.finished_at is not None


@pytest.mark.parametrize("pattern", ["pool.example.com", "old.example.com"])
async def test_the_way_back_leads_to_no_pool_that_is_not_allowed(store: Store, pattern: str) -> None:
    await change(store, MAC[0], Miner, features="pools")
    number = await store.write(
        giving.give, read({"verb": "pools", "args": {"pools": [POOL]}, "miners": MAC[:1]}),
        giver("admin", confirmed=True), RULES, Moment(NOW, 15.0),
    )  # fmt: skip
    (target,) = (await store.read(orders.one, number[0]))[1]
    before = Seen(NOW, "mining", pools=({"slot": 0, "url": "stratum+tcp://old.example.com:1", "user": "x"},))
    assert await store.write(orders.begin, target, before, NOW, args=target.args)
    await store.write(orders.end, target, "confirmed", NOW)
    with pytest.raises(Forbidden) as refused:
        await store.write(giving.undo, number[0], giver(), RULES, Moment(NOW, 15.0))
    assert refused.value.code == "confirm_password", "no pool is allowed yet"
    await store.write(lambda db: allowed_pools.add(db, checked(pattern, None), by="ann", at=NOW))
    again = await store.write(giving.undo, number[0], giver(), RULES, Moment(NOW, 15.0))
    (back,) = (await store.read(orders.one, again))[1]
    assert back.reason == (None if pattern == "old.example.com" else "pool_not_allowed")


async def test_what_changed_nothing_cannot_be_undone(store: Store) -> None:
    for verb in ("reboot", "locate", "pause"):
        number = await give(store, verb, miners=[MAC[0]], where=None)
        with pytest.raises(Conflict, match="nothing that can be brought back"):
            await store.write(giving.undo, number, giver(), RULES, Moment(NOW, 15.0))
    with pytest.raises(NotFound):
        await store.write(giving.undo, 999, giver(), RULES, Moment(NOW, 15.0))


async def test_miners_are_chosen_by_what_fits_and_all_of_it(store: Store) -> None:
    await change(store, MAC[1], MinerRules, group="rack 1", tags='["hot"]')
    await change(store, MAC[2], MinerRules, group="rack 1")
    chosen = {
        (): 4, (("group", "rack 1"),): 2, (("group", "rack 1"), ("tag", "hot")): 1, (("model", "toy"),): 4,
        (("state", "stopped"),): 0, (("preset", "high"), ("firmware", "invented")): 4,
    }  # fmt: skip
    for where, count in chosen.items():
        _, targets = await preview(store, "pause", where=dict(where))
        assert len(targets) == count, where


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"group": "row 3"}, "no miner has the group 'row 3': there are 'rack 1', 'rack 2'"),
        ({"tag": "hot", "state": "mining"}, "no miner has the tag 'hot': none has any tag"),
        ({"model": "s19"}, "no miner has the model 's19': there are 'toy'"),
        ({"node": "barn"}, "no miner has the node 'barn': "),
        ({"state": "paused"}, "no miner has the state 'paused': there are 'auto-tuning', "),
        ({"preset": "9999"}, "no miner has the preset '9999': there are 'high', 'low', 'middle'"),
        ({"firmware": "none"}, "no miner has the firmware 'none': there are 'invented'"),
    ],
)
async def test_a_name_that_no_miner_has_is_said_with_those_that_there_are(
    store: Store, where: dict[str, str], says: str
) -> None:
    for mac, group in zip(MAC, ("rack 1", "rack 2"), strict=False):
        await change(store, mac, MinerRules, group=group)
    with pytest.raises(NotFound) as raised:
        await preview(store, "pause", where=where)
    assert str(raised.value).startswith(says)


async def test_a_state_or_preset_that_no_miner_has_just_now_is_no_mistake(store: Store) -> None:
    for where in ({"state": "stopped"}, {"preset": "middle"}):
        assert (await preview(store, "pause", where=where))[1] == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"verb": "explode", "where": {}}, {"verb": "pause"}, {"verb": "pause", "where": {}, "miners": [MAC[0]]},
        {"verb": "pause", "miners": []}, {"verb": "pause", "miners": ["nobody"]},
        {"verb": "pause", "where": {"color": "red"}}, {"verb": "dimmer", "where": {}, "args": {"percent": 5}},
        {"verb": "pause", "where": {}, "args": {"hard": True}}, {"verb": "preset", "where": {}},
        {"verb": "power", "where": {}, "args": {"watts": True}},
        {"verb": "pools", "where": {}, "args": {"pools": [POOL, {**POOL, "slot": 0}]}},
        {"verb": "cooling", "where": {}, "args": {"mode": "manual"}},
        {"verb": "pause", "where": {}, "packet": {"size": 0, "interval_seconds": 1}},
        {"verb": "pause", "where": {}, "packet": {"size": 1, "interval_seconds": float("nan")}},
        {"verb": "pause", "where": {}, "expires_seconds": 10**9}, {"verb": "pause", "where": {}, "surprise": 1},
        {"verb": ["pause"], "where": {}}, {"verb": "pause", "where": []}, {"verb": "pause", "where": {}, "args": []},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_so(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(body)


async def test_who_ordered_what_is_in_the_audit(store: Store) -> None:
    number = await give(store, "pause")
    await store.write(giving.cancel, number, giver(), NOW)
    await store.write(giving.cancel, number, giver(), NOW)
    rows = await store.read(audit.listing, limit=10)
    assert [(row["action"], row["who"], row["target"]) for row in rows] == [
        ("order.cancel", "ann", str(number)), ("order.pause", "ann", str(number)),
    ]  # fmt: skip


def test_every_way_back_leads_to_a_verb() -> None:
    assert {verb.undo for verb in VERBS.values()} - {None} <= VERBS.keys()


async def test_a_version_brings_back_no_preset_that_the_limits_forbid(store: Store) -> None:
    await change(store, MAC[0], Miner, features="pools preset")
    document = {"pools": [POOL, {"url": "", "user": ""}], "requested_preset": "high"}
    num = (await store.read(miners.one, MAC[0])).num
    await store.write(settings.save, num, MinerSettings(document), NOW - 50, due_at=None)
    who = giver("admin", confirmed=True)
    one: dict[str, Any] = {"miners": [MAC[0]], "where": None, "who": who}
    assert (await preview(store, "restore", {"version": 1}, **one))[1][0].reason is None
    await store.write(models.set_limits, "toy", {"max_preset": "middle"})
    assert (await preview(store, "restore", {"version": 1}, **one))[1][0].reason == "above_max_preset"


async def test_an_empty_slot_is_no_pool_that_is_not_allowed(store: Store) -> None:
    await change(store, MAC[0], Miner, features="pools preset")
    await store.write(allowed_pools.add, checked("pool.example.com", None), by="ann", at=NOW)
    document = {"pools": [POOL, {"url": "", "user": ""}]}
    num = (await store.read(miners.one, MAC[0])).num
    await store.write(settings.save, num, MinerSettings(document), NOW - 50, due_at=None)
    (target,) = (await preview(store, "restore", {"version": 1}, miners=[MAC[0]], where=None))[1]
    assert (target.state, target.reason) == ("pending", None)


async def test_the_way_back_of_a_restore_keeps_its_passwords_sealed(store: Store) -> None:
    await change(store, MAC[0], Miner, features="pools preset")
    await store.write(allowed_pools.add, checked("*.example.com", None), by="ann", at=NOW)
    num = (await store.read(miners.one, MAC[0])).num
    await store.write(settings.save, num, MinerSettings({"pools": [POOL]}), NOW - 50, due_at=None)
    number = await give(store, "restore", {"version": 1}, miners=[MAC[0]], where=None)
    _, (target,) = await store.read(orders.one, number)
    before = Seen(NOW, "mining", pools=({"slot": 0, **POOL},), kept={"pools": {"0": "old-secret"}})
    await store.write(orders.begin, target, before, NOW, args=target.args)
    await store.write(orders.end, target, "confirmed", NOW)
    again = await store.write(giving.undo, number, giver(at=NOW + 5), RULES, Moment(NOW + 5, 15.0))
    order, _ = await store.read(orders.one, again)

    def everything(db: Database) -> str:
        return repr([list(db.execute_sql(f"SELECT * FROM {t}").fetchall()) for t in ("miner_order", "order_target")])

    assert "old-secret" not in await store.read(everything)
    (back,) = await store.read(lambda db: orders.next_ones(db, order, None, busy=(), limit=5))
    assert back.args["pools"]["pools"][0]["password"] == "old-secret"


async def test_a_limit_that_a_ladder_does_not_name_lets_nothing_pass(store: Store) -> None:
    await store.write(lambda db: Model.update(max_preset="2800").execute(db))
    one: dict[str, Any] = {"miners": [MAC[0]], "where": None}
    assert (await preview(store, "preset", {"name": "low"}, **one))[1][0].reason == "above_max_preset"
    await store.write(lambda db: Model.update(max_preset=None, min_preset="900").execute(db))
    assert (await preview(store, "preset", {"name": "low"}, **one))[1][0].reason == "below_min_preset"


async def test_an_order_lasts_as_long_as_its_packets_take(store: Store) -> None:
    order, _ = await preview(store, "pause")
    assert order.expires_at == NOW + 3600
    order, _ = await preview(store, "pause", packet={"size": 1, "interval_seconds": 3600})
    assert order.expires_at == NOW + 2 * 4 * 3600
    order, _ = await preview(store, "pause", expires_seconds=60)
    assert order.expires_at == NOW + 60


async def test_undo_keeps_the_slower_pace_and_takes_what_is_under_way(store: Store) -> None:
    number = await give(store, "pause", miners=MAC[:2], where=None, packet={"size": 1, "interval_seconds": 30})
    _, (target, _) = await store.read(orders.one, number)
    await store.write(orders.begin, target, Seen(NOW, "mining"), NOW, args={})
    again = await store.write(giving.undo, number, giver(at=NOW + 1), RULES, Moment(NOW + 1, 15.0))
    order, targets = await store.read(orders.one, again)
    assert (order.packet, [one.mac for one in targets]) == (Packet(1, 30.0), MAC[:1])
    busy = await store.read(lambda db: orders.next_ones(db, order, None, busy=[target.num], limit=5))
    assert busy == []


async def test_what_does_not_change_the_power_does_not_take_the_place_of_what_does(store: Store) -> None:
    first = await give(store, "preset", {"name": "low"})
    await give(store, "cooling", {"mode": "auto"}, miners=[MAC[0]], where=None)
    assert {one.reason for one in (await store.read(orders.one, first))[1]} == {None}
