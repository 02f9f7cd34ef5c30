"""Orders carried out at simulated miners: each verb does what it says, is read back, and can be brought back."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records.losses import losses
from hived.records.pools import checked
from hived.simulator.miners.miner import SimulatedMiner
from hived.store.miners import allowed_pools
from tests.services.conftest import kinds

pytestmark = pytest.mark.sqlite_only("about miners; test_orders.py has the rows on both")

POOL = {"slot": 0, "url": "pool-c.example.com:3333", "user": "farm.new", "password": "y"}


def _lower(miner: SimulatedMiner) -> str:
    """A tuned preset below the one that runs."""
    ladder = [step.name for step in miner.spec.ladder]
    return next(name for name in reversed(ladder[: ladder.index(miner.preset.name)]) if name in miner.tuned)


async def test_a_pause_is_seen_in_state_power_and_rate_and_undone(desk: Any) -> None:
    at = await desk(3)
    order, targets = await at.order("pause")
    assert [(one.state, one.reason) for one in targets] == [("confirmed", None)] * 3
    assert [miner.state for miner in at.here.fleet.miners] == ["stopped"] * 3
    assert targets[0].before["power_w"] > 1000 > targets[0].after["power_w"]
    back, targets = await at.undo(order.id)
    assert (back.verb, [one.state for one in targets]) == ("resume", ["confirmed"] * 3)
    assert [miner.state for miner in at.here.fleet.miners] == ["mining"] * 3


async def test_a_preset_is_read_back_and_the_old_one_brought_back(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    before, wanted = rig.preset.name, _lower(rig)
    order, (target,) = await at.order("preset", {"name": wanted})
    assert (target.state, target.reason, rig.preset.name) == ("confirmed", None, wanted)
    assert (target.before["preset"], target.after["preset"]) == (before, wanted)
    _, (target,) = await at.undo(order.id)
    assert (target.state, rig.preset.name) == ("confirmed", before)


async def test_watts_become_the_highest_preset_that_takes_no_more(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    wanted = rig.spec.preset(_lower(rig))
    _, (target,) = await at.order("power", {"watts": int(wanted.watts) + 5})
    assert (target.state, target.args, rig.preset.name) == ("confirmed", {}, wanted.name)


async def test_pools_are_merged_by_slot_and_the_passwords_of_the_others_stay(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    before = [dict(pool) for pool in rig.settings["miner"]["pools"]]
    order, (target,) = await at.order("pools", {"pools": [POOL]})
    assert (target.state, target.reason) == ("confirmed", None)
    told = [rig.settings["miner"]["pools"][slot] for slot in range(3)]
    assert told == [{"url": POOL["url"], "user": POOL["user"], "pass": "y"}, *before[1:]]
    _, (target,) = await at.undo(order.id)
    assert (target.state, rig.settings["miner"]["pools"]) == ("confirmed", before)


async def test_lights_flash_and_are_put_out_again(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    _, (target,) = await at.order("locate", {"seconds": 60})
    assert (target.state, rig.unit.finding) == ("confirmed", True)
    for _ in range(130):
        await at.step()
    assert not rig.unit.finding
    assert rig.requests["POST /api/v1/find-miner"] == 2


@pytest.mark.parametrize("verb", ["restart", "reboot"])
async def test_what_may_not_be_done_twice_is_sent_once_and_seen(desk: Any, verb: str) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    _, (target,) = await at.order(verb)
    assert (target.state, target.reason) == ("confirmed", None)
    path = "/api/v1/system/reboot" if verb == "reboot" else "/api/v1/mining/restart"
    assert rig.requests[f"POST {path}"] == 1


async def test_cooling_is_set_and_brought_back(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    order, (target,) = await at.order("cooling", {"mode": "manual", "percent": 80})
    assert (target.state, rig.settings["miner"]["cooling"]["mode"]) == ("confirmed", {"name": "manual", "param": 80})
    _, (target,) = await at.undo(order.id)
    assert (target.state, rig.settings["miner"]["cooling"]["mode"]["name"]) == ("confirmed", "auto")


async def test_settings_of_a_version_come_back(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    before = [dict(pool) for pool in rig.settings["miner"]["pools"]]
    await at.order("pools", {"pools": [POOL]})
    _, (target,) = await at.order("restore", {"version": 1}, force=True)
    assert (target.state, target.reason) == ("confirmed", None)
    assert [(pool["url"], pool["user"]) for pool in rig.settings["miner"]["pools"]] == [
        (pool["url"], pool["user"]) for pool in before
    ]


async def test_a_restore_of_pools_that_are_not_allowed_leaves_the_miner_out(desk: Any) -> None:
    at = await desk(1)
    await at.here.store.write(allowed_pools.add, checked("elsewhere.example.com", None), by="ann", at=at.time())
    _, (target,) = await at.order("restore", {"version": 1})
    assert (target.state, target.reason) == ("skipped", "pool_not_allowed")


async def test_without_an_order_nothing_is_written_to_any_miner(desk: Any) -> None:
    at = await desk(2)
    before = [dict(rig.requests) for rig in at.here.fleet.miners]
    for _ in range(50):
        await at.step()
    assert [dict(rig.requests) for rig in at.here.fleet.miners] == before


async def test_a_group_has_packets_of_its_own_and_never_more_than_one_in_flight(desk: Any) -> None:
    at = await desk(6)
    order, targets = await at.order("pause", packet={"size": 2, "interval_seconds": 20})
    sent = sorted(one.sent_at for one in targets)
    assert [round(b - a) for a, b in zip(sent[::2], sent[2::2], strict=False)] == [20, 20]
    assert order.counts == {"confirmed": 6}


async def test_what_our_order_changed_is_no_event(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    await at.poll()
    before = await kinds(at.here)
    await at.order("pause")
    at.time.turn_to(at.time() + 30)
    await at.poll()
    assert (await at.here.view(rig)).state == "stopped"
    told = (await kinds(at.here))[: -len(before)]
    assert sorted(told) == ["order_finished", "order_given", "order_outcome"]


async def _lost(at: Any, rig: SimulatedMiner, *, after_s: float = 30) -> set[str]:
    at.time.turn_to(at.time() + after_s)
    await at.poll()
    status = (await at.here.view(rig)).status
    return {loss.reason for loss in losses(status) if loss.reason != "weak"}


async def test_what_an_order_paused_is_lost_as_planned_until_it_was_seen_mining_again(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    order, _ = await at.order("pause")
    assert await _lost(at, rig) == {"planned"}
    await at.undo(order.id)
    assert await _lost(at, rig) == {"stopped"}, "it mines again, and comes up to its rate"
    assert await _lost(at, rig, after_s=600) == set()
    await at.order("pause")
    assert await _lost(at, rig) == {"planned"}
    rig.start()
    assert await _lost(at, rig, after_s=600) == set()
    rig.stop()
    assert await _lost(at, rig) == {"stopped"}, "its own page stopped it: no order did"


async def test_a_miner_is_asked_for_no_more_than_a_verb_needs(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    before = dict(rig.requests)
    await at.order("pause")
    await at.order("resume")
    asked = {path for path, count in rig.requests.items() if count > before.get(path, 0)}
    assert asked == {
        "GET /api/v1/info", "GET /api/v1/summary", "GET /api/v1/perf-summary", "POST /api/v1/mining/pause",
        "POST /api/v1/mining/resume",
    }  # fmt: skip
