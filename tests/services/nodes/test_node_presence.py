"""A master says who comes to it without TLS."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from hived.cli.troubles import node_troubles
from hived.records.joining import new_key
from hived.records.node import Wish
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


async def test_one_trouble_of_a_node_hides_no_other(store: Store, clock: FakeClock) -> None:
    await store.write(fleet.let_in, "shed", clock())
    await store.write(fleet.touch, "shed", clock(), secure=False, name="shed")
    key = new_key()
    wish = Wish("shed", "shed", None, "0.1.0", key.id, key.secret_hash)
    await store.write(nodes.ask, wish, own_id="master", pin=None, address="127.0.0.1", now=clock())
    troubles = node_troubles(await store.read(contacts.listing), clock())
    assert [trouble.next_step for trouble in troubles] == [
        "compare the phrase that it shows, then: hivectl nodes approve shed PHRASE", "on shed: hivectl secure",
    ]  # fmt: skip
