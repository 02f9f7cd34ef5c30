"""Two devices with one MAC: told, never merged; and a miner that has moved is none of them."""

from __future__ import annotations

import pytest

from hived.documents.miners import other_device
from hived.records.events import sentence
from hived.simulator.miners.faults import Fault
from hived.simulator.miners.miner import SimulatedMiner
from hived.store import events
from hived.store.miners import discovery, miners, readings
from tests.services.conftest import MakeSite, Site


def twin(here: Site, rig: SimulatedMiner, other: SimulatedMiner) -> None:
    """Let a miner answer with the MAC of another."""
    here.fleet.set_fault(other, Fault.ALTERED, paths=["*/info"], put={"system.network_status.mac": rig.mac.upper()})


async def happened(here: Site) -> list[str]:
    return [event.kind for event in await here.store.read(events.newest, limit=1000)]


@pytest.mark.parametrize("owner", [0, 2])
async def test_two_devices_with_one_mac_are_told_and_never_merged(make_site: MakeSite, owner: int) -> None:
    here = await make_site(3)
    rig, copy = here.fleet.miners[owner], here.fleet.miners[1]
    twin(here, rig, copy)
    here.clock.advance(3600)
    discoverer = here.discoverer(probe_concurrency=1)  # the lowest address is looked at first
    first, second = sorted((rig, copy), key=lambda miner: here.fleet.miners.index(miner))
    async with here.poller() as poller:
        for _ in range(6):
            await discoverer.round()
            await poller.round()
            here.clock.advance(15)
            await poller.round()
            here.clock.advance(15)
    known = {m.mac: m for m in await here.store.read(miners.known)}
    assert (len(known), known[rig.mac].ip) == (2, first.ip)
    (device,) = await here.store.read(discovery.other_devices)
    assert (device.ip, device.kind, device.code) == (second.ip, "duplicate-mac", "duplicate_mac")
    assert first.ip in device.reason
    assert other_device(device)["next_step"]
    assert discoverer.last.other_devices == 1
    (event,) = await here.store.read(events.newest, kind="duplicate_mac")
    assert event.detail == {"ip": first.ip, "other": second.ip}
    assert first.ip in sentence(event)
    assert not {"address_changed", "reboot"} & set(await happened(here))
    stored = await here.store.read(readings.newest, known[rig.mac].num, limit=100)
    assert {status.pools[0].user for status in stored} == {first.settings["miner"]["pools"][0]["user"]}
    assert second.requests["GET /api/v1/summary"] == 0
    assert [first.requests["POST /api/v1/unlock"], second.requests["POST /api/v1/unlock"]] == [1, 0]


async def test_many_devices_with_one_mac_cost_one_question_to_its_owner(make_site: MakeSite) -> None:
    here = await make_site(12)
    rig, *copies = here.fleet.miners
    await here.discoverer().round()
    for copy in copies:
        twin(here, rig, copy)
    before = rig.requests["GET /api/v1/info"]
    await here.discoverer().round()
    assert rig.requests["GET /api/v1/info"] <= before + 2
    assert {s.kind for s in await here.store.read(discovery.other_devices)} == {"duplicate-mac"}
    assert (await here.row(rig)).ip == rig.ip
    assert (await happened(here)).count("duplicate_mac") == 11


async def test_after_a_restart_the_same_one_is_the_miner_and_nothing_is_told_twice(make_site: MakeSite) -> None:
    here = await make_site(2)
    rig, copy = here.fleet.miners
    for _ in range(4):
        await here.discoverer().round()
        twin(here, rig, copy)
        here.clock.advance(30)
    assert (await here.row(rig)).ip == rig.ip
    assert (await happened(here)).count("duplicate_mac") == 1


async def test_when_the_miner_goes_its_twin_takes_its_place_within_a_sweep(make_site: MakeSite) -> None:
    here = await make_site(2)
    rig, copy = here.fleet.miners
    twin(here, rig, copy)
    discoverer = here.discoverer()
    for _ in range(5):
        await discoverer.round()
        here.clock.advance(30)
    await here.fleet.vanish(rig)
    await discoverer.round()
    assert (await here.row(rig)).ip == copy.ip
    assert await here.store.read(discovery.other_devices) == []
    assert (await happened(here)).count("address_changed") == 1


async def test_a_miner_that_moved_and_whose_old_address_another_device_has_is_a_move(make_site: MakeSite) -> None:
    here = await make_site(2)
    rig, other = here.fleet.miners
    discoverer = here.discoverer(probe_timeout_s=1.0)
    await discoverer.round()
    for fault, options in ((Fault.NOT_A_MINER, {"kind": "printer"}), (Fault.HUNG, {})):
        await here.fleet.swap(rig, other)
        here.fleet.set_fault(other, fault, **options)
        await discoverer.round()
        assert (await here.row(rig)).ip == rig.ip
        assert "duplicate_mac" not in await happened(here)
        here.fleet.clear_fault(other)
        here.clock.advance(700)
        await discoverer.round()
        assert (await here.row(other)).ip == other.ip


async def test_a_twin_does_not_become_the_miner_while_that_one_is_slow(make_site: MakeSite) -> None:
    here = await make_site(2)
    rig, copy = here.fleet.miners
    twin(here, rig, copy)
    discoverer = here.discoverer(probe_timeout_s=1.0)
    await discoverer.round()
    here.fleet.set_fault(rig, Fault.HUNG)
    await discoverer.round()
    assert (await here.row(rig)).ip == rig.ip
