"""What a miner says of itself is compared at every sighting: what it does not say is no change, and no clock is one."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records.miner import MinerIdentity
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.engine.database import dicts
from hived.store.miners import miners, readings
from hived.store.schema import Miner
from tests.clock import FakeClock
from tests.services.conftest import MakeSite, Site

HOST = "system.network_status.hostname"


async def row(here: Site) -> dict[str, Any]:
    """The first miner's row as the database has it."""
    (found,) = await here.store.read(lambda db: dicts(Miner.select().where(Miner.num == 1), db))
    return found


async def kinds(here: Site) -> list[str]:
    return [event.kind for event in await here.store.read(events.newest, limit=1000)]


async def test_the_unit_of_the_rates_is_known_as_soon_as_it_is_told(make_site: MakeSite) -> None:
    here = await make_site(1, models={"s19": 1})
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    rates = []
    for unit in ("N/A", "Sol/s", "MH/s", "Mhs", "N/A", "KH/S"):
        here.fleet.set_fault(rig, Fault.ALTERED, paths=["*/info"], put={"hr_measure": unit, "algorithm": "other"})
        await discoverer.round()
        async with here.poller() as poller:
            here.clock.advance(30)
            await poller.round()
        newest = (await here.store.read(readings.newest, 1, limit=1))[0]
        rates.append(newest.hashrate_hs)
    unknown, also, mega, same, kept, kilo = rates
    assert (unknown, also) == (None, None)
    assert mega == pytest.approx(same, rel=0.2)
    assert kept == pytest.approx(mega, rel=0.2)
    assert kilo == pytest.approx(mega / 1000, rel=0.2)
    assert 1e9 < mega < 1e12, "megahashes, not gigahashes"


@pytest.mark.parametrize(
    ("name", "column", "after"),
    [
        ("hr_measure", "hashrate_unit", "MH/s"),
        ("miner", "model_name", "Antminer S19 (other boards)"),
        ("serial", "serial", "SN-1"),
        ("platform", "platform", "bb"),
        ("model", "model_alias", "s19x"),
        (HOST, "hostname", "hall-7"),
    ],
)
async def test_a_fact_that_changed_is_stored_and_one_that_is_silent_stays(
    make_site: MakeSite, name: str, column: str, after: str
) -> None:
    here = await make_site(1, models={"s19": 1})
    rig, discoverer = here.fleet.miners[0], here.discoverer()
    await discoverer.round()
    assert (await row(here))[column] != after
    here.fleet.set_fault(rig, Fault.ALTERED, paths=["*/info"], put={name: after})
    await discoverer.round()
    told = await row(here)
    assert told[column] == after
    for silence in ("", None, 17):
        here.fleet.set_fault(rig, Fault.ALTERED, paths=["*/info"], put={name: silence})
        for _ in range(3):
            here.clock.advance(30)
            await discoverer.round()
    if name != "hr_measure":  # there nothing at all means the usual unit
        assert await row(here) == told, "the same row, with the same number in the stream of changes"


async def test_a_clock_that_steps_reboots_nobody(make_site: MakeSite) -> None:
    here = await make_site(2, clock=FakeClock())
    discoverer = here.discoverer()
    await discoverer.round()
    async with here.poller() as poller:
        for step in (3600, -7200, 5 * 365 * 86_400):
            here.clock.advance(step)
            await discoverer.round()
            await poller.round()
    assert "reboot" not in await kinds(here)


@pytest.mark.parametrize(
    ("before", "now", "again"),
    [
        (3600.0, 0.0, True), (120.0, 0.0, True), (864_000.0, 863_000.0, True),
        (60.0, 60.0, False), (120.0, 120.0, False), (120.0, 61.0, False), (0.0, 3600.0, False),
        (None, 0.0, False), (3600.0, None, False),
    ],
)  # fmt: skip
def test_only_an_uptime_that_fell_is_a_reboot(before: float | None, now: float | None, again: bool) -> None:
    assert miners.rebooted(before, now) is again


async def test_a_version_told_for_the_first_time_is_no_change_of_firmware(make_site: MakeSite) -> None:
    here = await make_site(1)
    for version in (None, "1.2.6", None, "1.2.6"):
        sighting = miners.Sighting(
            MinerIdentity("02:00:00:00:00:09", firmware_version=version), "127.33.0.9", here.clock(), "vnish"
        )
        await here.store.write(miners.saw, sighting, node_id="node-1")
    assert await kinds(here) == ["miner_found"]
