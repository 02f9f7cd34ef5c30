"""A miner that lies does, and says, what its lie is called; about what it is asked it tells the truth."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from hived.clients.firmwares.family import Link
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.family import Vnish
from hived.errors import HivedError
from hived.records.firmware import Reach
from hived.records.steering import Said, Seen, Wish
from hived.simulator.miners.faults import LIE_KINDS, Fault
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.miner import SimulatedMiner
from tests.clock import FakeClock
from tests.simulator.asking import ask, of_model, with_key

OWN = ("pool-a.example.com:3333", "pool-b.example.com:3333", "")
POOLS = [{"slot": slot, "url": f"pool-{slot}.example.net:3333", "user": "farm.new"} for slot in (0, 1)]
ARGS: dict[str, dict[str, Any]] = {"pause": {}, "preset": {"name": "2300"}, "pools": {"pools": POOLS}}


async def told(fleet: Fleet, miner: SimulatedMiner, verb: str) -> tuple[Said | str, Seen | str]:
    """Give one order; return what the miner says, and what it shows then."""
    reach = Reach(miner.ip, with_key(miner), mac=miner.mac)
    async with open_session() as session:
        vnish = Vnish(Link(session, fleet.port, 5.0))
        said: Said | str
        try:
            said = await vnish.steer(reach, Wish(verb, ARGS[verb]))
        except HivedError as err:
            said = f"{err.code}: {err}"
        try:
            return said, await vnish.look(reach, verb)
        except HivedError as err:
            return said, err.code


def pools(seen: Seen | str) -> tuple[str, ...]:
    assert isinstance(seen, Seen)
    return tuple(one["url"] for one in seen.pools or ())


def shown(verb: str, seen: Seen | str) -> object:
    """The one thing that tells whether it was done."""
    if isinstance(seen, str):
        return seen
    return {"pause": seen.state, "preset": (seen.preset, seen.asked_preset), "pools": pools(seen)}[verb]


NEW = ("pool-0.example.net:3333", "pool-1.example.net:3333", "")
LIES: list[tuple[str, str, object, object]] = [
    ("honest", "pause", Said(), "stopped"),
    ("honest", "preset", Said(), ("2300", "2300")),
    ("honest", "pools", Said(), NEW),
    ("ignore", "pause", Said(), "mining"),
    ("ignore", "preset", Said(), ("2500", "2500")),
    ("ignore", "pools", Said(), OWN),
    ("silent", "pause", "connection_lost: connection closed without an answer", "stopped"),
    ("silent", "preset", "connection_lost: connection closed without an answer", ("2300", "2300")),
    ("empty", "preset", Said(), ("2300", "2300")),
    ("late", "pause", Said(), "mining"),
    ("other", "pause", Said(), "restarting"),
    ("other", "preset", Said(), ("1740", "1740")),
    ("other", "pools", Said(), ("pool.of-somebody-else.example.org:3333", *NEW[1:])),
    ("half", "pools", Said(), (NEW[0], *OWN[1:])),
    ("restart", "pause", Said(), "restarting"),
    ("restart", "preset", Said(), ("2300", "2300")),
    ("refuse", "pools", "refused: CGMiner err: Cgminer error failed", OWN),
    ("untuned", "preset", Said(), ("2500", "2500")),
    ("untuned", "pause", Said(), "stopped"),
    ("needs_restart", "preset", Said(restart_required=True), ("2500", "2300")),
    ("needs_restart", "pools", Said(restart_required=True), NEW),
    ("revoke", "preset", "key_refused: the miner does not take the key or token (HTTP 401)", ("2500", None)),
    ("gone", "pause", "connection_lost: connection closed without an answer", "connection_refused"),
]


@pytest.mark.parametrize(("kind", "verb", "says", "shows"), LIES)
async def test_what_it_says_and_what_it_shows(
    fleet: Fleet, clock: FakeClock, kind: str, verb: str, says: object, shows: object
) -> None:
    miner = of_model(fleet, "s19jpro")
    miner.write_settings({"miner": {"overclock": {"preset": "2500"}}})
    miner.tuned |= {"2500", "2300"}
    if kind == "untuned":
        miner.tuned.discard("2300")
    clock.advance(60)
    if kind != "honest":
        fleet.set_fault(miner, Fault.LIE, kind=kind)
    said, seen = await told(fleet, miner, verb)
    assert said == says
    assert shown(verb, seen) == shows


def test_every_lie_is_in_the_table() -> None:
    assert {kind for kind, *_ in LIES} - {"honest"} == LIE_KINDS.keys() - {"power"}


async def test_what_is_late_is_done_after_its_time(fleet: Fleet, clock: FakeClock) -> None:
    miner = of_model(fleet, "s19jpro")
    fleet.set_fault(miner, Fault.LIE, kind="late", delay=180.0, times=1)
    said, seen = await told(fleet, miner, "pause")
    assert (said, shown("pause", seen)) == (Said(), "mining")
    fleet.clear_fault(miner)
    clock.advance(179)
    assert shown("pause", await look(fleet, miner)) == "mining"
    clock.advance(2)
    assert shown("pause", await look(fleet, miner)) == "stopped"


async def test_power_that_does_not_fall_is_reported_until_it_is_healthy_again(fleet: Fleet, clock: FakeClock) -> None:
    miner = of_model(fleet, "s19jpro")
    before = (await look(fleet, miner)).power_w
    assert before
    fleet.set_fault(miner, Fault.LIE, kind="power")
    _, seen = await told(fleet, miner, "pause")
    assert isinstance(seen, Seen)
    assert (seen.state, seen.power_w) == ("stopped", before)
    miner.be("healthy")
    assert ((await look(fleet, miner)).power_w or 0.0) < before / 2


async def test_what_waits_for_a_restart_comes_with_it(
    http: aiohttp.ClientSession, fleet: Fleet, clock: FakeClock
) -> None:
    miner = of_model(fleet, "s19jpro")
    miner.tuned |= {"2500", "2300"}
    miner.write_settings({"miner": {"overclock": {"preset": "2500"}}})
    fleet.set_fault(miner, Fault.LIE, kind="needs_restart")
    for verb in ("preset", "pools"):
        await told(fleet, miner, verb)
        assert (await look(fleet, miner, "pools")).restart_required
    in_use = [pool.url for pool in miner.snapshot().pools if not pool.devfee]
    assert in_use == list(OWN[:2])
    headers = {"x-api-key": with_key(miner)}
    assert await ask(http, fleet, miner, "/mining/restart", method="POST", headers=headers) == (200, b"")
    clock.advance(120)
    assert (await look(fleet, miner, "preset")).preset == "2300"
    assert (await look(fleet, miner, "preset")).restart_required is False
    assert [pool.url for pool in miner.snapshot().pools if not pool.devfee] == list(NEW[:2])


async def test_what_it_is_asked_and_who_may_not_tell_it_anything_meet_no_lie(
    http: aiohttp.ClientSession, fleet: Fleet
) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.LIE, kind="refuse", text="not today", times=1)
    assert (await ask(http, fleet, miner, "/summary"))[0] == 200
    assert (await ask(http, fleet, miner, "/mining/pause", method="POST"))[0] == 401
    assert (await ask(http, fleet, miner, "/unlock", {"pw": "admin"}))[0] == 200
    headers = {"x-api-key": with_key(miner)}
    status, body = await ask(http, fleet, miner, "/mining/pause", method="POST", headers=headers)
    assert (status, json.loads(body)) == (500, {"err": "not today"})
    assert (await ask(http, fleet, miner, "/mining/pause", method="POST", headers=headers))[0] == 200  # once only


async def test_a_lie_may_be_about_some_calls_only(http: aiohttp.ClientSession, fleet: Fleet) -> None:
    miner = fleet.miners[0]
    fleet.set_fault(miner, Fault.LIE, kind="ignore", paths=["*/find-miner"])
    headers = {"x-api-key": with_key(miner)}
    assert await ask(http, fleet, miner, "/find-miner", {"on": True}, headers=headers) == (200, b'{"on": true}')
    assert miner.unit.finding is False
    await ask(http, fleet, miner, "/mining/pause", method="POST", headers=headers)
    assert miner.state == "stopped"


async def look(fleet: Fleet, miner: SimulatedMiner, verb: str = "pause") -> Seen:
    async with open_session() as session:
        vnish = Vnish(Link(session, fleet.port, 5.0))
        return await vnish.look(Reach(miner.ip, with_key(miner), mac=miner.mac), verb)
