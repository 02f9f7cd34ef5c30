"""A master at another address or with another key: followed when it is the same, refused when it is not."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hived.records.uplink import JOINED, PIN_MISMATCH
from tests.clients.master.tls import certificate
from tests.clients.master.tls import new_key as new_private_key
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, serving
from tests.services.nodes.node import MakeNode, kinds


async def test_a_master_that_moved_is_followed(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, stack: AsyncExitStack
) -> None:
    own = certificate(tmp_path)
    async with serving(SmallMaster(clock, own)) as master:
        node = await make_node("auto")
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
        await node.tick()
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
