"""Devices that invent MACs, models and versions: what they bring is bounded, and harms nobody."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hived.records.miner import Preset
from hived.runtime.options import Retention as Limits
from hived.services.appliance.retain import Retention
from hived.services.miners import catalogue, newcomers
from hived.services.miners.catalogue import Catalogue
from hived.services.miners.newcomers import MOST_NEW, Newcomers
from hived.simulator.miners.faults import Fault
from hived.simulator.miners.miner import SimulatedMiner
from hived.store import events
from hived.store.miners import discovery, miners, models
from tests.clock import FakeClock
from tests.services.conftest import MakeSite, Site

NOW = 1_800_000_000.0
DAY = 86_400.0
REAL = Preset("3080", 3080.0, 100e12)
FALSE = Preset("3080", 1.0, 1e12)


def invents(here: Site, rig: SimulatedMiner, number: int, **more: Any) -> None:
    """Let a device answer as another miner than before, which no password opens."""
    put = {"system.network_status.mac": f"02:EE:00:00:{number >> 8:02X}:{number & 255:02X}", **more}
    here.fleet.set_fault(rig, Fault.ALTERED, paths=["*/info"], put=put)
    here.fleet.change_password(rig, "nobody knows it")


async def test_one_address_brings_few_new_macs_in_an_hour_and_in_a_day(make_site: MakeSite) -> None:
    here = await make_site(3)
    liar, numbers = here.fleet.miners[0], itertools.count()
    discoverer = here.discoverer()
    (hour, in_an_hour), (day, in_a_day) = MOST_NEW
    started = here.clock()
    told: list[int] = []
    while here.clock() < started + day:
        invents(here, liar, next(numbers), miner=f"Antminer {next(numbers)}")
        await discoverer.round()
        here.clock.advance(300)
        told.append(len(await here.store.read(miners.known)))
    assert told[int(hour / 300) - 1] <= in_an_hour + 2
    assert max(told) <= in_a_day + 2
    (device,) = await here.store.read(discovery.other_devices)
    assert (device.ip, device.kind, device.code) == (liar.ip, "many-macs", "too_many_macs")
    here.fleet.clear_fault(liar)
    here.fleet.change_password(liar, "admin")
    here.clock.advance(day)
    await discoverer.round()
    assert (await here.row(liar)).access in liar.keys
    assert await here.store.read(discovery.other_devices) == []


async def test_the_bounds_of_an_address_are_not_those_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    came = Newcomers(clock)
    assert sum(came.admit("10.0.0.1") for _ in range(50)) == MOST_NEW[0][1]
    assert came.admit("10.0.0.2")
    monkeypatch.setattr(newcomers, "MAX_ADDRESSES", 10)
    for n in range(99):
        came.admit(f"10.0.1.{n}")
    assert len(came._came) == 10


async def test_when_there_is_no_room_what_is_gone_and_never_opened_makes_some(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await make_site(3)
    monkeypatch.setattr(newcomers, "MAX_MINERS", 4)
    liar, later = here.fleet.miners[0], here.fleet.miners[2]
    await here.fleet.vanish(later)
    discoverer = here.discoverer()
    for number in range(6):
        invents(here, liar, number, miner=f"Antminer {number}", model=f"m{number}")
        await discoverer.round()
        here.clock.advance(3000)
    await here.fleet.bring_back(later)
    for _ in range(3):
        await discoverer.round()
        here.clock.advance(30)
    assert (await here.row(later)).access in later.keys
    assert len(await here.store.read(miners.known)) <= 4


async def test_a_miner_with_the_number_of_a_forgotten_one_has_nothing_of_it(make_site: MakeSite) -> None:
    here = await make_site(1)
    liar = here.fleet.miners[0]
    invents(here, liar, 7)
    discoverer = here.discoverer()
    await discoverer.round()
    (lie,) = await here.store.read(miners.known)
    here.fleet.set_fault(liar, Fault.HUNG)
    await here.fleet.vanish(liar)
    for _ in range(2):
        await discoverer.round()
    here.clock.advance(DAY + 60)
    await Retention(here.store, Limits(), clock=here.clock, monotonic=here.clock).prune()
    assert await here.store.read(miners.known) == []
    here.fleet.clear_fault(liar)
    here.fleet.change_password(liar, "admin")
    await here.fleet.bring_back(liar)
    await discoverer.round()
    row = await here.row(liar)
    assert row.access in liar.keys
    told = [event.kind for event in await here.store.read(events.newest, num=row.num, limit=99)]
    assert told == ["miner_found"]
    assert lie.mac != row.mac


async def test_what_the_catalogue_remembers_is_bounded(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MAX_REMEMBERED", 5)
    here = await make_site(1)
    kept = Catalogue(here.store, clock=here.clock)
    for n in range(99):
        kept._remember((catalogue.MODEL, models.Make(f"m{n}", "1", "")))
    assert len(kept._read) == 5
