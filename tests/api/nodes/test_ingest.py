"""What nodes send over HTTP: who may, how much, in what form, and what the answer says."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from backports import zstd

from hived.records.ingest import MAX_BODY_BYTES
from hived.records.joining import NodeKey, new_key
from hived.store.access import node_keys
from hived.store.engine.database import dicts, tuples
from hived.store.nodes import nodes
from hived.store.schema import Artifact, Contribution
from hived.store.schema import NodeKey as Key
from tests import nodes as fleet
from tests.api import farm
from tests.waiting import until


class Node:
    """A node at work on the API."""

    def __init__(self, api: farm.Api, node_id: str, key: NodeKey) -> None:
        self.api, self.node_id, self.key = api, node_id, key

    async def send(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        return await self.api.ask("POST", path, body, **fleet.bearer(self.key), **headers)

    async def batch(self, stream: str, first: int, last: int, items: list[Any], **more: Any) -> Any:
        told = fleet.batch(self.node_id, stream, first, last, items, **more)
        status, answer = await self.send("/api/v1/ingest", told)
        assert status == 200, answer
        return answer


@pytest.fixture
async def node(api: farm.Api) -> Node:
    """A node that was let in."""
    key = await api.store.write(fleet.let_in, "n1", api.clock())
    await api.store.write(fleet.touch, "n1", api.clock())
    return Node(api, "n1", key)


@pytest.fixture
async def collector(api: farm.Api) -> Node:
    """An external collector, with the key of `hivectl nodes add`."""
    key = await api.store.write(nodes.add, "histo", "Histo", by="tests", now=api.clock())
    return Node(api, "histo", key)


DOCUMENT = {
    "title": "Blue\u202e Marble Vase", "summary": "A vase from Crete.", "imageUrl": "https://img.example/1.jpg",
    "metadata": {"period": "Minoan", "tags": ["vase"]},
}  # fmt: skip
LEGACY = {"url": "https://Example.org:443/vases/1?utm_source=x", "content": json.dumps(DOCUMENT), "node_id": "histo"}


async def test_a_collector_that_never_saw_our_code_gives_one_artifact_and_one_bubble(collector: Node) -> None:
    for _ in range(2):
        assert await collector.send("/master/ingest", LEGACY) == (200, {"status": "ok"})
    (found,) = await collector.api.get("/artifacts")
    assert (found["title"], found["url"]) == ("Blue Marble Vase", "https://example.org/vases/1")
    assert found["image_url"] == "https://img.example/1.jpg"
    assert found["description"] == "A vase from Crete."
    assert found["facts"]["period"] == "Minoan"
    assert (found["licence"], found["license_uri"], found["state"]) == (None, None, "described")
    (bubble,) = found["bubbles"]
    assert (bubble["node_id"], bubble["content"]["summary"]) == ("histo", "A vase from Crete.")
    assert len(await collector.api.get("/artifacts?q=crete")) == 1


async def test_a_collector_may_send_a_bare_text_and_change_its_mind(collector: Node) -> None:
    for words in ("A red bowl.", "A blue bowl."):
        assert (await collector.send("/master/ingest", {**LEGACY, "content": words}))[0] == 200
    (found,) = await collector.api.get("/artifacts")
    assert [bubble["content"] for bubble in found["bubbles"]] == ["A blue bowl."]
    assert found["title"] == LEGACY["url"]


@pytest.mark.parametrize("gone", ["url", "content", "node_id"])
@pytest.mark.parametrize("value", [None, "", "  ", 7])
async def test_a_collectors_request_without_all_fields_is_400(collector: Node, gone: str, value: Any) -> None:
    status, answer = await collector.send("/master/ingest", {**LEGACY, gone: value})
    if (gone, value) == ("node_id", "  "):
        assert status == 403
    else:
        assert (status, answer["detail"]) == (400, "Missing fields")


@pytest.mark.parametrize("body", [b"", b"  ", b"{", b"[]", b'"url"', b"\xff", b'{"url": NaN}', b"5", b"null"])
async def test_a_collectors_request_that_is_no_document_is_400_in_the_same_words(collector: Node, body: bytes) -> None:
    status, answer = await collector.send("/master/ingest", body)
    assert (status, answer["detail"]) == (400, "Missing fields")


async def test_only_the_node_of_the_key_can_be_named(node: Node, collector: Node) -> None:
    assert (await collector.send("/master/ingest", {**LEGACY, "node_id": "n1"}))[0] == 403
    told = fleet.batch("histo", "contributions", 1, 1, [fleet.said(1, 1)])
    assert (await node.send("/api/v1/ingest", told))[0] == 403
    assert await node.api.get("/artifacts") == []


@pytest.mark.parametrize("end", [nodes.revoke, nodes.remove])
async def test_what_is_on_its_way_when_a_node_is_shut_out_is_not_taken(node: Node, end: Any) -> None:
    api = node.api
    told = json.dumps(fleet.batch("n1", "miners", 1, 1, [fleet.miner(1, 1)])).encode()
    before = len(await api.get("/api/miners"))

    async def body() -> AsyncIterator[bytes]:
        yield told[:20]
        await until(used)
        how = {"by": "tests", "now": api.clock()} if end is nodes.revoke else {}
        await api.store.write(end, "n1", **how)
        yield told[20:]

    async def used() -> bool:
        """The key was looked at: its request is let in."""
        return bool(await api.store.read(lambda db: tuples(Key.select(Key.id).where(Key.used_at.is_null(False)), db)))

    headers = {**fleet.bearer(node.key), "Content-Type": "application/json"}
    async with api.http.post("/api/v1/ingest", data=body(), headers=headers) as reply:
        assert reply.status == 403
    await api.fleet.beat()
    assert len(await api.get("/api/miners")) == before


async def test_a_collectors_key_sends_contributions_only(collector: Node) -> None:
    answer = await collector.batch("contributions", 1, 1, [fleet.said(1, 1)])
    assert answer["results"][0]["outcome"] == "created"
    told = fleet.batch("histo", "miners", 1, 1, [fleet.miner(1, 1)])
    assert (await collector.send("/api/v1/ingest", told))[0] == 403
    assert (await collector.send("/api/v1/nodes/me/contact", {}))[0] == 403


@pytest.mark.parametrize("path", ["/master/ingest", "/api/v1/ingest", "/api/v1/nodes/me/contact"])
async def test_without_a_valid_key_nothing_is_taken(api: farm.Api, path: str) -> None:
    for text in ("", "Bearer", f"Bearer {new_key().text}", "Basic eDp5"):
        status, answer = await api.ask("POST", path, LEGACY, Authorization=text)
        assert status == 401, text
        assert "error" in answer
    assert (await api.ask("POST", path, LEGACY))[0] == 403  # an admin is no node


async def test_a_revoked_node_is_shut_out_with_the_next_request(node: Node) -> None:
    await node.batch("contributions", 1, 1, [fleet.said(1, 1)])
    await node.api.store.write(nodes.revoke, "n1", by="tests", now=node.api.clock())
    told = fleet.batch("n1", "contributions", 2, 2, [fleet.said(2, 2)])
    assert (await node.send("/api/v1/ingest", told))[0] == 401
    assert await node.api.store.read(node_keys.find, node.key) is None


async def test_the_answer_names_each_item_in_order(node: Node) -> None:
    items = [fleet.said(1, 1), fleet.said(2, 2, kind="poem"), fleet.said(3, 3, url="ftp://x/"), fleet.said(4, 4)]
    answer = await node.batch("contributions", 1, 4, items)
    assert (answer["stream"], answer["seq"]) == ("contributions", 4)
    assert [(one["id"], one["outcome"], one.get("reason")) for one in answer["results"]] == [
        (f"{1:064x}", "created", None), (f"{2:064x}", "rejected", "kind"), (f"{3:064x}", "rejected", "url"),
        (f"{4:064x}", "created", None),
    ]  # fmt: skip
    again = await node.batch("contributions", 1, 4, items)
    assert [one["outcome"] for one in again["results"]] == ["duplicate", "rejected", "rejected", "duplicate"]
    assert [one.get("artifact_id") for one in again["results"]] == [one.get("artifact_id") for one in answer["results"]]


async def test_a_batch_after_a_gap_is_told_where_to_go_on(node: Node) -> None:
    await node.batch("contributions", 1, 3, [fleet.said(2, 1)])
    answer = await node.batch("contributions", 5, 6, [fleet.said(5, 2)])
    assert answer == {"stream": "contributions", "seq": 3, "outcome": "gap"}
    assert len(await node.api.get("/artifacts")) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"stream": "secrets"}, 422), ({"stream": 7}, 422), ({"epoch": ""}, 422), ({"epoch": "x" * 65}, 422),
        ({"epoch": "a b"}, 422), ({"first_seq": -1}, 422), ({"last_seq": 2**53}, 422), ({"last_seq": 1.5}, 422),
        ({"first_seq": 9}, 422), ({"items": {}}, 422), ({"items": [1] * 101}, 422), ({"node_id": None}, 403),
        ({"first_seq": True}, 422),
    ],
)  # fmt: skip
async def test_a_broken_envelope_is_refused_as_a_whole(node: Node, change: dict[str, Any], status: int) -> None:
    told = fleet.batch("n1", "contributions", 1, 1, [fleet.said(1, 1)]) | change
    found, answer = await node.send("/api/v1/ingest", told)
    assert found == status, answer
    assert await node.api.store.read(_count) == (0, 0)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a":NaN}', b"\xff\xfe", b"[" * 100_000, b'{"a":1,"a":2}', b"null"]
)
async def test_what_is_no_json_object_is_400(node: Node, body: bytes) -> None:
    assert (await node.send("/api/v1/ingest", body))[0] in (400, 403)
    assert (await node.send("/master/ingest", body))[0] == 400


PACKED: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("encoding", PACKED)
async def test_packed_batches_are_understood(node: Node, encoding: str) -> None:
    told = json.dumps(fleet.batch("n1", "contributions", 1, 1, [fleet.said(1, 1)])).encode()
    status, answer = await node.send("/api/v1/ingest", PACKED[encoding](told), **{"Content-Encoding": encoding})
    assert (status, answer["results"][0]["outcome"]) == (200, "created")


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_small_body_that_unpacks_to_much_is_413_and_says_the_limits(node: Node, encoding: str) -> None:
    for bomb in (
        PACKED[encoding](b" " * (200 * MAX_BODY_BYTES)),
        PACKED[encoding](b" " * MAX_BODY_BYTES) * 50,  # many members, each within the limit
    ):
        status, answer = await node.send("/api/v1/ingest", bomb, **{"Content-Encoding": encoding})
        assert status == 413
        assert answer["limits"] == await node.api.get("/api/v1/limits")


async def test_a_body_of_the_largest_size_is_taken_and_one_byte_more_is_not(node: Node) -> None:
    told = json.dumps(fleet.batch("n1", "contributions", 1, 1, [fleet.said(1, 1)])).encode()
    for size, expected in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)):
        headers = {**fleet.bearer(node.key), "Content-Type": "application/json"}
        body = io.BytesIO(told.ljust(size))
        async with node.api.http.post("/api/v1/ingest", data=body, headers=headers) as reply:
            assert reply.status == expected


@pytest.mark.parametrize("encoding", ["deflate", "compress", "gzip, gzip", "x"])
async def test_an_unknown_encoding_is_415(node: Node, encoding: str) -> None:
    status, _ = await node.send("/api/v1/ingest", zlib.compress(b"{}"), **{"Content-Encoding": encoding})
    assert status == 415


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_packed_body_that_is_broken_is_400(node: Node, encoding: str) -> None:
    for body in (b"{}", PACKED[encoding](b"{}" * 100)[:-9], b""):
        assert (await node.send("/api/v1/ingest", body, **{"Content-Encoding": encoding}))[0] in (400, 403), body


def _count(db: Any) -> tuple[int, int]:
    return len(dicts(Artifact.select(), db)), len(dicts(Contribution.select(), db))
