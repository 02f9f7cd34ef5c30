"""What a miner says of an order proves nothing: each lie, for each verb, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from hived.simulator.miners.faults import LIE_KINDS, Fault
from hived.simulator.miners.miner import SimulatedMiner

pytestmark = pytest.mark.sqlite_only("about miners; test_orders.py has the rows on both")

POOLS = [{"slot": slot, "url": f"pool-{slot}.example.com:3333", "user": "farm.new"} for slot in (0, 1)]


def _args(verb: str, miner: SimulatedMiner) -> dict[str, Any]:
    if verb == "preset":
        ladder = [step.name for step in miner.spec.ladder]
        below = ladder[: ladder.index(miner.preset.name)]
        return {"name": next(name for name in below if name in miner.tuned)}
    given: dict[str, dict[str, Any]] = {
        "dimmer": {"percent": 50}, "pools": {"pools": POOLS}, "cooling": {"mode": "manual", "percent": 90},
    }  # fmt: skip
    return given.get(verb, {})


VERBS = ("pause", "resume", "restart", "reboot", "locate", "preset", "dimmer", "pools", "cooling")
GOOD, MUTE, NO_EFFECT = ("confirmed", None), ("unconfirmed", "no_answer"), ("unconfirmed", "no_effect")


def _all(end: tuple[str, str | None], **but: tuple[str, str | None]) -> dict[str, tuple[str, str | None]]:
    return dict.fromkeys(VERBS, end) | but


HALF, RESTARTED = ("unconfirmed", "half"), ("unconfirmed", "restarted")
TABLE: dict[str, dict[str, tuple[str, str | None]]] = {
    "ignore": _all(NO_EFFECT),
    "silent": _all(GOOD),
    "empty": _all(GOOD),
    "late": _all(GOOD),
    # It restarts mining in place of all that is neither preset nor pool: where that was meant, it is done.
    "other": _all(
        NO_EFFECT, pause=RESTARTED, resume=GOOD, restart=GOOD, dimmer=RESTARTED, cooling=RESTARTED,
        preset=("unconfirmed", "other"), pools=HALF,
    ),
    "half": _all(GOOD, pools=HALF),
    "restart": _all(GOOD, pause=RESTARTED),
    "refuse": _all(("refused", None)),
    "untuned": _all(GOOD),
    "needs_restart": _all(GOOD),
    "power": _all(GOOD, pause=HALF, preset=HALF, dimmer=HALF),
    "revoke": _all(("refused", "no_access")),
    "gone": _all(MUTE),
}  # fmt: skip
"""What is told of each verb under each lie of the simulator."""


@pytest.mark.parametrize("kind", LIE_KINDS)
async def test_every_lie_is_seen(desk: Any, kind: str) -> None:
    at = await desk(len(VERBS))
    rigs = dict(zip(VERBS, at.here.fleet.miners, strict=True))
    rigs["resume"].pause()
    at.time.turn_to(at.time() + 30)
    await at.poll()
    numbers = {}
    for verb, rig in rigs.items():
        at.here.fleet.set_fault(rig, Fault.LIE, kind=kind, delay=10.0)
        numbers[verb] = await at.give(verb, _args(verb, rig), miners=[rig.mac], where=None)
    ends = {}
    for verb, number in numbers.items():
        _, (target,) = await at.through(number)
        ends[verb] = (target.state, target.reason)
    assert ends == TABLE[kind]


async def test_an_untuned_preset_is_ordered_only_by_who_says_so_and_seen_to_be_ignored(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    untuned = next(step.name for step in rig.spec.ladder if step.name not in rig.tuned)
    _, (target,) = await at.order("preset", {"name": untuned})
    assert (target.state, target.reason) == ("skipped", "not_tuned")
    at.here.fleet.set_fault(rig, Fault.LIE, kind="untuned")
    _, (target,) = await at.order("preset", {"name": untuned, "untuned": True})
    assert (target.state, target.reason) == ("unconfirmed", "no_effect")


async def test_a_miner_that_has_moved_gets_nothing_at_its_old_address(desk: Any) -> None:
    at = await desk(2)
    one, other = at.here.fleet.miners
    number = await at.give("pause", miners=[one.mac], where=None)
    await at.here.fleet.swap(one, other)
    _, (target,) = await at.through(number)
    assert (target.state, target.reason) == ("skipped", "moved")
    assert [rig.state for rig in at.here.fleet.miners] == ["mining", "mining"]


async def test_a_key_that_was_taken_away_before_is_told(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    rig.keys.clear()
    _, (target,) = await at.order("preset", _args("preset", rig))
    assert (target.state, target.reason) == ("refused", "no_access")


async def test_what_the_device_says_is_kept_in_its_own_words(desk: Any) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    at.here.fleet.set_fault(rig, Fault.LIE, kind="refuse", text="PSU too cold\x1b[31m" + "x" * 4000)
    order, (target,) = await at.order("pause")
    assert target.state == "refused"
    assert "PSU too cold" in target.said
    assert target.said.isprintable()
    assert len(target.said) <= 300
    assert order.counts == {"refused": 1}
