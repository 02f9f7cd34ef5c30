"""hive-polld's use case against a simulated site: pace, faults, honesty."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from hived.clients.firmwares.family import ConnectionWatch
from hived.errors import Transient
from hived.records.firmware import Reach
from hived.services import places
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.miners import miners, readings, settings, telemetry
from tests.services.conftest import MakeSite, Site

SOON_S = 1.5  # a time-out that a test waits for


async def polled(here: Site, index: int) -> list[Any]:
    """The statuses of one miner, newest first."""
    row = await here.row(here.fleet.miners[index])
    return await here.store.read(readings.newest, row.num, limit=100)


async def test_a_poll_stores_what_the_miner_says_in_base_units(make_site: MakeSite) -> None:
    here = await make_site(1, models={"s21pro": 1})
    await here.discoverer().round()
    async with here.poller() as poller:
        await poller.round()
    (status,) = await polled(here, 0)
    rig = here.fleet.miners[0]
    told = (await here.families()["vnish"].read(Reach(rig.ip), ConnectionWatch())).hashrate_hs
    assert told is not None
    assert status.state == "mining"
    assert status.hashrate_hs == pytest.approx(told, rel=1e-6)
    assert 100e12 < status.hashrate_hs < 400e12
    assert 10 < status.efficiency_j_per_th < 30
    assert [b.index for b in status.hashboards] == [1, 2, 3]
    assert sum(b.hashrate_hs for b in status.hashboards) == pytest.approx(status.hashrate_hs, rel=1e-5)
    assert len(status.fans) == 4
    assert [p.kind for p in status.pools].count("user") >= 1
    chips = await here.store.read(telemetry.newest, status.num, limit=9)
    assert [(at, board.index, len(board.chips)) for at, board in chips] == [(status.at, i, 65) for i in (1, 2, 3)]
    assert chips[0][1].chips[0].temp_c is not None


async def test_polls_are_counted_with_their_durations_and_failures_by_code(make_site: MakeSite) -> None:
    here = await make_site(3)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.ERROR_500)
    async with here.poller() as poller:
        await poller.round()
        numbers = poller.numbers()
    durations = numbers["poll_duration_seconds"][""]
    assert isinstance(durations, list)
    assert sum(durations[:-1]) == 3
    assert numbers["poll_failures_total"] == {"server_error": 1.0}
    assert numbers["queue_length"] == {"polls": 0, "results": 0}
    assert numbers["queue_lost_total"] == {"results": 0}


async def test_every_miner_is_polled_every_fifteen_seconds_and_its_chips_every_sixty(make_site: MakeSite) -> None:
    here = await make_site(8)
    await here.discoverer().round()
    async with here.poller() as poller:
        for _ in range(8 * 30):  # two minutes in half seconds
            await poller.round()
            here.clock.advance(0.5)
    for index in range(8):
        times = sorted(status.at for status in await polled(here, index))
        gaps = [b - a for a, b in itertools.pairwise(times[1:])]
        assert len(times) in (8, 9)
        assert all(14.4 < gap < 15.6 for gap in gaps), gaps
        assert times[1] - times[0] <= 15.5  # the first gap is shorter: the fleet is spread over the interval
        chips = await here.store.read(telemetry.newest, (await here.row(here.fleet.miners[index])).num, limit=99)
        assert len({at for at, _ in chips}) in (2, 3)


async def test_polls_of_a_fleet_are_spread_over_the_interval(make_site: MakeSite) -> None:
    here = await make_site(40)
    await here.discoverer().round()
    async with here.poller() as poller:
        await poller.round()
        here.clock.advance(7.5)
        await poller.round()
    twice = [i for i in range(40) if len(await polled(here, i)) == 2]
    assert 5 <= len(twice) <= 35


async def test_wrong_types_are_stored_as_not_told(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.WRONG_TYPES, paths=["/api/v1/summary", "/api/v1/perf-summary"])
    async with here.poller() as poller:
        await poller.round()
    (odd,) = await polled(here, 0)
    assert odd.partial
    assert odd.hashrate_hs is None or odd.hashrate_hs >= 0
    assert len(await polled(here, 1)) == 1


async def test_a_miner_between_two_states_invents_nothing(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.NULL_MINER)
    async with here.poller() as poller:
        await poller.round()
    (status,) = await polled(here, 0)
    assert (status.partial, status.state, status.hashrate_hs, status.power_w) == (True, None, None, None)
    view = await here.view(here.fleet.miners[0])
    assert "does not report its state" in (view.last_error or "")


async def test_for_how_long_a_miner_reports_no_state_is_kept_until_it_does(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    durations: list[float | None] = []
    async with here.poller() as poller:
        for fault in (Fault.NULL_MINER, Fault.NULL_MINER, Fault.WRONG_TYPES, None, Fault.NULL_MINER):
            if fault is None:
                here.fleet.clear_fault(here.fleet.miners[0])
            else:
                here.fleet.set_fault(here.fleet.miners[0], fault)
            await poller.round()
            (status, *_) = await polled(here, 0)
            durations.append(None if status.readable else status.state_s)
            here.clock.advance(15)
    assert durations == [0.0, pytest.approx(15, abs=2), pytest.approx(30, abs=2), None, pytest.approx(0, abs=2)]


async def test_partial_data_is_stored_as_partial(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.ERROR_500, paths=["/api/v1/perf-summary"])
    async with here.poller() as poller:
        await poller.round()
    (status,) = await polled(here, 0)
    assert status.partial
    assert status.preset is None
    assert status.hashrate_hs is not None
    view = await here.view(here.fleet.miners[0])
    assert (view.failures, view.error_count) == (0, 1)


async def test_failing_chips_do_not_touch_the_status(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    rig = here.fleet.miners[0]
    here.fleet.set_fault(rig, Fault.HUNG, paths=["/api/v1/chains", "/api/v1/boards", "/api/v1/chips"])
    async with here.poller(timeout_s=SOON_S) as poller:
        await poller.round()
        here.clock.advance(15)
        await poller.round()
    assert len(await polled(here, 0)) == 2
    view = await here.view(rig)
    assert "does not report its chips" in (view.last_error or "")
    assert (view.failures, view.chips_at) == (0, None)


async def test_hung_miners_give_their_place_to_the_next(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SLOW_AFTER_S", 0.05)
    here = await make_site(8)
    await here.discoverer().round()
    nums = [(await here.row(m)).num for m in here.fleet.miners]
    for miner in here.fleet.miners[:4]:
        here.fleet.set_fault(miner, Fault.HUNG)
    async with here.poller(concurrency=2) as poller:
        await poller.poll_due()
        waiting = poller.under_way()
        await asyncio.gather(*(waiting[n] for n in nums[4:]))
        assert not any(waiting[n].done() for n in nums[:4])


async def test_polls_of_one_miner_never_overlap(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.SLOW, delay=0.3)
    num = (await here.row(here.fleet.miners[0])).num
    async with here.poller(timeout_s=60.0) as poller:
        await poller.poll_due()
        first = poller.under_way()[num]
        here.clock.advance(15)
        await poller.poll_due()
        await poller.poll_due()
        assert poller.under_way()[num] is first
        await first
    assert here.fleet.miners[0].requests["GET /api/v1/summary"] == 1


async def test_one_connection_is_kept_and_the_mac_asked_once(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    rig = here.fleet.miners[0]
    asked = rig.requests["GET /api/v1/info"]
    async with here.poller() as poller:
        for _ in range(4):
            await poller.round()
            here.clock.advance(20)
    assert rig.requests["GET /api/v1/info"] - asked <= 1
    assert rig.connections == 1


async def test_a_peer_that_was_never_verified_is_asked_for_its_mac_until_it_tells(make_site: MakeSite) -> None:
    here = await make_site(2)
    one, other = here.fleet.miners
    await here.discoverer().round()
    await here.fleet.swap(one, other)
    here.fleet.set_fault(one, Fault.ERROR_500, paths=["/api/v1/info"])
    async with here.poller() as poller:
        for _ in range(3):  # the new connection stays open, and nobody knows who is at its end
            await poller.round()
            here.clock.advance(121)
    assert await polled(here, 1) == []
    here.fleet.clear_fault(one)
    async with here.poller() as poller:
        await poller.round()
    assert await polled(here, 1) == []
    assert one.mac in ((await here.view(other)).last_error or "")


async def test_unmanaged_miners_are_polled_unless_the_config_says_otherwise(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    await here.store.write(miners.set_managed, here.fleet.miners[0].mac, True, here.clock())
    async with here.poller(unmanaged=False) as poller:
        await poller.round()
    assert [len(await polled(here, i)) for i in (0, 1)] == [1, 0]
    async with here.poller() as poller:
        await poller.round()
    assert [len(await polled(here, i)) for i in (0, 1)] == [1, 1]


async def test_an_excluded_address_is_not_polled_whatever_the_database_says(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    before = here.fleet.miners[0].requests.total()
    async with here.poller(allows=lambda ip: ip != here.fleet.miners[0].ip) as poller:
        await poller.round()
    assert here.fleet.miners[0].requests.total() == before
    assert [len(await polled(here, i)) for i in (0, 1)] == [0, 1]


async def test_what_happens_to_a_miner_becomes_events(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    await here.discoverer().round()
    num = (await here.row(rig)).num
    async with here.poller() as poller:
        await poller.round()
        rig.stop()
        here.clock.advance(600)
        await poller.round()
        rig.start()
        here.clock.advance(600)
        await poller.round()
        rig.lost_fan = rig.dead_board = True
        rig.changed()
        rig.switch_pool(1)
        here.clock.advance(60)
        await poller.round()
    found = await here.store.read(events.newest, num=num, limit=100)
    told = [(e.kind, e.detail.get("before"), e.detail.get("after")) for e in reversed(found)]
    assert ("state_changed", "mining", "stopped") in told
    assert ("state_changed", "stopped", "mining") in told
    assert {"fan_lost", "board_lost", "pool_switched"} <= {e.kind for e in found}


async def test_a_reboot_is_seen_by_the_uptime(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()
    for transport in list(rig.transports):
        transport.abort()
    here.clock.advance(300)
    rig.reboot()
    await discoverer.round()
    found = await here.store.read(events.newest, num=(await here.row(rig)).num, limit=100)
    assert "reboot" in [e.kind for e in found]


async def test_a_change_of_preset_has_the_settings_read_again(make_site: MakeSite) -> None:
    here = await make_site(1, models={"s19jpro": 1})
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()
    num = (await here.row(rig)).num
    async with here.poller() as poller:
        await poller.round()
        other = next(p.name for p in rig.spec.ladder if p.name in rig.tuned and p.name != rig.preset.name)
        rig.write_settings({"miner": {"overclock": {"preset": other}}})
        here.clock.advance(400)
        await poller.round()
    await discoverer.round()
    newest = await here.store.read(settings.newest, num)
    assert newest is not None
    assert newest.document["requested_preset"] == other
    assert newest.changes
    assert (await polled(here, 0))[0].preset == other


async def test_a_failing_miner_is_asked_ever_more_rarely_but_at_least_every_two_minutes(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    rig = here.fleet.miners[0]
    here.fleet.set_fault(rig, Fault.RESET)
    before = rig.requests["GET /api/v1/summary"]
    async with here.poller() as poller:
        for _ in range(3600):
            await poller.round()
            here.clock.advance(1)
    tries = rig.requests["GET /api/v1/summary"] - before
    assert 30 <= tries <= 80  # each poll may try a reset connection once more


async def test_results_wait_while_the_database_takes_none(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    async with here.poller() as poller:
        with monkeypatch.context() as patch:

            async def full(*_args: object, **_kwargs: object) -> None:
                raise Transient("database or disk is full")

            patch.setattr(here.store, "write", full)
            await poller.poll_due()
            await asyncio.gather(*poller.under_way().values())
            with pytest.raises(Transient):
                await poller.flush()
        await poller.flush()
    assert [len(await polled(here, i)) for i in (0, 1)] == [1, 1]


async def test_a_turn_planned_by_a_clock_that_was_set_back_is_taken_now(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    async with here.poller() as poller:
        await poller.round()
        here.clock.advance(-30 * 86_400)
        await poller.round()
    row = await here.row(here.fleet.miners[0])
    assert len(await here.store.read(readings.newest, row.num, limit=9)) == 2


async def test_a_miner_whose_result_waits_to_be_stored_is_not_due_again(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    async with here.poller() as poller:
        await poller.poll_due()
        await asyncio.gather(*poller.under_way().values())
        await poller.poll_due()  # by the rows both are still due
        assert poller.under_way() == {}
        await poller.flush()
    assert [m.requests["GET /api/v1/summary"] for m in here.fleet.miners] == [1, 1]
