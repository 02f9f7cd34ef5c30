"""Broken miners of every kind, seen by both daemons for a quarter of an hour: one event a trouble."""

from __future__ import annotations

from collections import Counter

from hived.records.troubles import trouble
from hived.simulator.miners.faults import Fault
from hived.store import events
from tests.services.conftest import MakeSite

BROKEN = (
    Fault.HUNG,
    Fault.RESET,
    Fault.ERROR_500,
    Fault.CUT_JSON,
    Fault.INVALID_JSON,
    Fault.HUGE_BODY,
    Fault.GZIP_BOMB,
)
WOBBLY = 7
POLLS = 60


async def test_a_quarter_of_an_hour_with_broken_miners_is_as_many_events_as_there_are_troubles(
    make_site: MakeSite,
) -> None:
    here = await make_site(len(BROKEN) + 2)
    discoverer = here.discoverer(probe_timeout_s=0.2)
    await discoverer.round()
    for rig, fault in zip(here.fleet.miners, BROKEN, strict=False):
        here.fleet.set_fault(rig, fault)
    wobbly = here.fleet.miners[WOBBLY]
    async with here.poller(timeout_s=0.2) as poller:
        for turn in range(POLLS):
            here.fleet.clear_fault(wobbly)
            if turn % 3:  # another fault each time, and well in between
                here.fleet.set_fault(wobbly, BROKEN[1 + turn % 4])
            here.clock.advance(15)
            await poller.round()
            if turn % 2:
                await discoverer.round()
    told = await here.store.read(events.newest, kind="miner_error", limit=1000)
    per_trouble = Counter((event.num, trouble(event.detail["code"])) for event in told)
    assert set(per_trouble.values()) == {1}, per_trouble
    assert len({num for num, _ in per_trouble}) == len(BROKEN) + 1
    assert len(told) == len(BROKEN) + 1, [(event.num, event.detail) for event in told]
