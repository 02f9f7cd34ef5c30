"""What is kept of one node has bounds, each with a code, an event once and a way back; on both kinds of database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from hived.api.nodes import ingest_parse
from hived.errors import PROBLEMS
from hived.records import bounds
from hived.records.bounds import ARTIFACTS, BOUNDS, BYTES, MINERS, MODELS
from hived.records.ingest import Taken
from hived.store import Store
from hived.store.engine.database import dicts, tuples
from hived.store.miners import history, views
from hived.store.nodes import contacts, ingest, nodes, shares
from hived.store.schema import Artifact, Contribution, Event, Fleet5m, Model, Node
from tests import nodes as fleet
from tests.api import farm
from tests.nodes import NOW

Allow = Callable[[str, int], None]


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Allow:
    """Set a bound for this test."""
    return lambda name, most: monkeypatch.setitem(BOUNDS, name, replace(BOUNDS[name], most=most))


class Sender:
    """The nodes n1 and n2, each with numbers of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.last: dict[tuple[str, str], int] = {}

    async def __call__(
        self, node_id: str, stream: str, make: Callable[[int], dict[str, Any]], *of: int, **more: Any
    ) -> Taken:
        first = self.last.get((node_id, stream), 0) + 1
        last = self.last[node_id, stream] = first + len(of) - 1
        items = [make(n) | {"seq": first + i} for i, n in enumerate(of)]
        told = fleet.batch(node_id, stream, first if of else 0, last if of else 0, items, **more)
        return await self.store.merge(ingest.take, node_id, ingest_parse.batch(told, node_id, NOW), NOW)

    async def full(self, node_id: str) -> list[str]:
        (one,) = [one for one in await self.store.read(contacts.listing) if one.node_id == node_id]
        return sorted(one.full)

    async def told(self) -> list[str]:
        kinds = await self.store.read(
            lambda db: tuples(Event.select(Event.detail).where(Event.kind == "node_full"), db)
        )
        return [detail for (detail,) in kinds]


@pytest.fixture
async def send(store: Store) -> Sender:
    for node in ("n1", "n2"):
        await store.write(fleet.let_in, node, NOW)
    return Sender(store)


def miner(n: int) -> dict[str, Any]:
    return fleet.miner(0, n)


def said(n: int) -> dict[str, Any]:
    return fleet.said(0, n)


def model(n: int) -> dict[str, Any]:
    return {"alias": f"x{n}", "name": f"Model {n}", "presets": [], "topology": None, "series": None}


async def test_a_node_has_so_many_miners_and_the_others_are_refused_with_a_code(send: Sender, allow: Allow) -> None:
    allow(MINERS, 5)
    taken = await send("n1", "miners", miner, 1, 2, 3)
    assert (taken.rejected, taken.full) == ((), ())
    for round_ in range(3):
        taken = await send("n1", "miners", miner, *range(10 * round_ + 4, 10 * round_ + 10))
        assert {one.reason for one in taken.rejected} == {"too_many_miners"}
        assert taken.full == ("too_many_miners",)
    assert len(await send.store.read(views.miners)) == 5
    assert (await send("n1", "miners", miner, 1, 2)).rejected == (), "what is there goes on"
    assert (await send.full("n1"), len(await send.told())) == (["miners"], 1)
    assert (await send("n2", "miners", miner, 100)).rejected == (), "the others have room of their own"
    assert PROBLEMS["too_many_miners"]


async def test_all_nodes_together_leave_room_for_the_page(send: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "ALL_MINERS", 6)
    await send.store.write(farm.find, 500, NOW)
    await send("n1", "miners", miner, 1, 2, 3, 4)
    taken = await send("n2", "miners", miner, 11, 12, 13)
    assert [one.reason for one in taken.rejected] == ["too_many_miners"] * 2
    await send.store.write(farm.find, 501, NOW)
    assert len(await send.store.read(views.miners)) == 7, "the master's own are never refused for what nodes sent"


async def test_there_is_room_again_when_miners_leave(send: Sender, allow: Allow) -> None:
    allow(MINERS, 2)
    await send("n1", "miners", miner, 1, 2, 3)
    assert await send.full("n1") == ["miners"]
    await send("n2", "miners", miner, 9)
    allow(MINERS, 4)
    taken = await send("n1", "miners", miner, 3)
    assert (taken.rejected, taken.full, await send.full("n1")) == ((), (), [])


