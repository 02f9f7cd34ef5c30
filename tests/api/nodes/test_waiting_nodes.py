"""Nodes that wait to be let in: strangers who ask without end keep nobody out."""

from __future__ import annotations

import pytest

from hived.api.nodes.join import JOINS
from hived.records.joining import new_key
from hived.records.net import network
from hived.records.node import Wish
from hived.store.access import attempts
from hived.store.nodes import nodes
from hived.store.schema import Attempt, Node
from tests import nodes as fleet
from tests.api import farm
from tests.api.nodes.test_nodes import CONTACT, asks, told, waiting, wish


async def test_one_address_does_not_ask_without_end(api: farm.Api) -> None:
    key = new_key()
    answers = [(await asks(api, wish(key)))[0] for _ in range(JOINS + 1)]
    assert answers == [202] * JOINS + [429]
    api.clock.advance(60)
    assert (await asks(api, wish(key)))[0] == 202


async def test_strangers_with_many_addresses_fill_no_table(api: farm.Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "KEEP", 20)
    for n in range(100):
        await api.store.write(attempts.one_more, f"join:{n}", most=2, window_s=60.0, at=api.clock() + n)
    assert await api.store.read(lambda db: Attempt.select().bind(db).count()) == 20
    then = api.clock() + 100
    for wait_s in (0.0, 59.0):
        assert await api.store.read(attempts.full, "join:99", most=2, window_s=60.0, at=then) == wait_s
        assert await api.store.write(attempts.one_more, "join:99", most=2, window_s=60.0, at=then) == wait_s


def test_a_host_with_a_network_of_its_own_is_one_asker() -> None:
    assert network("2001:db8::1") == network("2001:db8::dead:beef%eth0") != network("2001:db9::1")
    assert network("192.0.2.1") != network("192.0.2.2")


async def waits(api: farm.Api, node_id: str, address: str) -> str:
    """Let a node ask from an address."""
    key = new_key()
    asked = Wish(node_id, node_id, None, "0.1.0", key.id, key.secret_hash)
    now = api.clock()
    return (await api.store.write(nodes.ask, asked, own_id="id-1", pin=None, address=address, now=now)).outcome


@pytest.mark.parametrize(
    "strangers",
    [["192.0.2.1", "192.0.2.2"], [f"2001:db8::{n:x}" for n in range(1, 200)], [f"192.0.2.{n}" for n in range(1, 101)]],
    ids=["two addresses", "one network of IPv6", "100 addresses"],
)
async def test_strangers_keep_no_honest_node_out(api: farm.Api, strangers: list[str]) -> None:
    for n in range(200):
        api.clock.advance(1)
        assert await waits(api, f"x{n}", strangers[n % len(strangers)]) == "pending"
    assert len(await waiting(api)) <= nodes.MAX_PENDING
    assert await waits(api, "honest", "192.0.2.200") == "pending"
    for n in range(200, 240):
        api.clock.advance(1)
        await waits(api, f"x{n}", strangers[n % len(strangers)])
    seen = await waiting(api)
    assert "honest" in seen
    assert len(seen) <= nodes.MAX_PENDING
    assert await api.store.read(lambda db: Node.select().bind(db).count()) == len(seen), "those that left are gone"


async def test_one_address_has_a_share_and_its_oldest_leaves(api: farm.Api) -> None:
    await waits(api, "other", "192.0.2.2")
    for n in range(nodes.PENDING_OF_ONE + 3):
        api.clock.advance(1)
        await waits(api, f"x{n}", "192.0.2.1")
    kept = {f"x{n}" for n in range(3, nodes.PENDING_OF_ONE + 3)}
    assert set(await waiting(api)) == {"other", *kept}


async def test_old_wishes_leave_and_a_code_needs_no_place(api: farm.Api) -> None:
    for n in range(nodes.MAX_PENDING):
        await waits(api, f"n{n}", f"192.0.2.{n}")
    made = (await api.ask("POST", "/api/v1/enroll-codes"))[1]["code"]
    assert (await asks(api, wish(new_key(), "coded", code=made)))[0] == 200
    assert len(await waiting(api)) == nodes.MAX_PENDING
    api.clock.advance(nodes.PENDING_S + 1)
    assert (await asks(api, wish(new_key(), "late")))[0] == 202
    assert {one["node_id"] for one in await api.get("/api/v1/nodes")} == {"late", "coded"}


async def test_all_that_wait_are_refused_at_once(api: farm.Api) -> None:
    good = await api.store.write(fleet.let_in, "n1", api.clock())
    await asks(api, wish(new_key()))  # another key for a node that is known
    for n in range(5):
        await waits(api, f"x{n}", "192.0.2.1")
    assert await api.ask("POST", "/api/v1/nodes/refuse") == (200, {"refused": 6})
    assert [one["node_id"] for one in await api.get("/api/v1/nodes")] == ["n1"]
    assert await waiting(api) == []
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(good)))[0] == 200
    assert (await api.get("/api/v1/audit"))[0]["after"] == {"wishes": 6}
