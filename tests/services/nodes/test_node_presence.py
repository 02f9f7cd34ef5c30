"""A master says who comes to it without TLS."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from hived.cli.troubles import node_troubles
from hived.services.nodes.node_presence import NodeWatch
from hived.store import Store
from hived.store.nodes import contacts, nodes
from tests import nodes as fleet
from tests.clock import FakeClock
from tests.databases import Databases


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make()) as opened:
        yield opened


async def test_who_comes_without_tls_is_named_once_a_day(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for node_id, secure in (("open", False), ("safe", True)):
        await store.write(fleet.let_in, node_id, clock())
        await store.write(fleet.touch, node_id, clock(), secure=secure, name=node_id)
    await store.write(nodes.add, "histo", "never came", by="tests", now=clock())
    watch = NodeWatch(store, "master", name="head", site=None, clock=clock)
    said = []
    for _ in range(49):
        await store.write(fleet.touch, "open", clock(), secure=False, name="open")
        await watch.beat()
        said += [r.message for r in caplog.records if r.levelno == logging.WARNING and "TLS" in r.message]
        caplog.clear()
        clock.advance(3600)
    text = "open sends without TLS: anyone on the path can read its key"
    assert said == [f"{text}: on open: hivectl secure"] * 3
    await store.write(fleet.touch, "safe", clock(), secure=True, name="safe")
    await store.write(fleet.touch, "open", clock(), secure=False, name="open")
    (trouble,) = node_troubles(await store.read(contacts.listing), clock())
    assert (trouble.text, trouble.next_step) == (text, "on open: hivectl secure")
