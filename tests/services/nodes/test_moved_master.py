"""A master at another address or with another key: followed when it is the same, refused when it is not."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hived.records.uplink import JOINED, PIN_MISMATCH
from tests.clients.master.tls import certificate
from tests.clients.master.tls import new_key as new_private_key
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, serving
from tests.services.nodes.node import MakeNode, fill, kinds


async def test_a_master_that_moved_is_followed(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack
) -> None:
    own = certificate(tmp_path)
    async with serving(SmallMaster(clock, own)) as master:
        node = await make_node("auto")
        await node.wants(master.url)
        await node.sees(master.url)
        await node.tick()
        master.approve()
        await node.tick(5)
    old = master.url
    await node.tick(15)
    await stack.enter_async_context(serving(master))
    assert master.url != old
    await node.sees(master.url)
    await node.tick(20)
    await node.tick(1)
    link = await node.link()
    assert (link.url, link.pin, link.state) == (master.url, own.pin, JOINED)
    assert link.last_error is None


@pytest.mark.parametrize("tls", [True, False])
async def test_who_only_calls_itself_the_master_is_not_followed(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack, tls: bool
) -> None:
    async with serving(SmallMaster(clock, certificate(tmp_path))) as master:
        node = await make_node("auto")
        await node.wants(master.url)
        await node.sees(master.url)
        await node.tick()
        master.approve()
        await node.tick(5)
    other = SmallMaster(clock, certificate(tmp_path) if tls else None)
    await stack.enter_async_context(serving(other))
    await node.sees(other.url)
    for _ in range(40):
        await node.tick(30)
    link = await node.link()
    assert link.url == master.url
    assert other.log == []


async def test_another_key_at_the_masters_address_is_refused_loudly_each_time_it_begins(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key, port = new_private_key(), 0
    async with serving(SmallMaster(clock, certificate(tmp_path, key))) as master:
        port = int(master.url.rpartition(":")[2])
        node = await make_node(master.url)
        await node.wants(master.url)
        master.approve()
        await node.tick(5)
    async with serving(SmallMaster(clock, certificate(tmp_path)), port) as thief:
        await node.tick(900, times=5)
        assert (await node.link()).state == PIN_MISMATCH
        assert thief.log == [], "not even a hello"
        assert [r.levelno for r in caplog.records if "NOTHING IS SENT" in r.message] == [logging.ERROR]
        assert (await kinds(node)).count("master_key_changed") == 1
    renewed = SmallMaster(clock, certificate(tmp_path, key, name="renewed"))
    renewed.keys = master.keys
    async with serving(renewed, port):
        await node.tick(900)
        assert (await node.link()).state == JOINED, "a renewed certificate of the same key is the same master"
        await node.close()
    async with serving(SmallMaster(clock, certificate(tmp_path)), port):
        await node.tick(900)
        assert (await kinds(node)).count("master_key_changed") == 2


@pytest.mark.parametrize("call", ["nodes/me/contact", "ingest"])
async def test_a_request_to_the_old_address_is_given_up_when_zeroconf_shows_the_new_one(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack, call: str
) -> None:
    """The old address takes what is sent and answers nothing, as one does whose box got another one meanwhile."""
    own = certificate(tmp_path)
    old, new = SmallMaster(clock, own), SmallMaster(clock, own)
    for master in (old, new):
        await stack.enter_async_context(serving(master))
    node = await make_node("auto")
    await node.wants(old.url)
    await node.sees(old.url)
    await node.tick()
    old.approve()
    await node.tick(5)
    new.keys, asked, over = old.keys, asyncio.Event(), asyncio.Event()

    async def silent(_master: SmallMaster, path: str, _doc: dict[str, Any]) -> None:
        if path == call:
            asked.set()
            await over.wait()

    old.faults.append(silent)
    await node.store.write(fill, node.clock())
    waits = asyncio.create_task(node.tick(20))
    await asked.wait()
    await node.sees(new.url)
    await waits
    await node.tick(1)
    link = await node.link()
    assert (link.url, link.state, link.last_error) == (new.url, JOINED, None)
    assert new.calls("nodes/me/contact") == 1
    over.set()


async def test_a_new_address_is_tried_before_the_old_one(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack
) -> None:
    own = certificate(tmp_path)
    old, new = SmallMaster(clock, own), SmallMaster(clock, own)
    for master in (old, new):
        await stack.enter_async_context(serving(master))
    node = await make_node("auto")
    await node.wants(old.url)
    await node.sees(old.url)
    await node.tick()
    old.approve()
    await node.tick(5)
    new.keys, before = old.keys, len(old.log)
    await node.sees(new.url)
    await node.tick(20)
    assert (await node.link()).url == new.url
    assert len(old.log) == before


async def test_a_master_with_two_addresses_is_not_left_for_the_one_that_zeroconf_shows(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack
) -> None:
    own = certificate(tmp_path)
    used, shown = SmallMaster(clock, own), SmallMaster(clock, own)
    for master in (used, shown):
        await stack.enter_async_context(serving(master))
    node = await make_node("auto")
    await node.wants(used.url)
    await node.sees(used.url)
    await node.tick()
    used.approve()
    await node.tick(5)
    await node.anew()
    await node.sees(shown.url)
    await node.tick(20, times=3)
    assert (await node.link()).url == used.url
    assert shown.log == []
