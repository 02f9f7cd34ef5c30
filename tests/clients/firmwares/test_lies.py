"""What is made of every lie of a miner, for every verb of every family: by what it shows, never by what it says.

The same table for all families; one that comes later adds a stand.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hived.clients.firmwares.family import Firmware, Link
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.family import Vnish
from hived.errors import AnotherDevice, BadCredentials, Refused, Transient
from hived.records import readback
from hived.records.firmware import Reach
from hived.records.steering import VERBS, Seen, Wish
from hived.simulator.miners.faults import LIE_KINDS, Fault
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.lifecycle import Timings
from hived.simulator.miners.miner import SimulatedMiner
from tests.clock import FakeClock
from tests.simulator.asking import with_key
from tests.toy_firmware import LIES, Toy, ToyMiner, listening
from tests.waiting import until

LATE_S = 180.0
IP = "127.35.0.1"
POOLS = [{"slot": slot, "url": f"new-{slot}.example.net:3333", "user": "farm.new"} for slot in (0, 1)]


@dataclass
class Stand:
    """One miner of a family, and how to make it lie."""

    firmware: Firmware
    reach: Reach
    device: SimulatedMiner | ToyMiner
    fleet: Fleet | None
    low: str
    """A preset that is far below the one that runs."""
    low_w: float

    async def lie(self, kind: str) -> None:
        if isinstance(self.device, ToyMiner):
            self.device.lie, self.device.delay_s = kind, LATE_S
            return
        assert self.fleet is not None
        if kind == "untuned":
            self.device.tuned.discard(self.low)
        if kind == "stranger":
            self.fleet.set_fault(self.device, Fault.ALTERED, put={"system.network_status.mac": "02:51:FF:FF:FF:FF"})
            device = self.device
            for transport in device.transports:
                transport.close()  # whoever has its address now is asked over a new connection
            await until(lambda: not device.transports)
        else:
            self.fleet.set_fault(self.device, Fault.LIE, kind=kind, delay=LATE_S)

    async def is_back(self) -> None:
        """Wait until a reboot is over: it takes real time."""
        if self.fleet is not None:
            fleet = self.fleet
            await until(lambda: not fleet._reboots and not fleet._reopening)

    def args(self, verb: str) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {
            "locate": {"on": True, "seconds": 60}, "preset": {"name": self.low}, "dimmer": {"percent": 50},
            "pools": {"pools": POOLS}, "cooling": {"mode": "manual", "percent": 70},
            "restore": {"pools": {"pools": POOLS}, "preset": {"name": self.low}},
        }  # fmt: skip
        return found.get(verb, {})


@asynccontextmanager
async def vnish(clock: FakeClock) -> AsyncIterator[Stand]:
    timings = replace(Timings(), reboot_after=0.0, reboot_away=0.02)
    async with (
        Fleet(1, subnet="127.35.1.0/28", models={"s19kpro": 1}, clock=clock, steady=True, timings=timings) as fleet,
        open_session() as session,
    ):
        miner = fleet.miners[0]
        ladder = miner.spec.ladder
        miner.tuned |= {preset.name for preset in ladder}
        miner.write_settings({"miner": {"overclock": {"preset": ladder[-1].name}}})
        clock.advance(60)
        firmware = Vnish(Link(session, fleet.port, 5.0))
        reach = Reach(miner.ip, with_key(miner), mac=miner.mac)
        yield Stand(firmware, reach, miner, fleet, ladder[0].name, float(ladder[0].watts))


@asynccontextmanager
async def toy(clock: FakeClock) -> AsyncIterator[Stand]:
    miner = ToyMiner("02:70:79:00:00:01", clock)
    async with listening(miner.serve, IP) as port, open_session() as session:
        firmware = Toy(Link(session, 0, 5.0), port)
        yield Stand(firmware, Reach(IP, "", mac=miner.mac), miner, None, "500", 500.0)


STANDS = {"vnish": vnish, "toy": toy}


async def outcome(stand: Stand, clock: FakeClock, verb: str, kind: str) -> str:
    """Give one order to a miner that lies, and look until it shows the effect or its time is over."""
    firmware, reach, args = stand.firmware, stand.reach, stand.args(verb)
    if verb == "resume":
        await firmware.steer(reach, Wish("pause"))
        clock.advance(60)
    before = replace(await firmware.look(reach), at=clock())
    if kind != "honest":
        await stand.lie(kind)
    sent_at = clock()
    try:
        await firmware.steer(reach, Wish(verb, args))
    except AnotherDevice:
        return "moved"
    except BadCredentials:
        return "no_access"
    except Refused:
        return "refused"
    except Transient:
        pass
    verdict = "waits"
    while clock() < sent_at + firmware.patience_s(verb):
        clock.advance(10)
        await stand.is_back()
        try:
            now: Seen = replace(await firmware.look(reach, verb), at=clock())
        except Transient:
            verdict = "unreadable"
            continue
        step_w = stand.low_w if verb in ("preset", "restore") else None
        verdict = readback.judge(verb, args, before, now, sent_at=sent_at, step_w=step_w)
        if verdict == "done":
            break
    return verdict


USUAL = {
    "honest": "done",
    "ignore": "waits",
    "silent": "done",
    "empty": "done",
    "late": "done",
    "other": "restarted",
    "half": "done",
    "restart": "done",
    "refuse": "refused",
    "untuned": "done",
    "needs_restart": "done",
    "power": "done",
    "revoke": "no_access",
    "gone": "unreadable",
    "stranger": "moved",
}
"""What is made of a lie, if nothing else stands below."""
UNUSUAL = {
    ("pause", "restart"): "restarted",
    ("pause", "power"): "half",
    ("resume", "other"): "done",  # it restarts, and so it mines
    ("restart", "other"): "done",
    ("locate", "other"): "waits",  # nothing but the lights is looked at
    ("reboot", "other"): "waits",  # mining was restarted, the control board was not
    ("preset", "other"): "other",
    ("preset", "untuned"): "waits",
    ("preset", "needs_restart"): "waits_for_restart",
    ("preset", "power"): "half",
    ("dimmer", "power"): "half",
    ("pools", "other"): "half",  # the second one was taken
    ("pools", "half"): "half",
    ("pools", "needs_restart"): "waits_for_restart",
    ("restore", "other"): "other",
    ("restore", "half"): "half",
    ("restore", "untuned"): "waits",
    ("restore", "needs_restart"): "waits_for_restart",
    ("restore", "power"): "half",
}
TOYS = {("locate", "other"): "restarted", ("reboot", "other"): "done", ("pools", "other"): "restarted"}
"""A toy that does something else reboots."""

CASES = [
    (family, verb, kind)
    for family, kinds in (("vnish", (*LIE_KINDS, "stranger")), ("toy", LIES))
    for verb, kind in itertools.product(VERBS, ("honest", *kinds))
    if verb != "power" and (family == "vnish" or verb in ("pause", "resume", "reboot", "locate", "preset", "pools"))
]


@pytest.mark.parametrize(("family", "verb", "kind"), CASES)
async def test_what_becomes_of_an_order(family: str, verb: str, kind: str) -> None:
    clock = FakeClock()
    expected = UNUSUAL.get((verb, kind), USUAL[kind])
    if family == "toy":
        expected = TOYS.get((verb, kind), expected)
    async with STANDS[family](clock) as stand:
        if kind == "late" and stand.firmware.patience_s(verb) < LATE_S:
            expected = "waits"
        assert await outcome(stand, clock, verb, kind) == expected


def test_every_verb_meets_a_dozen_lies() -> None:
    for verb in VERBS.keys() - {"power"}:  # no family here takes watts: the caller chooses a preset for them
        assert len({kind for family, one, kind in CASES if (family, one) == ("vnish", verb)}) > 12
    assert {kind for _, _, kind in CASES} == USUAL.keys()
