"""hive-discoverd's use case against a simulated site."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from functools import partial
from typing import Any

import pytest

from hived.services.miners import discover
from hived.services.miners.scans import ScanCommands
from hived.services.miners.sweep import LightScan, Range
from hived.simulator.miners.faults import Fault
from hived.store import commands, events
from hived.store.miners import discovery, miners, models, readings, settings, telemetry, views
from tests.databases import Databases
from tests.services.conftest import MakeSite, macs
from tests.waiting import until

SOON_S = 1.5  # a time-out that a test waits for


async def kinds(site_: object, num: int | None = None) -> list[str]:
    found = await site_.store.read(events.newest, num=num, limit=1000)  # type: ignore[attr-defined]
    return [event.kind for event in found]


async def test_the_first_sweep_finds_every_miner_once_with_key_model_and_settings(make_site: MakeSite) -> None:
    here = await make_site(12)
    await here.discoverer().sweep()
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
    await here.discoverer().sweep()
    (model,) = await here.store.read(models.views)
    spec = here.fleet.miners[0].spec
    assert [p["name"] for p in model.presets] == ["disabled", *(p.name for p in spec.ladder)]
    assert (model.alias, model.chips_per_chain, model.chains, model.miners) == ("s19", 76, 3, 9)
    assert [p["power_w"] for p in model.presets][:3] == [None, 1100.0, 1300.0]
    assert [p["hashrate_hs"] for p in model.presets][:3] == [None, 53e12, 58e12]
    assert sum(m.requests["GET /api/v1/autotune/presets"] for m in here.fleet.miners) == 1
    await here.discoverer().sweep()
    assert sum(m.requests["GET /api/v1/autotune/presets"] for m in here.fleet.miners) == 1


async def test_a_miner_is_in_the_database_before_the_sweep_ends(make_site: MakeSite) -> None:
    here = await make_site(6)
    here.fleet.set_fault(here.fleet.miners[0], Fault.HUNG)
    sweep = asyncio.create_task(here.discoverer().sweep())

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
    sweep = asyncio.create_task(here.discoverer(probe_timeout_s=60.0).sweep())
    await until(lambda: sum(m.requests.total() for m in here.fleet.miners) == 3, within_s=3)
    sweep.cancel()
    async with asyncio.timeout(2):
        await asyncio.gather(sweep, return_exceptions=True)


async def test_without_subnets_nothing_is_touched(make_site: MakeSite) -> None:
    here = await make_site(2)
    here.subnets = []
    await here.discoverer().sweep()
    assert [m.requests.total() for m in here.fleet.miners] == [0, 0]
    assert await here.store.read(discovery.sweeps) == []


async def test_excluded_addresses_are_never_touched(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    here = await make_site(6)
    tried: list[str] = []
    answers = LightScan.answers

    async def noting(scan: LightScan, ip: str, timeout_s: float) -> frozenset[int]:
        tried.append(ip)
        return await answers(scan, ip, timeout_s)

    monkeypatch.setattr(LightScan, "answers", noting)
    here.exclude = [ipaddress.IPv4Network("127.33.0.2/31")]
    await here.discoverer().sweep()
    await here.discoverer().scan(["127.33.0.2", "127.33.0.3", "224.0.0.1", "255.255.255.255", "0.0.0.0"])
    assert {"127.33.0.2", "127.33.0.3", "224.0.0.1", "255.255.255.255", "0.0.0.0"}.isdisjoint(tried)
    assert [m.requests.total() == 0 for m in here.fleet.miners] == [False, True, True, False, False, False]
    assert len(await here.store.read(miners.known)) == 4


async def test_a_miner_that_is_excluded_later_is_let_go_and_not_polled(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().sweep()
    here.exclude = [ipaddress.IPv4Network("127.33.0.1/32")]
    await here.discoverer().sweep()
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
    await discoverer.sweep()
    for miner in here.fleet.miners:
        await here.fleet.vanish(miner)
    plugged[0] = False
    await discoverer.sweep()
    assert [(await here.row(miner)).online for miner in here.fleet.miners] == [True, True]
    await discoverer.sweep()
    assert [(await here.row(miner)).online for miner in here.fleet.miners] == [False, False]
    assert discoverer.summary() == "this host has no network"
    for miner in here.fleet.miners:
        await here.fleet.bring_back(miner)
    plugged[0] = True
    await discoverer.sweep()
    assert [(await here.row(miner)).online for miner in here.fleet.miners] == [True, True]
    said = [record.message for record in caplog.records if "network" in record.message or "scanning" in record.message]
    assert [line.split()[0] for line in said] == ["scanning", "this", "scanning"]


async def test_a_vanished_miner_is_offline_after_two_misses_and_comes_back_as_it_was(make_site: MakeSite) -> None:
    here = await make_site(3)
    gone = here.fleet.miners[1]
    await here.discoverer().sweep()
    await here.store.write(miners.set_managed, gone.mac, True, here.clock())
    await here.store.write(miners.set_password, gone.mac, "secret-1", here.clock())
    before = await here.row(gone)
    await here.fleet.vanish(gone)
    await here.discoverer().sweep()
    assert (await here.row(gone)).online
    await here.discoverer().sweep()
    row = await here.row(gone)
    assert (row.online, row.ip, row.managed, row.unlock_password) == (False, None, True, "secret-1")
    await here.fleet.bring_back(gone)
    await here.discoverer().sweep()
    row = await here.row(gone)
    assert (row.online, row.ip, row.access) == (True, gone.ip, before.access)
    assert (await kinds(here, row.num))[:2] == ["miner_online", "miner_offline"]
    assert len(gone.keys) == 1


async def test_two_miners_that_swap_addresses_keep_their_rows_and_histories(make_site: MakeSite) -> None:
    here = await make_site(2)
    one, other = here.fleet.miners
    discoverer = here.discoverer()
    await discoverer.sweep()
    async with here.poller() as poller:
        await poller.round()
        rows = {m.mac: (await here.row(m)).num for m in (one, other)}
        await here.fleet.swap(one, other)
        here.clock.advance(15)
        await poller.round()  # nobody has told hived yet: what the wrong miner says is not stored
        for miner in (one, other):
            assert len(await here.store.read(readings.newest, rows[miner.mac], limit=10)) == 1
            assert "address now" in ((await here.view(miner)).last_error or "")
        await discoverer.sweep()
        here.clock.advance(15)
        await poller.round()
    for miner in (one, other):
        row = await here.row(miner)
        assert (row.num, row.ip) == (rows[miner.mac], miner.ip)
        newest = (await here.store.read(readings.newest, row.num, limit=1))[0]
        assert newest.at == here.clock()
        assert newest.pools[0].user == miner.settings["miner"]["pools"][0]["user"]
    assert len(await here.store.read(miners.known)) == 2


async def test_a_moved_miner_is_found_again_and_the_move_is_an_event(make_site: MakeSite) -> None:
    here = await make_site(2)
    moved = here.fleet.miners[0]
    await here.discoverer().sweep()
    await here.fleet.move(moved, "127.33.0.40")
    await here.discoverer().sweep()
    row = await here.row(moved)
    assert (row.online, row.ip) == (True, "127.33.0.40")
    event = (await here.store.read(events.newest, num=row.num, kind="address_changed"))[0]
    assert event.detail == {"before": "127.33.0.1", "after": "127.33.0.40"}
    assert len(moved.keys) == 1


async def test_a_replaced_control_board_is_a_new_miner_with_a_history_of_its_own(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    old_mac = rig.mac
    discoverer = here.discoverer()
    await discoverer.sweep()
    here.fleet.replace_board(rig)
    await discoverer.sweep()
    await discoverer.sweep()
    old = await here.store.read(miners.by_mac, old_mac)
    new = await here.row(rig)
    assert old is not None
    assert (old.online, old.ip) == (False, None)
    assert (new.online, new.ip, new.num != old.num) == (True, rig.ip, True)
    assert len(rig.keys) == 1


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
    await discoverer.sweep()
    (row,) = await here.store.read(discovery.other_devices)
    assert (row.ip, row.kind) == (device.ip, kind)
    assert row.reason
    assert discoverer.last.other_devices == 1
    asked = device.requests.total()
    assert asked <= 2
    for _ in range(4):  # two minutes: looked at again at 30 s and at 90 s
        here.clock.advance(30)
        await discoverer.sweep()
    assert device.requests.total() - asked == 2
    here.fleet.clear_fault(device)
    here.clock.advance(700)
    await discoverer.sweep()
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
    await discoverer.sweep()
    (row,) = await here.store.read(discovery.other_devices)
    assert (row.ip, row.kind) == (mute.ip, "unreadable")
    assert row.reason
    assert (discoverer.last.miners, discoverer.last.unreadable) == (1, 1)


async def test_a_known_miner_that_cannot_be_read_any_more_stays_online_with_the_error(make_site: MakeSite) -> None:
    here = await make_site(1)
    discoverer = here.discoverer()
    await discoverer.sweep()
    here.fleet.set_fault(here.fleet.miners[0], Fault.ERROR_500)
    for _ in range(3):
        await discoverer.sweep()
    view = await here.view(here.fleet.miners[0])
    assert view.online
    assert "500" in (view.last_error or "")
    assert (view.error_count, view.last_error_at) == (3, here.clock())
    assert await here.store.read(discovery.other_devices) == []


async def test_settings_are_versions_their_difference_is_an_event_and_no_password_is_kept(
    make_site: MakeSite, databases: Databases
) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    rig.settings["miner"]["pools"][0]["pass"] = "pool-pass-4711"
    discoverer = here.discoverer()
    await discoverer.sweep()
    row = await here.row(rig)
    assert len(await here.store.read(settings.versions, row.num, limit=9)) == 1
    rig.settings["miner"]["pools"][0]["url"] = "pool.example.net:3333"
    rig.changed()
    here.clock.advance(2 * discover.SETTINGS_EVERY_S)
    await discoverer.sweep()
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
        await discoverer.sweep()
    assert rig.requests["GET /api/v1/settings"] == 1
    here.clock.advance(4500)
    await discoverer.sweep()
    assert rig.requests["GET /api/v1/settings"] == 2
    (version,) = await here.store.read(settings.versions, (await here.row(rig)).num, limit=9)
    assert version.checked_at == here.clock()


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


async def test_history_of_chips_survives_a_move(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.sweep()
    async with here.poller() as poller:
        await poller.round()
        await here.fleet.move(rig, "127.33.0.50")
        await discoverer.sweep()
        here.clock.advance(61)
        await poller.round()
    stored = await here.store.read(telemetry.newest, (await here.row(rig)).num, limit=100)
    assert len({at for at, _ in stored}) == 2
    assert len(await here.store.read(views.miners)) == 1


async def test_new_firmware_is_an_event_and_its_ladder_is_read_again(make_site: MakeSite) -> None:
    here = await make_site(2, models={"s19": 1})
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.sweep()
    rig.spec = dataclasses.replace(rig.spec, fw_version="1.2.9", ladder=rig.spec.ladder[:5])
    rig.changed()
    here.clock.advance(30)
    await discoverer.sweep()
    (model,) = await here.store.read(models.views)
    assert [p["name"] for p in model.presets] == ["disabled", *(p.name for p in rig.spec.ladder)]
    assert model.firmware_versions == ("1.2.6", "1.2.9")
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
    await discoverer.sweep()
    assert (most_scanning, most_probing) == (8, 4)
    assert both > 0
    assert discoverer.last.miners == 40


async def test_a_machine_that_invents_macs_fills_neither_database_nor_memory(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover, "MAX_MINERS", 3)
    here = await make_site(3)
    discoverer = here.discoverer()
    for _ in range(5):
        await discoverer.sweep()
        here.fleet.replace_board(here.fleet.miners[0])
        here.clock.advance(700)
    assert len(await here.store.read(miners.known)) == 3
    assert len(discoverer._one_at_a_time) == 3
    assert [s.kind for s in await here.store.read(discovery.other_devices)] == ["one-too-many"]
