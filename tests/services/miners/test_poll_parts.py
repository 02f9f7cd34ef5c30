"""What a poll makes of miners that want keys everywhere, tell a part only now and then, or have one connection."""

from __future__ import annotations

from typing import Any

import pytest

from hived.clients.firmwares import Link, families
from hived.clients.firmwares.http import open_session
from hived.records.condition import lost_fans
from hived.services.miners import poll
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.miners import readings, telemetry
from tests.services.conftest import MakeSite, Site
from tests.services.miners.test_poll import polled

CHIPS = ["/api/v1/chains", "/api/v1/boards", "/api/v1/chips"]
PERF = ["/api/v1/perf-summary"]


async def kinds(here: Site, index: int = 0) -> list[str]:
    """The kinds of a miner's events, oldest first, without that of being found."""
    num = (await here.row(here.fleet.miners[index])).num
    return [e.kind for e in reversed(await here.store.read(events.newest, num=num, limit=999))][1:]


async def watched(here: Site, polls: int, *, every_s: float = 15.5, **changes: Any) -> None:
    async with here.poller(**changes) as poller:
        for _ in range(polls):
            await poller.round()
            here.clock.advance(every_s)


async def test_a_site_that_wants_keys_everywhere_is_read_like_any_other(make_site: MakeSite) -> None:
    here = await make_site(5)
    for miner in here.fleet.miners:
        here.fleet.set_fault(miner, Fault.KEYS_WANTED)
    discoverer = here.discoverer()
    async with here.poller() as poller:
        for _ in range(8):
            await discoverer.round()
            await poller.round()
            here.clock.advance(15.5)
    for index, miner in enumerate(here.fleet.miners):
        statuses = await polled(here, index)
        assert len(statuses) == 8
        assert not any(status.partial for status in statuses)
        assert miner.requests["POST /api/v1/unlock"] == 1
        view = await here.view(miner)
        assert (view.error_count, view.has_key) == (0, True)
        assert view.chips_at is not None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_refused_preset_makes_the_status_partial_and_nothing_else(make_site: MakeSite, status: int) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.ANSWER, paths=PERF, status=status, text="<html>no</html>")
    await watched(here, 20)
    statuses = await polled(here, 0)
    assert len(statuses) == 20
    assert all(status.partial and status.preset is None and status.hashrate_hs for status in statuses)
    view = await here.view(here.fleet.miners[0])
    assert (view.failures, view.has_key, view.last_error_code) == (0, True, "no_preset")
    assert await kinds(here) == []


@pytest.mark.parametrize("status", [200, 400, 401, 403, 405, 429, 500])
async def test_refused_chips_cost_the_chips_alone_and_are_asked_for_ever_more_rarely(
    make_site: MakeSite, status: int
) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    rig = here.fleet.miners[0]
    here.fleet.set_fault(rig, Fault.ANSWER, paths=CHIPS, status=status, text="<!doctype html>")
    await watched(here, 240)
    assert len(await polled(here, 0)) == 100  # as many as were asked of the database
    assert rig.requests["GET /api/v1/summary"] == 240
    assert 5 <= rig.requests["GET /api/v1/chains"] <= 3600 / poll.CHIPS_BACKOFF_MAX_S + 6
    view = await here.view(rig)
    assert (view.failures, view.has_key, view.chips_at, view.last_error_code) == (0, True, None, "no_chips")
    here.fleet.clear_fault(rig)
    here.clock.advance(1.1 * poll.CHIPS_BACKOFF_MAX_S)
    await watched(here, 9)
    found = await here.store.read(telemetry.newest, (await here.row(rig)).num, limit=99)
    assert len({at for at, _ in found}) >= 2


@pytest.mark.parametrize("every", [1, 2, 3])
async def test_a_trouble_is_one_event_whoever_sees_it_and_however_it_wobbles(make_site: MakeSite, every: int) -> None:
    here = await make_site(2)
    one, other = here.fleet.miners
    await here.discoverer().round()
    paths = ["/api/v1/model", "/api/v1/perf-summary", "/api/v1/chains"]
    here.fleet.set_fault(one, Fault.ANSWER, paths=paths, status=401, every=every)
    here.fleet.set_fault(other, Fault.ERROR_500, every=every)
    discoverer = here.discoverer()
    async with here.poller() as poller:
        for _ in range(20):
            await discoverer.sweep()
            for _ in range(2):
                await poller.round()
                here.clock.advance(15.5)
    assert (await kinds(here, 0)).count("miner_error") <= 1
    assert (await kinds(here, 1)).count("miner_error") <= 2  # the poll's, and that of what the sweep asks for
    here.clock.advance(90_000)
    await watched(here, 3)
    assert (await kinds(here, 1)).count("miner_error") <= 3


