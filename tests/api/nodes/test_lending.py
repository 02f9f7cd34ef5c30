"""POST /api/v1/nodes/me/lent: who may ask, what is taken, and that no body of it does harm."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hived.records.joining import NodeKey
from hived.records.lending import AT_ONCE
from hived.store import Store
from hived.store.engine.database import tuples
from hived.store.nodes import contacts, nodes
from hived.store.schema import Artifact, Contribution, Node
from tests import nodes as fleet
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.clock import FakeClock

LENT = "/api/v1/nodes/me/lent"
URL = "https://museum.example/objects/1"


@pytest.fixture
async def api(store: Store, clock: FakeClock) -> AsyncIterator[Api]:
    async with farm.serve(store, clock) as running:
        yield running


async def joined(api: Api, name: str, **health: Any) -> NodeKey:
    key = await api.do(fleet.let_in, name, NOW)
    await api.do(fleet.touch, name, NOW, health=health)
    assert isinstance(key, NodeKey)
    return key


async def read(api: Api, key: NodeKey, *numbers: int) -> None:
    items = [fleet.read_of(n, n) for n in numbers]
    told = fleet.batch("n1", "facts", 1, max(numbers), items)
    assert (await ask(api, key, told, "/api/v1/ingest"))[0] == 200


async def ask(api: Api, key: NodeKey, body: Any, path: str = LENT) -> tuple[int, Any]:
    async with api.http.post(path, json=body, headers=fleet.bearer(key)) as reply:
        return reply.status, json.loads(await reply.text())


def wish(**changes: Any) -> dict[str, Any]:
    return {"by": "m:1b d 2", "room": 5, "holding": [], "told": []} | changes


def words(one: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "url": one["url"], "input_hash": one["input_hash"], "content": {"summary": "A vase.", "title": "Vase"},
        "model": "m:1b", "model_digest": "d", "prompt_version": 2, "collected_at": "2027-01-15T08:00:00Z",
    } | changes  # fmt: skip


async def test_an_object_goes_out_and_its_description_comes_back_once(api: Api) -> None:
    n1, n2 = await joined(api, "n1", describes=False), await joined(api, "n2", describes=True)
    await read(api, n1, 1)
    status, answer = await ask(api, n2, wish())
    assert status == 200
    (one,) = answer["objects"]
    assert one["url"] == URL
    assert (one["title"], one["facts"]) == ("Amphora 1", {"makers": ["Exekias"], "date_text": "ca. 530 B.C."})
    assert answer["seconds"] == 600
    for _ in range(2):  # the first answer was lost
        status, answer = await ask(api, n2, wish(told=[words(one)]))
        assert (status, answer["taken"], answer["objects"]) == (200, [URL], [])
    (shown,) = await api.get("/artifacts")
    assert (shown["state"], shown["description"]) == ("described", "A vase.")
    assert [bubble["who"] for bubble in shown["bubbles"]] == [
        "collected by shed, from The Met", "described by shed: facts of the record, chosen by m:1b"
    ]  # fmt: skip
    told = await api.do(lambda db: tuples(Node.select(Node.artifacts, Node.artifact_bytes).where(Node.id == "n2"), db))
    assert told[0][0] == 0
    assert told[0][1] > 0, "it counts towards what is kept of the node"


async def test_a_stranger_a_viewer_and_a_collector_are_lent_nothing(api: Api) -> None:
    n1 = await joined(api, "n1", describes=False)
    await read(api, n1, 1)
    collector = await api.do(nodes.add, "histo", "histo", by="tests", now=NOW)
    assert isinstance(collector, NodeKey)
    assert (await ask(api, collector, wish()))[0] == 403
    await api.do(nodes.revoke, "n1", by="tests", now=NOW)
    assert (await ask(api, n1, wish()))[0] == 401
    async with api.http.post(LENT, json=wish()) as reply:
        assert reply.status in (401, 403)


async def test_nobody_describes_what_was_not_lent_to_it(api: Api) -> None:
    n1, n2 = await joined(api, "n1", describes=False), await joined(api, "n2", describes=True)
    n3 = await joined(api, "n3", describes=True)
    await read(api, n1, 1, 2)
    _, answer = await ask(api, n2, wish())
    ours = [words(one, content="Garbage.") for one in answer["objects"]]
    foreign = words(answer["objects"][0], url="https://museum.example/objects/77")
    assert (await ask(api, n3, wish(room=0, told=[*ours, foreign])))[0] == 200
    found = await api.do(lambda db: tuples(Contribution.select(Contribution.node_id, Contribution.kind), db))
    assert found == [("n1", "facts")] * 2
    assert await api.do(lambda db: {state for (state,) in tuples(Artifact.select(Artifact.state), db)}) == {
        "awaiting_description"
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400), ({}, 400), (wish(room=-1), 400), (wish(room="x"), 400), (wish(room=AT_ONCE + 1), 400),
        (wish(holding="x"), 400), (wish(holding=[URL] * (AT_ONCE + 1)), 400), (wish(holding=[5]), 400),
        (wish(by="x" * 301), 400), (wish(told=[{}] * (AT_ONCE + 1)), 400), (wish(told=[{}]), 200),
        (wish(told=[{"url": URL, "content": "x" * 20_000}]), 200), (wish(told=[None, 5, {"url": []}]), 200),
        (wish(told=[{"url": URL, "reason": {}}]), 200), (wish(newer=1), 200),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_or_passed_over(api: Api, body: Any, status: int) -> None:
    n1, n2 = await joined(api, "n1", describes=False), await joined(api, "n2", describes=True)
    await read(api, n1, 1)
    got, answer = await ask(api, n2, body)
    assert got == status, answer
    if got == 200:
        assert [one["url"] for one in answer["objects"]] == [URL]
    assert await api.do(lambda db: tuples(Contribution.select(Contribution.kind), db)) == [("facts",)]


async def test_a_node_of_which_enough_is_kept_is_lent_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    n1, n2 = await joined(api, "n1", describes=False), await joined(api, "n2", describes=True)
    await read(api, n1, 1)
    await api.do(lambda db: Node.update(artifact_bytes=1 << 31).where(Node.id == "n2").execute(db))
    assert (await ask(api, n2, wish()))[1]["objects"] == []
    assert await api.do(contacts.listing)
