"""What is learnt of a miner after it was found: each part by itself, paused by itself, and nobody waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from hived.services.miners.complete import WHILE_FINDING_S
from hived.services.miners.pauses import LONGEST_PAUSE_S
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.miners import discovery, miners, models, readings, settings
from tests.services.conftest import MakeSite, Site
from tests.waiting import until

PRESETS, MODEL, SETTINGS, UNLOCK = "autotune/presets", "model", "settings", "unlock"


def asked(here: Site, call: str, rigs: Sequence[Any] | None = None) -> int:
    """How often a call was made of the miners."""
    lines = (f"GET /api/v1/{call}", f"POST /api/v1/{call}")
    return sum(rig.requests[line] for rig in rigs or here.fleet.miners for line in lines)


async def versions(here: Site) -> list[int]:
    """How many versions of its settings each miner has."""
    known = await here.store.read(miners.known)
    return [len(await here.store.read(settings.versions, miner.num, limit=9)) for miner in known]


async def errors(here: Site) -> list[str]:
    found = await here.store.read(events.newest, limit=1000)
    return [event.detail["code"] for event in found if event.kind == "miner_error"]


@pytest.mark.parametrize("call", [PRESETS, MODEL])
async def test_miners_whose_catalogue_call_hangs_hold_up_nobody(make_site: MakeSite, call: str) -> None:
    here = await make_site(30, models={"s19": 1})
    hung = here.fleet.miners[:25]
    for rig in hung:
        here.fleet.set_fault(rig, Fault.HUNG, paths=[f"*/{call}"])
    discoverer = here.discoverer(firmwares=here.families(1.0))
    for sweeps in (1, 2, 3):
        await discoverer.sweep()
        assert discoverer.last.miners == 30
        await discoverer._completer.work()
        assert asked(here, call) <= sweeps, "one try a sweep, whoever it is"
        here.clock.advance(30)
    assert {m.access is not None for m in await here.store.read(miners.known)} == {True}
    assert await versions(here) == [1] * 30
    assert await errors(here) == [], "a part of a miner that is read is no event"
    for rig in hung:
        here.fleet.clear_fault(rig)
    here.clock.advance(LONGEST_PAUSE_S * 1.2)
    await discoverer.round()
    (model,) = await here.store.read(models.views)
    assert (len(model.presets) > 3, model.chains) == (True, 3)


async def test_all_are_found_while_many_do_not_answer_the_unlock(make_site: MakeSite) -> None:
    here = await make_site(40)
    for rig in here.fleet.miners[:30]:
        here.fleet.set_fault(rig, Fault.HUNG, paths=["*/unlock"])
    discoverer = here.discoverer()
    await discoverer.sweep()
    assert (discoverer.last.miners, asked(here, UNLOCK)) == (40, 0)
    work = asyncio.create_task(discoverer._completer.work())

    async def the_rest_is_open() -> bool:
        return sum(m.access is not None for m in await here.store.read(miners.known)) == 10

    await until(the_rest_is_open, within_s=15)
    assert not work.done(), "those that hang are still waited for"
    await discoverer.sweep()
    assert discoverer.last.miners == 40
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_who_is_found_is_a_row_before_anybody_is_opened(make_site: MakeSite) -> None:
    here = await make_site(6)
    discoverer = here.discoverer()
    completer = discoverer._completer
    await discoverer.sweep()
    completer.finding = True
    work = asyncio.create_task(completer.work())
    await asyncio.wait({work}, timeout=0.3)
    assert (asked(here, UNLOCK), len(await here.store.read(miners.known))) == (0, 6)
    here.clock.advance(WHILE_FINDING_S)  # a sweep of a large network takes minutes: keys do not wait for its end
    await work
    assert asked(here, UNLOCK) == 6


ODD = [
    (MODEL, 404, "", True),
    (MODEL, 200, '{"full_name": "Antminer S19"}', False),
    (MODEL, 500, "", False),
    (MODEL, 200, '{"model": "somebody else"}', True),
    (PRESETS, 404, "", True),
    (PRESETS, 200, "[]", True),
    (PRESETS, 200, "null", False),
    (PRESETS, 200, '{"presets": [{"name": "2500"}]}', False),
    (PRESETS, 403, "", False),
    (PRESETS, 500, "", False),
    (PRESETS, 401, "", False),
    (SETTINGS, 404, "", True),
    (SETTINGS, 501, "", True),
    (SETTINGS, 200, "[]", False),
    (SETTINGS, 403, "", False),
    (SETTINGS, 200, "<!doctype html>", False),
]


@pytest.mark.parametrize(("call", "status", "text", "is_absent"), ODD)
async def test_a_part_that_is_odd_or_absent_costs_itself_alone(
    make_site: MakeSite, call: str, status: int, text: str, is_absent: bool
) -> None:
    here = await make_site(1)
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    here.fleet.set_fault(rig, Fault.ANSWER, paths=[f"*/{call}"], status=status, text=text)
    for _ in range(20):  # ten minutes
        await discoverer.round()
        here.clock.advance(30)
    assert asked(here, call) == 1 if is_absent else 2 <= asked(here, call) <= 5
    assert asked(here, UNLOCK) == 1
    view = await here.view(rig)
    assert view.error_count == (0 if is_absent else 1), "told once"
    assert view.last_error_code == (None if is_absent else f"no_{call.removeprefix('autotune/')}")
    assert await errors(here) == []
    others = {MODEL, PRESETS, SETTINGS} - {call}
    assert {other: asked(here, other) for other in others} == dict.fromkeys(others, 1)
    assert await versions(here) == [0 if call == SETTINGS else 1]


async def test_what_was_absent_is_asked_for_again_by_another_version_of_the_firmware(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    here.fleet.set_fault(rig, Fault.ANSWER, paths=["*/autotune/presets"], text="[]")
    for _ in range(3):
        await discoverer.round()
    here.fleet.set_fault(rig, Fault.ALTERED, paths=["*/info"], put={"fw_version": "1.9.0"})
    await discoverer.round()
    assert asked(here, PRESETS) == 2
    (model,) = await here.store.read(models.views)
    assert model.firmware_versions == ("1.9.0",)


async def test_a_miner_that_was_started_anew_is_tried_at_once(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    here.fleet.set_fault(rig, Fault.ERROR_500, paths=["*/settings"])
    for _ in range(40):
        await discoverer.round()
        here.clock.advance(60)
    before = asked(here, SETTINGS)
    here.fleet.clear_fault(rig)
    rig.reboot()
    await discoverer.round()
    assert asked(here, SETTINGS) == before + 1
    assert await versions(here) == [1]


@pytest.mark.parametrize(("status", "text"), [(404, ""), (500, ""), (400, "{}"), (200, "<html>")])
async def test_a_key_that_cannot_be_looked_at_is_kept_and_used(make_site: MakeSite, status: int, text: str) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    await here.discoverer().round()
    key = (await here.row(rig)).access
    here.fleet.set_fault(rig, Fault.ANSWER, paths=["*/auth-check"], status=status, text=text)
    here.clock.advance(7200)
    discoverer = here.discoverer()
    for _ in range(10):
        await discoverer.round()
        here.clock.advance(30)
    assert (await here.row(rig)).access == key
    assert asked(here, UNLOCK) == 1
    assert asked(here, "auth-check") <= 4
    assert (await here.view(rig)).error_count == 0
    assert asked(here, SETTINGS) == 2


async def test_no_session_stays_open_when_the_daemon_ends_while_it_makes_a_key(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    here.fleet.set_fault(rig, Fault.HUNG, paths=["*/apikeys"])
    task = asyncio.create_task(here.discoverer().round())
    await until(lambda: asked(here, "apikeys") == 1, within_s=10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert asked(here, "lock") == 1


async def test_miners_of_one_model_with_other_firmware_or_boards_have_ladders_of_their_own(make_site: MakeSite) -> None:
    here = await make_site(3, models={"s19": 1})
    kinds = [("1.2.6", "Antminer S19", "2500"), ("1.2.6", "Antminer S19 88", "3100"), ("1.3.3", "Antminer S19", "1740")]
    ladders = [f'[{{"name": "{watts}", "pretty": "{watts} watt ~ 92 TH"}}]' for _, _, watts in kinds]
    discoverer = here.discoverer()
    for rig, (version, name, _) in zip(here.fleet.miners, kinds, strict=True):
        here.fleet.set_fault(rig, Fault.ALTERED, paths=["*/info"], put={"fw_version": version, "miner": name})
    await discoverer.sweep()
    for rig, text in zip(here.fleet.miners, ladders, strict=True):
        here.fleet.set_fault(rig, Fault.ANSWER, paths=["*/autotune/presets"], text=text)
    await discoverer._completer.work()
    for version, name, watts in kinds:
        ladder = await here.store.read(models.ladder, models.Make("s19", version, name))
        assert [preset["name"] for preset in ladder or ()] == [watts]
    (model,) = await here.store.read(models.views)
    assert [preset["name"] for preset in model.presets] == ["1740", "2500", "3100"]
    assert (await here.store.write(models.set_limits, "s19", {"max_preset": "2500"})).max_preset == "2500"
    targets = await here.store.read(readings.due, here.clock(), limit=9, unmanaged=True)
    assert {target.mac: list(target.asked.ladder) for target in targets} == {
        rig.mac: [watts] for rig, (_, _, watts) in zip(here.fleet.miners, kinds, strict=True)
    }


async def test_a_miner_that_can_be_read_again_is_polled_at_once(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    await discoverer.round()
    async with here.poller() as poller:
        await poller.round()
        here.fleet.set_fault(rig, Fault.ERROR_500)
        for _ in range(20):
            here.clock.advance(30)
            await discoverer.round()
            await poller.round()
        here.fleet.clear_fault(rig)
        polled = poller.polled
        await discoverer.round()
        await poller.round()
        assert poller.polled == polled + 1


async def test_a_miner_whose_one_connection_is_the_polls_is_well(make_site: MakeSite) -> None:
    here = await make_site(2)
    rig, discoverer = here.fleet.miners[0], here.discoverer(probe_timeout_s=1.0)
    await discoverer.round()
    async with here.poller() as poller:
        for _ in range(4):
            here.fleet.clear_fault(rig)
            here.clock.advance(30)
            await poller.round()
            here.fleet.set_fault(rig, Fault.HUNG, paths=["*/info"])
            await discoverer.round()
    view = await here.view(rig)
    assert (view.online, view.error_count, discoverer.last.miners) == (True, 0, 2)
    assert await here.store.read(discovery.other_devices) == []
