"""Devices that are no miners, cannot be read or lie: counted, shown with the reason, and bounded."""

from __future__ import annotations

import pytest

from hived.services.miners import newcomers
from hived.simulator.miners.faults import Fault
from hived.store.miners import discovery, miners
from tests.services.conftest import MakeSite

SOON_S = 1.5  # a time-out that a test waits for


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        (Fault.NOT_A_MINER, {"kind": "printer"}, "html"),
        (Fault.NOT_A_MINER, {"kind": "json"}, "generic-json"),
        (Fault.NOT_A_MINER, {"kind": "router"}, "login"),
        (Fault.STOCK_FIRMWARE, {}, "antminer-stock"),
    ],
)
async def test_what_is_no_miner_is_counted_and_left_alone(
    make_site: MakeSite, fault: Fault, options: dict[str, str], kind: str
) -> None:
    here = await make_site(2)
    device = here.fleet.miners[0]
    here.fleet.set_fault(device, fault, **options)
    discoverer = here.discoverer()
    await discoverer.round()
    (row,) = await here.store.read(discovery.other_devices)
    assert (row.ip, row.kind) == (device.ip, kind)
    assert row.reason
    assert discoverer.last.other_devices == 1
    asked = device.requests.total()
    assert asked <= 2
    for _ in range(4):  # two minutes: looked at again at 30 s and at 90 s
        here.clock.advance(30)
        await discoverer.round()
    assert device.requests.total() - asked == 2
    here.fleet.clear_fault(device)
    here.clock.advance(700)
    await discoverer.round()
    assert await here.store.read(discovery.other_devices) == []
    assert (await here.row(device)).online


@pytest.mark.parametrize("fault", [Fault.HUNG, Fault.RESET, Fault.ERROR_500, Fault.CUT_JSON, Fault.DRIP])
async def test_a_miner_that_answers_but_cannot_be_read_is_shown_with_the_reason(
    make_site: MakeSite, fault: Fault
) -> None:
    here = await make_site(2)
    mute = here.fleet.miners[0]
    here.fleet.set_fault(mute, fault)
    discoverer = here.discoverer(probe_timeout_s=20.0 if fault not in (Fault.HUNG, Fault.DRIP) else SOON_S)
    await discoverer.round()
    (row,) = await here.store.read(discovery.other_devices)
    assert (row.ip, row.kind) == (mute.ip, "unreadable")
    assert row.reason
    assert (discoverer.last.miners, discoverer.last.unreadable) == (1, 1)


async def test_a_known_miner_that_cannot_be_read_any_more_stays_online_with_the_error(make_site: MakeSite) -> None:
    here = await make_site(1)
    discoverer = here.discoverer()
    await discoverer.round()
    here.fleet.set_fault(here.fleet.miners[0], Fault.ERROR_500)
    for _ in range(3):
        await discoverer.round()
    view = await here.view(here.fleet.miners[0])
    assert view.online
    assert "500" in (view.last_error or "")
    assert (view.error_count, view.last_error_at) == (3, here.clock())
    last = discoverer.last  # every address that answered is counted once
    assert (last.responders, last.miners, last.other_devices, last.unreadable) == (1, 1, 0, 0)
    assert await here.store.read(discovery.other_devices) == []


async def test_a_machine_that_invents_macs_fills_neither_database_nor_memory(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomers, "MAX_MINERS", 3)
    here = await make_site(3)
    discoverer = here.discoverer()
    for _ in range(5):
        await discoverer.round()
        here.fleet.replace_board(here.fleet.miners[0])
        here.clock.advance(700)
    assert len(await here.store.read(miners.known)) == 3
    assert len(discoverer._one_at_a_time) == 3
    assert [s.kind for s in await here.store.read(discovery.other_devices)] == ["one-too-many"]
