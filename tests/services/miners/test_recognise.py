"""One device, several families: who takes it, in which order, and what is said when nobody does."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from hived.clients.firmwares.family import ConnectionWatch, Firmware, Link
from hived.errors import HivedError, NotThisFirmware, Transient, Unreadable
from hived.records.firmware import Feature, listed, offers
from hived.records.miner import MinerIdentity
from hived.services.miners.recognise import recognise
from hived.services.miners.sweep import LightScan
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.miners import discovery, miners
from tests.services.conftest import MakeSite
from tests.toy_firmware import Toy

IP = "127.33.0.1"
MAC = "02:70:79:00:00:09"


class Family(Toy):
    """A toy that answers by the book."""

    def __init__(self, name: str, answer: HivedError | None, asked: list[str], port: int = 1) -> None:
        self.name, self.ports = name, (port,)
        self._answer, self._asked = answer, asked

    async def identify(self, ip: str, watch: ConnectionWatch | None = None) -> MinerIdentity:
        self._asked.append(self.name)
        if self._answer is not None:
            raise self._answer
        return MinerIdentity(MAC)


async def asked_in_turn(
    answers: dict[str, HivedError | None], *, first: str | None = None, ports: Sequence[int] = (1,)
) -> tuple[str, list[str]]:
    asked: list[str] = []
    families = [Family(name, answer, asked, port=2 if name == "two" else 1) for name, answer in answers.items()]
    found, _ = await recognise(families, IP, ports, first=first, within_s=5.0)
    return found.name, asked


def foreign(kind: str = "unknown") -> NotThisFirmware:
    return NotThisFirmware(f"looks like {kind}", kind)


async def test_the_table_is_the_order_in_which_families_are_asked() -> None:
    assert await asked_in_turn({"a": foreign(), "b": None, "c": None}) == ("b", ["a", "b"])


async def test_the_family_that_ran_here_before_is_asked_first() -> None:
    assert await asked_in_turn({"a": None, "b": None}, first="b") == ("b", ["b"])


async def test_a_family_that_recognises_another_one_sends_the_device_there() -> None:
    assert await asked_in_turn({"a": foreign("c"), "b": foreign(), "c": None}) == ("c", ["a", "c"])


async def test_a_family_whose_port_is_closed_is_not_asked() -> None:
    assert await asked_in_turn({"two": foreign(), "a": None}) == ("a", ["a"])
    assert await asked_in_turn({"two": None, "a": None}, ports=(1, 2)) == ("two", ["two"])


async def test_a_family_that_cannot_tell_leaves_the_device_to_the_next() -> None:
    assert await asked_in_turn({"a": Transient("no answer"), "b": None}) == ("b", ["a", "b"])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"a": foreign("html"), "b": foreign("generic-json")}, "looks like html"),
        ({"a": foreign("html"), "b": Unreadable("cut short")}, "cut short"),
        ({"a": Transient("reset"), "b": Unreadable("cut short")}, "reset"),
    ],
)
async def test_when_nobody_takes_it_whoever_could_not_tell_is_heard_first(
    answers: dict[str, HivedError | None], said: str
) -> None:
    with pytest.raises(HivedError, match=said):
        await asked_in_turn(answers)


async def test_a_family_that_hangs_is_cut_off() -> None:
    class Hung(Family):
        async def identify(self, ip: str, watch: ConnectionWatch | None = None) -> MinerIdentity:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(Transient, match=r"no answer within 0\.05 s"):
        await recognise([Hung("a", None, [])], IP, [1], first=None, within_s=0.05)


def test_features_are_kept_as_names_and_unknown_ones_are_not_ruled_out() -> None:
    kept = listed({Feature.SETTINGS, Feature.CHIPS})
    assert kept == "chips settings"
    assert (offers(kept, Feature.CHIPS), offers(kept, Feature.PASSWORD)) == (True, False)
    assert offers(None, Feature.PASSWORD)
    assert not offers("", Feature.CHIPS)


# a site with two families


@pytest.fixture
async def toy_port() -> AsyncIterator[int]:
    """A device that says "toy" at the address of the first simulated miner."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            told = {"toy": 1, "mac": MAC, "up": 60, "hs": 20e12, "w": 700, "chips": [1e12]}
            writer.write(json.dumps(told).encode() + b"\n")
        writer.close()

    async with await asyncio.start_server(serve, IP, 0) as server:
        yield server.sockets[0].getsockname()[1]


def both(here: object, port: int) -> dict[str, Firmware]:
    families: dict[str, Firmware] = here.families()  # type: ignore[attr-defined]
    return families | {"toy": Toy(Link(here.session, 0, 20.0), port)}  # type: ignore[attr-defined]


async def test_what_is_no_miner_for_the_first_family_goes_to_the_next_and_is_polled_without_a_key(
    make_site: MakeSite, toy_port: int
) -> None:
    here = await make_site(2)
    here.fleet.set_fault(here.fleet.miners[0], Fault.NOT_A_MINER, kind="printer")
    here.passwords = ()
    families = both(here, toy_port)
    scan = LightScan(
        [here.fleet.port, toy_port], timeout_s=10.0, retry_timeout_s=10.0, concurrency=8, progress=lambda: None
    )
    await here.discoverer(scan=scan, firmwares=families).round()
    assert await here.store.read(discovery.other_devices) == []
    row = await here.store.read(miners.by_mac, MAC)
    assert row is not None
    assert (row.ip, row.firmware, row.features, row.access) == (IP, "toy", listed(Toy.can), "")
    async with here.poller(keeping=families, closing=families) as poller:
        await poller.round()
        here.clock.advance(60)
        await poller.round()
    assert (poller.polled, poller.failed) == (2, 0)


async def test_a_miner_that_comes_up_with_another_family_keeps_its_row_and_loses_its_key(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    await here.discoverer().round()
    before = await here.row(rig)
    assert before.access
    sighting = miners.Sighting(
        dataclasses.replace(await here.families()["vnish"].identify(rig.ip), firmware_version="7"),
        rig.ip, here.clock(), "toy", "chips",
    )  # fmt: skip
    await here.store.write(miners.saw, sighting, node_id="node-1")
    row = await here.row(rig)
    assert (row.num, row.firmware, row.features, row.access) == (before.num, "toy", "chips", None)
    event = (await here.store.read(events.newest, kind="firmware_changed"))[0]
    assert event.detail == {"before": f"vnish {before.firmware_version}", "after": "toy 7"}


async def test_a_miner_of_a_family_that_is_unknown_here_is_shown_with_the_reason(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    async with here.poller(keeping={}, closing={}) as poller:
        await poller.round()
    assert "does not know the firmware vnish" in ((await here.view(here.fleet.miners[0])).last_error or "")
