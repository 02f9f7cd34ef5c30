"""hive-discoverd's use case against a simulated site."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from functools import partial
from typing import Any

import pytest

from hived.services.miners.complete import SETTINGS_EVERY_S
from hived.services.miners.scans import ScanCommands
from hived.services.miners.sweep import LightScan, Range
from hived.simulator.miners.faults import Fault
from hived.store import commands, events
from hived.store.miners import discovery, miners, models, settings
from tests.databases import Databases
from tests.services.conftest import MakeSite, kinds, macs
from tests.waiting import until


async def test_the_first_sweep_finds_every_miner_once_with_key_model_and_settings(make_site: MakeSite) -> None:
    here = await make_site(12)
    await here.discoverer().round()
    known = await here.store.read(miners.known)
    assert {m.mac for m in known} == macs(here.fleet.miners)
    assert len(known) == 12
    assert {m.mac: m.ip for m in known} == {m.mac: m.ip for m in here.fleet.miners}
    assert {m.mac: [m.access] for m in known} == {m.mac: list(m.keys) for m in here.fleet.miners}
    for miner in known:
        version = await here.store.read(settings.newest, miner.num)
        assert version is not None
        assert version.document["pools"][0]["url"] == here.fleet.by_mac(miner.mac).settings["miner"]["pools"][0]["url"]
    sweep = (await here.store.read(discovery.sweeps))[0]
    assert (sweep.addresses, sweep.responders, sweep.miners, sweep.other_devices) == (62, 12, 12, 0)


async def test_models_are_catalogued_with_their_ladders_and_asked_of_one_miner_only(make_site: MakeSite) -> None:
    here = await make_site(9, models={"s19": 1})
    await here.discoverer().round()
    (model,) = await here.store.read(models.views)
    spec = here.fleet.miners[0].spec
    assert [p["name"] for p in model.presets] == ["disabled", *(p.name for p in spec.ladder)]
    assert (model.alias, model.chips_per_chain, model.chains, model.miners) == ("s19", 76, 3, 9)
    assert [p["power_w"] for p in model.presets][:3] == [None, 1100.0, 1300.0]
    assert [p["hashrate_hs"] for p in model.presets][:3] == [None, 53e12, 58e12]
    assert sum(m.requests["GET /api/v1/autotune/presets"] for m in here.fleet.miners) == 1
    await here.discoverer().round()
    assert sum(m.requests["GET /api/v1/autotune/presets"] for m in here.fleet.miners) == 1


async def test_a_miner_is_in_the_database_before_the_sweep_ends(make_site: MakeSite) -> None:
    here = await make_site(6)
    here.fleet.set_fault(here.fleet.miners[0], Fault.HUNG)
    sweep = asyncio.create_task(here.discoverer().round())

    async def five_are_there() -> bool:
        return len(await here.store.read(miners.known)) == 5

    await until(five_are_there, within_s=4)
    assert not sweep.done()
    sweep.cancel()
    await asyncio.gather(sweep, return_exceptions=True)


async def test_a_cancelled_sweep_leaves_nothing_running_and_ends_at_once(make_site: MakeSite) -> None:
    here = await make_site(3)
    for miner in here.fleet.miners:
        here.fleet.set_fault(miner, Fault.HUNG)
    sweep = asyncio.create_task(here.discoverer(probe_timeout_s=60.0).round())
    await until(lambda: sum(m.requests.total() for m in here.fleet.miners) == 3, within_s=3)
    sweep.cancel()
    async with asyncio.timeout(2):
        await asyncio.gather(sweep, return_exceptions=True)


async def test_without_subnets_nothing_is_touched(make_site: MakeSite) -> None:
    here = await make_site(2)
    here.subnets = []
    await here.discoverer().round()
    assert [m.requests.total() for m in here.fleet.miners] == [0, 0]
    assert await here.store.read(discovery.sweeps) == []


async def test_excluded_addresses_are_never_touched(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    here = await make_site(6)
    answers, tried = LightScan.answers, list[str]()

    async def noting(scan: LightScan, ip: str, timeout_s: float) -> frozenset[int]:
        tried.append(ip)
        return await answers(scan, ip, timeout_s)

    monkeypatch.setattr(LightScan, "answers", noting)
    here.exclude = [ipaddress.IPv4Network("127.33.0.2/31")]
    await here.discoverer().round()
    await here.discoverer().scan(["127.33.0.2", "127.33.0.3", "224.0.0.1", "255.255.255.255", "0.0.0.0"])
    assert {"127.33.0.2", "127.33.0.3", "224.0.0.1", "255.255.255.255", "0.0.0.0"}.isdisjoint(tried)
    assert [m.requests.total() == 0 for m in here.fleet.miners] == [False, True, True, False, False, False]
    assert len(await here.store.read(miners.known)) == 4


async def test_a_miner_that_is_excluded_later_is_let_go_and_not_polled(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    here.exclude = [ipaddress.IPv4Network("127.33.0.1/32")]
    await here.discoverer().round()
    row = await here.row(here.fleet.miners[0])
    assert (row.online, row.ip) == (False, None)
    assert row.access is not None


async def test_without_a_network_of_its_own_the_host_counts_its_miners_as_missing(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    """The cable is out: there is nothing to look at, and yet they must not be shown online for days."""
    caplog.set_level("INFO", "hived.services.miners.discover")
    here = await make_site(2)
    plugged = [True]
    discoverer = here.discoverer(
        ranges=lambda: Range(here.subnets if plugged[0] else [], here.exclude, follows_host=True)
    )
    await discoverer.round()
    for miner in here.fleet.miners:
        await here.fleet.vanish(miner)
    plugged[0] = False
    await discoverer.round()
    assert [(await here.row(miner)).online for miner in here.fleet.miners] == [True, True]
    await discoverer.round()
    assert [(await here.row(miner)).online for miner in here.fleet.miners] == [False, False]
    assert discoverer.summary() == "this host has no network"
    for miner in here.fleet.miners:
        await here.fleet.bring_back(miner)
    plugged[0] = True
    await discoverer.round()
    assert [(await here.row(miner)).online for miner in here.fleet.miners] == [True, True]
    said = [record.message for record in caplog.records if "network" in record.message or "scanning" in record.message]
    assert [line.split()[0] for line in said] == ["scanning", "this", "scanning"]


async def test_settings_are_versions_their_difference_is_an_event_and_no_password_is_kept(
    make_site: MakeSite, databases: Databases
) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    rig.settings["miner"]["pools"][0]["pass"] = "pool-pass-4711"
    discoverer = here.discoverer()
    await discoverer.round()
    row = await here.row(rig)
    assert len(await here.store.read(settings.versions, row.num, limit=9)) == 1
    rig.settings["miner"]["pools"][0]["url"] = "pool.example.net:3333"
    rig.changed()
    here.clock.advance(2 * SETTINGS_EVERY_S)
    await discoverer.round()
    newest, first = await here.store.read(settings.versions, row.num, limit=9)
    assert newest.changes == (
        {"path": "pools.0.url", "before": first.document["pools"][0]["url"], "after": "pool.example.net:3333"},
    )
    assert (await kinds(here, row.num))[0] == "settings_changed"
    assert b"pool.example.net:3333" in databases.contents()
    assert b"pool-pass-4711" not in databases.contents()


async def test_unchanged_settings_are_read_again_after_an_hour_without_a_new_version(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    for _ in range(3):
        await discoverer.round()
    assert rig.requests["GET /api/v1/settings"] == 1
    here.clock.advance(4500)
    await discoverer.round()
    assert rig.requests["GET /api/v1/settings"] == 2
    (version,) = await here.store.read(settings.versions, (await here.row(rig)).num, limit=9)
    assert version.checked_at == here.clock()


@pytest.mark.parametrize(
    "targets", [["127.33.9.1"], ["127.33.0.2", "127.34.0.0/24"], ["127.33.0.0/16"], ["203.0.113.9"]]
)
async def test_what_is_not_swept_is_not_scanned_unless_it_is_meant(make_site: MakeSite, targets: list[str]) -> None:
    here = await make_site(3)
    scans = ScanCommands(here.store, here.discoverer(), clock=here.clock)
    number = await here.store.write(commands.ask, "hive-discoverd", "scan", {"targets": targets}, here.clock())
    await scans.run_open()
    done = await here.store.read(commands.command, number)
    assert done is not None
    assert "outside of network.subnets: nothing was tried" in str(done.result)
    assert "--outside" in str(done.result)
    assert await here.store.read(miners.known) == []


async def test_what_is_meant_is_scanned_wherever_it_is(make_site: MakeSite) -> None:
    here = await make_site(3)
    scans = ScanCommands(here.store, here.discoverer(), clock=here.clock)
    wish = {"targets": ["127.44.0.0/30"], "outside": True}
    number = await here.store.write(commands.ask, "hive-discoverd", "scan", wish, here.clock())
    await scans.run_open()
    done = await here.store.read(commands.command, number)
    assert done is not None
    assert done.result is not None
    assert done.result["addresses"] == 2


async def test_a_wished_scan_is_done_and_its_result_stored(make_site: MakeSite) -> None:
    here = await make_site(3)
    scans = ScanCommands(here.store, here.discoverer(), clock=here.clock)
    good = await here.store.write(commands.ask, "hive-discoverd", "scan", {"targets": ["127.33.0.2"]}, here.clock())
    bad = await here.store.write(commands.ask, "hive-discoverd", "scan", {"targets": ["example"]}, here.clock())
    await scans.run_open()
    done = await here.store.read(commands.command, good)
    assert done is not None
    assert done.result is not None
    assert (done.result["miners"], done.result["addresses"]) == (1, 1)
    refused = await here.store.read(commands.command, bad)
    assert refused is not None
    assert "example" in str(refused.result)
    assert len(await here.store.read(miners.known)) == 1


async def test_two_scans_at_a_time_count_their_own_addresses(make_site: MakeSite) -> None:
    here = await make_site(3)
    discoverer = here.discoverer()
    wanted = [f"127.33.0.{n}" for n in range(1, 201)]
    both = await asyncio.gather(discoverer.scan(wanted), discoverer.scan(wanted[:150]))
    assert [one.addresses for one in both] == [200, 150]


def test_a_range_leaves_out_network_broadcast_multicast_own_and_excluded_addresses() -> None:
    tried = list(
        Range(
            [ipaddress.IPv4Network("192.0.2.0/29"), ipaddress.IPv4Network("192.0.2.4/30")],
            [ipaddress.IPv4Network("192.0.2.2/32")],
            own=["192.0.2.3"],
        )
    )
    assert tried == ["192.0.2.1", "192.0.2.4", "192.0.2.5", "192.0.2.6"]
    assert not Range([]).allows("224.0.0.251")
    assert not Range([]).allows("fe80::1")


async def test_new_firmware_is_an_event_and_its_ladder_is_read_again(make_site: MakeSite) -> None:
    here = await make_site(2, models={"s19": 1})
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()
    rig.spec = dataclasses.replace(rig.spec, fw_version="1.2.9", ladder=rig.spec.ladder[:5])
    rig.changed()
    here.clock.advance(30)
    await discoverer.round()
    (model,) = await here.store.read(models.views)
    assert [p["name"] for p in model.presets] == ["disabled", *(p.name for p in here.fleet.miners[1].spec.ladder)]
    assert model.firmware_versions == ("1.2.6", "1.2.9")
    for spec in (miner.spec for miner in here.fleet.miners):
        make = models.Make("s19", spec.fw_version, model.name or "")
        ladder = await here.store.read(models.ladder, make)
        assert ladder is not None
        assert [p["name"] for p in ladder] == ["disabled", *(p.name for p in spec.ladder)]
    event = (await here.store.read(events.newest, kind="firmware_changed"))[0]
    assert (event.mac, event.detail) == (rig.mac, {"before": "1.2.6", "after": "1.2.9"})
    assert (await here.row(rig)).firmware_version == "1.2.9"


async def test_the_sweep_and_the_probes_overlap_within_their_bounds(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await make_site(40)
    scanning = probing = most_scanning = most_probing = both = 0
    answers, probe = LightScan.answers, type(here.discoverer())._probe

    async def scan(*args: Any) -> frozenset[int]:
        nonlocal scanning, most_scanning, both
        scanning += 1
        most_scanning = max(most_scanning, scanning)
        both += probing > 0
        try:
            return await answers(*args)
        finally:
            scanning -= 1

    async def look(*args: Any, **options: Any) -> None:
        nonlocal probing, most_probing
        probing += 1
        most_probing = max(most_probing, probing)
        try:
            await probe(*args, **options)
        finally:
            probing -= 1

    monkeypatch.setattr(LightScan, "answers", scan)
    discoverer = here.discoverer(
        probe_concurrency=4,
        scan=LightScan([here.fleet.port], timeout_s=10.0, retry_timeout_s=10.0, concurrency=8, progress=lambda: None),
    )
    monkeypatch.setattr(discoverer, "_probe", partial(look, discoverer))
    await discoverer.round()
    assert (most_scanning, most_probing) == (8, 4)
    assert both > 0
    assert discoverer.last.miners == 40
