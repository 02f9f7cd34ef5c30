"""A change that is in force after a restart of mining: what is restarted for it, and what never is."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from hived.records.miner_rules import Hold, MinerRules
from hived.services.miners import orders as giving
from hived.store.miners import miners, rules

pytestmark = pytest.mark.sqlite_only("about miners; test_orders.py has the rows on both")

POOL = {"slot": 0, "url": "pool-c.example.com:3333", "user": "farm.new", "password": "y"}
RESTART = "POST /api/v1/mining/restart"


@pytest.mark.parametrize("verb", ["pools", "preset"])
async def test_a_miner_that_stands_is_not_started_by_a_change_that_waits(desk: Any, verb: str) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    await at.order("pause")
    rig.preset_needs_restart = True
    wanted = next(name for name in rig.tuned if name != rig.preset.name)
    _, (target,) = await at.order(verb, {"pools": [POOL]} if verb == "pools" else {"name": wanted})
    assert (target.state, target.reason, rig.state) == ("unconfirmed", "waits_for_restart", "stopped")
    assert rig.requests[RESTART] == 0


@pytest.mark.parametrize("why", ["locked", "unmanaged", "cancelled"])
async def test_nothing_is_restarted_that_may_not_be_touched_any_more(desk: Any, why: str) -> None:
    at = await desk(1)
    (rig,) = at.here.fleet.miners
    rig.preset_needs_restart = True
    number = await at.give("pools", {"pools": [POOL]})
    await at.controller.turn()
    await at.quiet()
    assert (rig.requests["POST /api/v1/settings"], rig.requests[RESTART]) == (1, 0)
    num = (await at.here.store.read(miners.one, rig.mac)).num
    hold = Hold("on the bench", "bob", at.time())
    await at.here.store.write(
        {
            "locked": lambda db: rules.save(db, num, MinerRules(locked=hold), at.time()),
            "unmanaged": lambda db: miners.set_managed(db, rig.mac, False, at.time()),
            "cancelled": partial(giving.cancel, number=number, giver=at.giver, at=at.time()),
        }[why]
    )
    _, (target,) = await at.through(number)
    assert (target.state, target.reason, rig.requests[RESTART]) == ("unconfirmed", "waits_for_restart", 0)
