"""Who gets a miner's key and passwords: the device they were made for, and nobody who only claims its MAC."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import Any

import pytest

from hived.clients.firmwares import ends, http
from hived.clients.firmwares.http import Request
from hived.records.condition import Moment, condition, troubles
from hived.records.miner import MinerIdentity
from hived.services.miners import steering
from hived.simulator.miners.faults import Fault
from hived.simulator.miners.miner import SimulatedMiner
from hived.store import events
from hived.store.miners import discovery, miners, readings
from tests.services.conftest import MakeSite, Site, kinds

OWN = "its-own-password-9"
FREE = "127.33.0.40"


class Overheard:
    """What each address was sent that is secret: keys and passwords."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: defaultdict[str, set[str]] = defaultdict(set)
        self.passwords: defaultdict[str, list[str]] = defaultdict(list)
        send = http.exchange

        async def overhear(session: Any, request: Request, *rest: Any) -> Any:
            reply = await send(session, request, *rest)
            ip = request.url.split("/")[2].partition(":")[0]
            if "x-api-key" in request.headers:
                self.keys[ip].add(request.headers["x-api-key"])
            if isinstance(request.document, dict) and "pw" in request.document:
                self.passwords[ip].append(request.document["pw"])
            return reply

        monkeypatch.setattr(ends, "exchange", overhear)

    def forget(self) -> None:
        self.keys.clear()
        self.passwords.clear()


@pytest.fixture
def overheard(monkeypatch: pytest.MonkeyPatch) -> Overheard:
    return Overheard(monkeypatch)


def clone(here: Site, rig: SimulatedMiner, copy: SimulatedMiner) -> None:
    """Let a miner answer with the MAC of another. It refuses the key of that one."""
    here.fleet.set_fault(copy, Fault.ALTERED, paths=["*/info"], put={"system.network_status.mac": rig.mac.upper()})


async def a_pair(make_site: MakeSite) -> tuple[Site, SimulatedMiner, SimulatedMiner]:
    """A miner with a password of its own that was opened with it, and another box that is off."""
    here = await make_site(2)
    rig, copy = here.fleet.miners
    await here.fleet.vanish(copy)
    here.fleet.change_password(rig, OWN)
    await here.discoverer().round()
    await here.store.write(miners.set_password, rig.mac, OWN, here.clock())
    await here.discoverer().round()
    assert (await here.row(rig)).access in rig.keys
    return here, rig, copy


async def days(here: Site, rounds: int = 8, step: float = 3700.0) -> None:
    """Sweep and poll with the pauses of hours in between, in a daemon that has just started each time."""
    async with here.poller() as poller:
        for _ in range(rounds):
            await here.discoverer().round()
            await poller.round()
            here.clock.advance(step)
            await poller.round()
        await here.discoverer().round()
        await poller.round()


async def looks(here: Site, rig: SimulatedMiner) -> tuple[str, str | None, str | None]:
    view = await here.view(rig)
    moment = Moment(here.clock(), 15.0)
    how = condition(view, moment)
    told = [one.next_step for one in troubles(view, moment) if not one.over]
    assert how.next_step is None or how.next_step in told
    return how.tone, how.why, how.next_step