async def test_a_miner_whose_trouble_is_over_is_read_again_within_one_sweep(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    rig = here.fleet.miners[0]
    here.fleet.set_fault(rig, Fault.ERROR_500)
    async with here.poller(longest_pause_s=30.0) as poller:
        for _ in range(600):
            await poller.round()
            here.clock.advance(1)
        assert (await here.view(rig)).failures >= 15
        assert rig.requests["GET /api/v1/summary"] <= 600 / 27 + 2
        here.fleet.clear_fault(rig)
        here.clock.advance(29)
        await poller.round()
    assert (await here.view(rig)).failures == 0


async def test_a_reading_that_our_key_does_not_open_costs_the_key(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.ANSWER, paths=["/api/v1/summary"], status=401)
    await watched(here, 1)
    assert (await here.view(here.fleet.miners[0])).has_key is False


async def test_the_fans_of_a_miner_in_immersion_are_no_trouble(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    rig.be("immersion")
    await here.discoverer().round()
    await watched(here, 10)
    (status, *_) = await polled(here, 0)
    assert [fan.status for fan in status.fans] == ["lost"] * 4
    assert status.extra["cooling_mode"] == "immersion"
    assert lost_fans(status) == ()
    assert await kinds(here) == []


async def test_a_list_told_every_second_time_is_not_lost_and_what_is_lost_comes_back(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    await here.discoverer().round()
    here.fleet.set_fault(rig, Fault.ALTERED, paths=["/api/v1/summary"], put={"miner.cooling.fans": []}, every=2)
    await watched(here, 8)
    assert {len(status.fans) for status in await polled(here, 0)} == {0, 4}
    assert await kinds(here) == []
    rig.be("lost-fan")
    await watched(here, 8)
    rig.be("healthy")
    await watched(here, 8)
    assert await kinds(here) == ["fan_lost", "fan_back"]


async def test_parts_that_were_lost_before_they_were_ever_seen_are_told_once(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    rig.be("lost-fan")
    rig.be("dead-board")
    await here.discoverer().round()
    await watched(here, 6)
    rig.be("healthy")
    await watched(here, 6)
    assert sorted(await kinds(here)) == ["board_back", "board_lost", "fan_back", "fan_lost"]


async def test_bad_bytes_hide_no_miner(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    here.fleet.set_fault(rig, Fault.BAD_BYTES)
    await here.discoverer().round()
    await watched(here, 2)
    (status, *_) = await polled(here, 0)
    assert not status.partial
    assert status.pools[0].user == f"f\ufffdrme.worker{rig.index:04d}"
    view = await here.view(rig)
    assert (view.hostname, view.error_count) == ("M\ufffdnchen 1", 0)


async def test_power_that_only_boards_tell_is_stored(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    put = dict.fromkeys(("miner.power_consumption", "miner.power_usage"))
    here.fleet.set_fault(here.fleet.miners[0], Fault.ALTERED, put=put)
    await watched(here, 1)
    (status,) = await polled(here, 0)
    assert status.power_w == sum(board.power_w for board in status.hashboards) > 1000
    assert status.efficiency_j_per_th is not None


async def test_a_web_server_for_one_is_left_to_others_between_polls(make_site: MakeSite) -> None:
    here = await make_site(2)
    one, other = here.fleet.miners
    await here.discoverer().round()
    here.fleet.set_fault(one, Fault.ONE_CONNECTION)
    async with open_session(keepalive_s=None) as session, here.poller() as poller:  # as the two daemons have them
        hasty = here.discoverer(firmwares=families(Link(session, here.fleet.port, 3.0)), probe_timeout_s=0.5)
        await poller.round()
        assert (one.connections, other.connections) == (1, 1)
        for _ in range(3):
            await hasty.sweep()
            here.clock.advance(15.5)
            await poller.round()
        assert (one.connections, other.connections) == (0, 1)
        asked = one.requests["GET /api/v1/info"]
        await hasty.sweep()
        assert one.requests["GET /api/v1/info"] == asked + 1
    for miner in (one, other):
        num = (await here.row(miner)).num
        assert len(await here.store.read(readings.newest, num, limit=9)) == 4
        assert (await here.view(miner)).error_count == 0
    assert await kinds(here) == []


async def test_a_miner_that_takes_no_second_connection_is_not_offline_while_its_polls_succeed(
    make_site: MakeSite,
) -> None:
    here = await make_site(2)
    one, other = here.fleet.miners
    await here.discoverer().round()
    async with here.poller() as poller:
        await poller.round()
        for server in here.fleet._listeners[one]:
            server.close()  # what is open stays so
        await here.fleet.vanish(other)
        for _ in range(3):
            await here.discoverer().sweep()
        assert ((await here.view(one)).online, (await here.view(other)).online) == (True, True)
        here.clock.advance(15.5)
        await poller.round()  # tells the one from the other
        for _ in range(2):
            await here.discoverer().sweep()
        assert ((await here.view(one)).online, (await here.view(other)).online) == (True, False)
        assert (await here.view(one)).error_count == 0
        for _ in range(3):  # no connection is kept any more, and it takes none: now it is away indeed
            here.clock.advance(15.5)
            await poller.round()
        for _ in range(2):
            await here.discoverer().sweep()
        assert not (await here.view(one)).online
