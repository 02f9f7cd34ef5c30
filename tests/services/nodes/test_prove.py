"""A master without TLS proves itself before it hears the node's key; nobody else hears it."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.clients.master.errors import OtherKey
from hived.records.uplink import JOINED, PIN_MISMATCH, REFUSED, Identity
from hived.services.nodes.prove import find_over_tls
from tests.clients.master.tls import certificate
from tests.clock import FakeClock
from tests.services.nodes.master import Fault, SmallMaster, serving
from tests.services.nodes.node import OWN, MakeNode, fill, joined, poll


def heard_no_key(master: SmallMaster) -> bool:
    return {path for path, _ in master.log} <= {"hello"}


def away() -> Fault:
    async def fault(*_: Any) -> web.Response:
        return web.json_response({"error": "not now"}, status=503)

    return fault


async def test_no_announcement_moves_a_node_that_has_pinned_nothing(
    make_node: MakeNode, master: SmallMaster, clock: FakeClock, stack: AsyncExitStack
) -> None:
    """The id is public: who announces it at another address gets not even a hello."""
    node = await joined(make_node, master)
    await node.sees(master.url)
    await node.tick(5)
    rogue = SmallMaster(clock)
    rogue.keys = master.keys  # even one that would take the key
    await stack.enter_async_context(serving(rogue))
    master.faults.append(away())
    await node.sees(rogue.url)
    await node.tick(30, times=40)
    assert rogue.log == []
    assert (await node.link()).url == master.url


@pytest.mark.parametrize("knows_the_question", [True, False])
async def test_who_takes_the_masters_address_hears_no_key(
    make_node: MakeNode, clock: FakeClock, stack: AsyncExitStack, knows_the_question: bool
) -> None:
    async with serving(SmallMaster(clock)) as master:
        node = await joined(make_node, master)
        port = int(master.url.rpartition(":")[2])
    thief = SmallMaster(clock)
    thief.proves = knows_the_question
    thief.keys = {name: ("ab" * 32, state) for name, (_, state) in master.keys.items()}
    await stack.enter_async_context(serving(thief, port))
    await node.tick(900, times=3)
    assert heard_no_key(thief), thief.log
    assert (await node.link()).state == PIN_MISMATCH


async def test_who_takes_the_masters_address_between_two_contacts_hears_no_key(
    make_node: MakeNode, clock: FakeClock, stack: AsyncExitStack
) -> None:
    """State is sent every five seconds, and the connection has ended meanwhile."""
    async with serving(SmallMaster(clock)) as master:
        node = await joined(make_node, master)
        await node.store.write(fill, node.clock())
        await node.tick(5)
        port = int(master.url.rpartition(":")[2])
    thief = SmallMaster(clock)
    thief.keys = {name: ("ab" * 32, state) for name, (_, state) in master.keys.items()}
    await stack.enter_async_context(serving(thief, port))
    await node.store.write(poll, [1, 2, 3], node.clock(), power_w=1234.0)
    await node.tick(5, times=20)
    assert heard_no_key(thief), thief.log
    assert (await node.link()).state == PIN_MISMATCH
    await node.sees(thief.url, state="dead")
    await node.tick(1)
    await node.sees(thief.url)  # it came alive, which ends every wait
    await node.tick(1, times=20)
    assert heard_no_key(thief), thief.log


async def test_another_master_at_the_masters_address_hears_no_key(
    make_node: MakeNode, clock: FakeClock, stack: AsyncExitStack
) -> None:
    async with serving(SmallMaster(clock)) as master:
        node = await joined(make_node, master)
        port = int(master.url.rpartition(":")[2])
    other = SmallMaster(clock)
    other.id, other.keys = "m-2", master.keys
    await stack.enter_async_context(serving(other, port))
    await node.tick(900)
    assert heard_no_key(other), other.log
    assert (await node.link()).state == PIN_MISMATCH


async def test_a_master_that_lost_the_key_hears_it_no_more(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    master.keys.clear()
    master.log.clear()
    await node.tick(15)
    assert heard_no_key(master)
    assert (await node.link()).state == REFUSED


async def test_a_master_of_0_1_0_goes_on_with_a_warning_a_day(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    master.proves = False
    node = await joined(make_node, master)
    caplog.clear()
    before = master.calls("nodes/me/contact")
    await node.tick(3600, times=49)
    assert master.calls("nodes/me/contact") > before + 40
    assert (await node.link()).state == JOINED
    warned = [r for r in caplog.records if r.levelno == logging.WARNING and "without TLS" in r.message]
    assert len(warned) == 2, "beside the one at the beginning"


async def test_a_master_of_0_1_0_is_followed_to_no_other_address(
    make_node: MakeNode, clock: FakeClock, master: SmallMaster, stack: AsyncExitStack
) -> None:
    master.proves = False
    node = await joined(make_node, master)
    other = SmallMaster(clock)
    other.proves, other.keys = False, master.keys
    await stack.enter_async_context(serving(other))
    await node.anew(other.url)
    await node.tick(15)
    assert heard_no_key(other), other.log
    assert (await node.link()).url == master.url


async def test_who_passes_the_question_on_to_the_master_is_not_taken_for_it(
    make_node: MakeNode, clock: FakeClock, master: SmallMaster, tmp_path: Path, stack: AsyncExitStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Over TLS the proof is good for the key alone that the master itself has."""
    node = await joined(make_node, master)
    between = SmallMaster(clock, certificate(tmp_path))
    monkeypatch.setattr(between, "_proof", lambda asked, _pin: master._proof(asked, None))
    await stack.enter_async_context(serving(between))
    link = replace(await node.link(), url=between.url.replace("https:", "http:"))
    with pytest.raises(OtherKey, match="cannot prove"):
        await find_over_tls(Identity(OWN, "north-shed"), link)
    assert heard_no_key(between), between.log
    monkeypatch.setattr(between, "_proof", master._proof)
    assert (await find_over_tls(Identity(OWN, "north-shed"), link)).pin is not None, "as the master itself would"