async def test_models_have_a_bound(send: Sender, allow: Allow) -> None:
    allow(MODELS, 4)
    for start in (0, 3, 6):
        taken = await send("n1", "miners", miner, models=[model(n) for n in range(start, start + 3)])
    assert taken.full == ("too_many_models",)
    rows = await send.store.read(lambda db: tuples(Model.select(Model.short).order_by(Model.short), db))
    assert [short for (short,) in rows] == ["x0", "x1", "x2", "x3"]
    await send("n1", "miners", miner, models=[{**model(1), "name": "Renamed"}])
    await send("n2", "miners", miner, models=[model(7)])
    assert await send.store.read(lambda db: Model.select().where(Model.name == "Renamed").bind(db).count()) == 1
    assert await send.store.read(lambda db: Model.select().where(Model.told_by == "n2").bind(db).count()) == 1


async def test_the_sums_of_a_stretch_are_of_so_many_models(send: Sender, allow: Allow) -> None:
    allow(MODELS, 3)
    taken = await send("n1", "fleet", lambda n: {**fleet.fleet_sums(0), "model": f"x{n}"}, *range(6))
    again = await send("n1", "fleet", lambda n: {**fleet.fleet_sums(0), "model": f"x{n}"}, 0, 8, 3)
    assert [[one.reason for one in some.rejected] for some in (taken, again)] == [
        ["too_many_models"] * 2,
        ["too_many_models"],
    ]
    assert await send.store.read(lambda db: Fleet5m.select().bind(db).count()) == 4


async def test_artifacts_have_a_bound(send: Sender, allow: Allow) -> None:
    allow(ARTIFACTS, 3)
    await send("n2", "contributions", said, 8)
    await send("n1", "contributions", said, 1, 2)
    taken = await send("n1", "contributions", said, 8, 3, 4, 5)
    assert sorted(one.outcome for one in taken.results) == ["created", "merged", "rejected", "rejected"]
    assert {one.reason for one in taken.results if one.outcome == "rejected"} == {"too_many_artifacts"}
    assert await send.store.read(lambda db: Artifact.select().bind(db).count()) == 4
    assert (await send.full("n1"), await send.full("n2"), len(await send.told())) == ([ARTIFACTS], [], 1)


async def test_what_a_node_tells_of_artifacts_has_a_bound_in_bytes(send: Sender, allow: Allow) -> None:
    allow(BYTES, 20_000)
    long: dict[str, Any] = {"content": {"title": "Long", "summary": "word " * 1500}}
    outcomes = []
    for n in range(8):
        taken = await send("n1", "contributions", lambda n: fleet.said(0, n, **long), n)
        outcomes.append(taken.results[0].outcome)
    assert outcomes[:1] == ["created"]
    assert outcomes[-1] == "rejected"
    (size,) = (await send.store.read(lambda db: tuples(Node.select(Node.artifact_bytes).where(Node.id == "n1"), db)))[0]
    kept = await send.store.read(lambda db: dicts(Contribution.select(), db))
    facts = await send.store.read(lambda db: dicts(Artifact.select(), db))
    assert size == sum(len(row["content"]) + len(row["search"]) for row in kept) + sum(
        len(row["facts"]) + len(row["search"]) for row in facts
    )
    assert size < 40_000, "one body more than the bound at most"
    assert await send.full("n1") == [BYTES]


async def test_the_same_again_and_again_is_counted_once(send: Sender) -> None:
    for words in ("one", "two", "one"):
        await send("n1", "contributions", partial(fleet.said, 0, words=words), 1)
    assert await send.store.read(
        lambda db: tuples(Node.select(Node.artifacts, Node.artifact_bytes > 1000).where(Node.id == "n1"), db)
    ) == [(1, False)]


async def test_a_removed_node_may_begin_anew(send: Sender, allow: Allow) -> None:
    allow(MINERS, 1)
    await send("n1", "miners", miner, 1, 2)
    await send.store.write(nodes.remove, "n1")
    await send.store.write(fleet.let_in, "n1", NOW)
    assert await send.full("n1") == []


async def test_one_node_pushes_no_others_events_out(send: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "EVENTS", 10)
    monkeypatch.setattr(history, "MAX_EVENTS", 1000)
    await send("n2", "events", lambda n: fleet.event(0), 1, 2, 3)
    for _ in range(5):
        await send("n1", "events", lambda n: fleet.event(0), *range(20))
    await send.store.write(history.prune_events)
    rows = await send.store.read(lambda db: dicts(Event.select().where(Event.node_id.is_null(False)), db))
    count = {node: [row["node_seq"] for row in rows if row["node_id"] == node] for node in ("n1", "n2")}
    assert count == {"n1": [*range(91, 101)], "n2": [1, 2, 3]}


def test_the_table_names_a_code_and_a_number_for_each() -> None:
    assert all(one.code in PROBLEMS and one.most > 0 and one.name == name for name, one in BOUNDS.items())
    assert BOUNDS[MINERS].most < bounds.ALL_MINERS, "no node takes the room of all"