async def test_a_clone_of_a_miner_that_is_off_gets_the_key_once_and_never_a_password(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, copy = await a_pair(make_site)
    key = (await here.row(rig)).access
    overheard.forget()
    await here.fleet.vanish(rig)
    await here.fleet.bring_back(copy)
    clone(here, rig, copy)
    await days(here)
    assert overheard.passwords == {}
    assert overheard.keys.pop(copy.ip) == {key}
    row = await here.row(rig)
    assert (row.ip, row.access, row.unlock_password, row.is_doubted) == (copy.ip, key, OWN, True)
    tone, why, step = await looks(here, rig)
    assert (tone, why) == ("bad", "is at an address that nobody agreed to: it gets no password there")
    assert step is not None
    assert f"hivectl miners agree {copy.ip}" in step
    told = [event.detail.get("code") for event in await here.store.read(events.newest, kind="miner_error", limit=99)]
    assert told.count("not_agreed") == 1
    overheard.forget()
    await days(here)
    assert (overheard.keys, overheard.passwords) == ({}, {}), "after its no it gets nothing at all"


async def test_the_miner_that_comes_back_to_its_place_takes_its_row_back(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, copy = await a_pair(make_site)
    key = (await here.row(rig)).access
    await here.fleet.vanish(rig)
    await here.fleet.bring_back(copy)
    clone(here, rig, copy)
    await here.discoverer().round()
    await here.fleet.bring_back(rig)
    overheard.forget()
    await days(here, 3)
    row = await here.row(rig)
    assert (row.ip, row.access, row.doubted_ip) == (rig.ip, key, copy.ip)
    assert set(overheard.keys) == {rig.ip}
    (device,) = await here.store.read(discovery.other_devices)
    assert (device.ip, device.kind) == (copy.ip, "duplicate-mac")
    assert (await looks(here, rig))[1] == f"{copy.ip} answers with the same MAC address"


async def test_a_second_device_with_the_mac_gets_nothing_and_is_a_red_line_until_it_leaves(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, copy = await a_pair(make_site)
    await here.fleet.bring_back(copy)
    clone(here, rig, copy)
    overheard.forget()
    await days(here, 3)
    assert set(overheard.keys) == {rig.ip}
    assert overheard.passwords == {}
    tone, why, step = await looks(here, rig)
    assert (tone, why) == ("bad", f"{copy.ip} answers with the same MAC address")
    assert step is not None
    assert f"--at {copy.ip}" in step
    await here.fleet.vanish(copy)
    await days(here, 1)
    assert (await looks(here, rig))[1] is None


async def test_a_clone_that_stood_beside_the_miner_gets_not_even_the_key_when_that_one_goes(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, copy = await a_pair(make_site)
    await here.fleet.bring_back(copy)
    clone(here, rig, copy)
    await here.discoverer().round()
    await here.fleet.vanish(rig)
    overheard.forget()
    await days(here)
    assert (await here.row(rig)).ip == copy.ip
    assert (overheard.keys, overheard.passwords) == ({}, {})


async def test_a_clone_that_takes_every_key_never_gets_the_password(make_site: MakeSite, overheard: Overheard) -> None:
    here, rig, copy = await a_pair(make_site)
    key = (await here.row(rig)).access
    assert key is not None
    copy.access.add_key(key, "any")
    await here.fleet.vanish(rig)
    await here.fleet.bring_back(copy)
    clone(here, rig, copy)
    overheard.forget()
    await days(here, 3)
    assert (await looks(here, rig))[1] is None
    copy.access.keys.clear()  # now it says no, to be given the password
    await days(here)
    assert overheard.passwords == {}
    assert (await here.row(rig)).access == key


async def test_a_miner_that_moves_and_takes_its_key_needs_nobody(make_site: MakeSite) -> None:
    here, rig, _ = await a_pair(make_site)
    for place in (FREE, "127.33.0.41"):
        await here.fleet.move(rig, place)
        await days(here, 2)
        row = await here.row(rig)
        assert (row.ip, row.access in rig.keys, row.doubted_ip) == (place, True, None)
        assert (await looks(here, rig))[:2] == ("good", None)


async def test_a_moved_miner_without_its_key_opens_once_the_operator_agrees(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, _ = await a_pair(make_site)
    await here.fleet.move(rig, FREE)
    rig.access.keys.clear()
    overheard.forget()
    await days(here, 3)
    assert overheard.passwords == {}
    await here.store.write(steering.agree, rig.mac, BY | {"at": here.clock()})
    await here.discoverer().round()
    row = await here.row(rig)
    assert (row.agreed_ip, row.doubted_ip, row.access in rig.keys) == (FREE, None, True)
    assert overheard.passwords == {FREE: [OWN]}
    await days(here, 2)
    assert (await looks(here, rig))[:2] == ("good", None)


async def test_the_operator_says_which_of_two_is_the_miner(make_site: MakeSite, overheard: Overheard) -> None:
    here, rig, copy = await a_pair(make_site)
    await here.fleet.bring_back(copy)
    clone(here, rig, copy)
    here.fleet.change_password(copy, OWN)
    await days(here, 2)
    await here.store.write(steering.agree, rig.mac, BY | {"at": here.clock()}, ip=copy.ip)
    overheard.forget()
    await days(here, 3)
    row = await here.row(rig)
    assert (row.ip, row.agreed_ip, row.doubted_ip, row.access in copy.keys) == (copy.ip, copy.ip, rig.ip, True)
    assert set(overheard.keys) | set(overheard.passwords) == {copy.ip}
    assert (await looks(here, rig))[1] == f"{rig.ip} answers with the same MAC address"


async def test_a_new_password_is_an_agreement(make_site: MakeSite) -> None:
    here, rig, _ = await a_pair(make_site)
    await here.fleet.move(rig, FREE)
    rig.access.keys.clear()
    await days(here, 2)
    await here.store.write(miners.set_password, rig.mac, OWN, here.clock())
    await here.discoverer().round()
    assert (await here.row(rig)).access in rig.keys


async def test_a_refused_poll_at_a_new_address_does_not_cost_the_key(make_site: MakeSite, overheard: Overheard) -> None:
    here, rig, _ = await a_pair(make_site)
    key = (await here.row(rig)).access
    await here.fleet.move(rig, FREE)
    rig.access.keys.clear()
    here.fleet.set_fault(rig, Fault.KEYS_WANTED)
    moved = miners.Sighting(_identity(rig), FREE, here.clock(), "vnish")
    await here.store.write(miners.saw, moved, node_id="node-1")
    async with here.poller() as poller:
        await poller.round()
        row = await here.row(rig)
        assert (row.access, row.is_doubted) == (key, True)
        overheard.forget()
        for _ in range(5):
            here.clock.advance(300)
            await poller.round()
    assert overheard.keys == {}


def _identity(rig: SimulatedMiner) -> MinerIdentity:
    return MinerIdentity(rig.mac)


BY: Any = {"who": "op", "via": "command", "address": None, "at": 0.0}


# default passwords


async def test_default_passwords_stay_inside_the_subnets(make_site: MakeSite, overheard: Overheard) -> None:
    here = await make_site(3)
    here.passwords = ("SITE-1", "admin")
    here.subnets = [ipaddress.IPv4Network("127.33.0.1/32")]
    inside, outside, _ = here.fleet.miners
    await here.discoverer().scan([miner.ip for miner in here.fleet.miners])
    for _ in range(5):
        here.clock.advance(3600)
        await here.discoverer().scan([miner.ip for miner in here.fleet.miners])
    assert set(overheard.passwords) == {inside.ip}
    assert outside.keys == {}
    assert (await looks(here, outside))[1] == "is outside of network.subnets"
    await here.store.write(steering.agree, outside.mac, BY | {"at": here.clock()})
    await here.discoverer().scan([outside.ip])
    assert (await here.row(outside)).access in outside.keys


async def test_a_miner_that_moves_out_of_the_subnets_is_not_told_its_key(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, _ = await a_pair(make_site)
    key = (await here.row(rig)).access
    here.subnets = [ipaddress.IPv4Network("127.33.0.0/28")]
    await here.fleet.move(rig, FREE)
    overheard.forget()
    async with here.poller() as poller:
        for _ in range(3):
            await here.discoverer().scan([FREE])
            await poller.round()
            here.clock.advance(3700)
    assert (overheard.keys, overheard.passwords) == ({}, {})
    row = await here.row(rig)
    assert (row.ip, row.access, row.is_doubted) == (FREE, key, True)
    assert len(await here.store.read(readings.newest, row.num, limit=9)) > 0, "what is public is read"
    assert (await looks(here, rig))[1] == "is outside of network.subnets: no password is tried there"


async def test_what_is_no_miner_gets_no_password(make_site: MakeSite, overheard: Overheard) -> None:
    here = await make_site(4)
    for rig, kind in zip(here.fleet.miners, ("printer", "json", "router", None), strict=True):
        if kind:
            here.fleet.set_fault(rig, Fault.NOT_A_MINER, kind=kind)
        else:
            here.fleet.set_fault(rig, Fault.STOCK_FIRMWARE)
    await here.discoverer().round()
    assert overheard.passwords == {}


# another control board


async def test_who_takes_the_place_of_a_miner_does_not_get_its_password(
    make_site: MakeSite, overheard: Overheard
) -> None:
    here, rig, _ = await a_pair(make_site)
    num = (await here.row(rig)).num
    await here.fleet.vanish(rig)
    for _ in range(2):
        await here.discoverer().round()
        here.clock.advance(30)
    here.fleet.replace_board(rig)
    await here.fleet.bring_back(rig)
    overheard.forget()
    await days(here, 3)
    row = await here.row(rig)
    assert (row.num, row.unlock_password, row.is_doubted) == (num, OWN, True)
    assert overheard.passwords == {}
    await here.store.write(steering.agree, rig.mac, BY | {"at": here.clock()})
    here.fleet.change_password(rig, OWN)
    await here.discoverer().round()
    assert (await here.row(rig)).access in rig.keys


async def test_another_family_at_another_address_does_not_cost_the_key(make_site: MakeSite) -> None:
    here, rig, _ = await a_pair(make_site)
    key = (await here.row(rig)).access
    sighting = miners.Sighting(_identity(rig), FREE, here.clock(), "toy", "")
    await here.store.write(miners.saw, sighting, node_id="node-1")
    row = await here.row(rig)
    assert (row.access, row.is_doubted, row.reach().access) == (key, True, None)
    assert "firmware_changed" not in await kinds(here)
    await here.store.write(miners.saw, miners.Sighting(_identity(rig), rig.ip, here.clock(), "vnish"), node_id="node-1")
    assert (await here.row(rig)).reach().access == key
