"""Whatever answers in the master's place, it is a record or an error of ours, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.master import parse
from hived.clients.master.client import MAX_ANSWER_BYTES, MasterClient
from hived.clients.master.errors import BadBatch, KeyTaken, NotUnpacked, NotWelcome, TooLarge
from hived.errors import HivedError, Throttled, Transient, Unreadable
from hived.records.joining import new_key
from hived.records.node import Order
from hived.records.streams import CONTRIBUTIONS, EVENTS, STREAMS, WIRE, Item, Limits
from hived.records.uplink import Contact, Ingested

CONTACT: dict[str, Any] = {
    "at": "2027-01-15T08:00:00.000000Z", "node_id": "m-1", "name": "site-master",
    "held": {"events": 7, "status": 2**40},
    "orders": [{"id": 3, "daemon": "hive-discoverd", "verb": "scan", "args": {"targets": ["10.0.0.0/24"]}}],
    "limits": {"items": 200, "contribution_items": 50, "body_bytes": 100_000, "encodings": ["gzip", "zstd"]},
}  # fmt: skip


class Master:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Callable[[], web.StreamResponse] = lambda: web.json_response(CONTACT)
        self.asked: list[tuple[web.Request, bytes]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request, await request.read()))
        return self.answer()


@pytest.fixture
async def master() -> AsyncIterator[Master]:
    made = Master()
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{tail:.*}", made.handle)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def client(master: Master) -> AsyncIterator[MasterClient]:
    async with MasterClient(master.url, version="0.1.0", answer_s=5.0) as made:
        yield made


async def test_a_contact_is_a_record(master: Master, client: MasterClient) -> None:
    key = new_key()
    found = await client.contact(key, {"version": "0.1.0"})
    assert found == Contact(
        at=1_800_000_000.0, node_id="m-1", name="site-master",
        held={"contributions": 0, "miners": 0, "status": 2**40, "events": 7, "fleet": 0, "facts": 0},
        orders=[Order(3, "hive-discoverd", "scan", {"targets": ["10.0.0.0/24"]})],
        limits=Limits(200, 50, 100_000, ("zstd", "gzip")),
    )  # fmt: skip
    request, body = master.asked[0]
    assert (request.method, request.path) == ("POST", "/api/v1/nodes/me/contact")
    assert request.headers["Authorization"] == f"Bearer {key.text}"
    assert json.loads(body) == {"version": "0.1.0"}


@pytest.mark.parametrize(
    ("told", "wire"), [(1, 1), (WIRE, WIRE), (10**9, WIRE), (None, 1), ("2", 1), (0, 1), (True, 1), ([], 1)]
)
def test_a_master_is_written_to_in_a_form_that_it_and_we_know(told: Any, wire: int) -> None:
    assert parse.limits({"wire": told}).wire == wire


@pytest.mark.parametrize("unread", [None, 7, ["x"], {}, {"latest.mood\n": 3, "": 1} | {f"x{n}": n for n in range(999)}])
def test_what_a_master_did_not_understand_is_a_bounded_list_of_names(unread: Any) -> None:
    found = parse.ingested(json.dumps({"seq": 1, "rejected": [], "unread": unread}).encode(), EVENTS).unread
    assert len(found) <= parse.MAX_UNREAD
    assert found[:2] == (("latest.mood", "?") if unread and isinstance(unread, dict) else ())


@pytest.mark.parametrize(("encoding", "unpack"), [("zstd", zstd.decompress), ("gzip", gzip.decompress)])
async def test_a_batch_travels_packed(
    master: Master, client: MasterClient, encoding: str, unpack: Callable[[bytes], bytes]
) -> None:
    master.answer = lambda: web.json_response({"stream": "events", "seq": 60, "rejected": [{"seq": 4, "reason": "x"}]})
    items = [Item(n, json.dumps({"seq": n, "kind": "reboot"}), "reboot") for n in range(1, 61)]
    head = {"node_id": "n", "epoch": "e", "stream": EVENTS, "first_seq": 1, "last_seq": 60}
    found = await client.ingest(new_key(), head, {"items": items}, (encoding,))
    assert found == Ingested(60, rejected=[(4, "x")])
    request, body = master.asked[0]
    assert request.headers["Content-Encoding"] == encoding
    assert json.loads(unpack(body)) == {**head, "items": [{"seq": n, "kind": "reboot"} for n in range(1, 61)]}


async def test_a_small_body_is_not_packed(master: Master, client: MasterClient) -> None:
    await client.contact(new_key(), {"version": "0.1.0"}, ("zstd",))
    assert "Content-Encoding" not in master.asked[0][0].headers


async def test_the_verdicts_on_contributions_go_by_their_ids(master: Master, client: MasterClient) -> None:
    results = [{"id": "a" * 64, "outcome": "created"}, {"id": "b" * 64, "outcome": "rejected", "reason": "bad url"}]
    master.answer = lambda: web.json_response({"stream": CONTRIBUTIONS, "seq": 2, "results": results})
    head = {"stream": CONTRIBUTIONS}
    assert await client.ingest(new_key(), head, {"items": []}) == Ingested(2, rejected=[("b" * 64, "bad url")])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotWelcome), (403, NotWelcome), (409, KeyTaken), (413, TooLarge), (415, NotUnpacked), (400, BadBatch),
        (422, BadBatch), (408, Throttled), (429, Throttled), (500, Throttled), (503, Throttled), (302, Unreadable),
        (404, Unreadable), (204, Unreadable),
    ],
)  # fmt: skip
async def test_each_no_is_told_apart(master: Master, client: MasterClient, status: int, kind: type[HivedError]) -> None:
    headers = {"Location": "http://127.0.0.1:1/", "Retry-After": "77"}
    master.answer = lambda: web.Response(status=status, text='{"error": "no\\u001b[31m way"}', headers=headers)
    with pytest.raises(kind) as caught:
        await client.contact(new_key(), {})
    assert type(caught.value) is kind
    assert len(master.asked) == 1, "nothing is followed"
    assert "\x1b" not in str(caught.value)
    if status != 204:
        assert "no [31m way" in str(caught.value)
    if isinstance(caught.value, Throttled):
        assert caught.value.retry_after_s == 77.0


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_refused_before_a_key_was_shown_has_not_lost_one(
    master: Master, client: MasterClient, status: int
) -> None:
    master.answer = lambda: web.json_response({"error": "this is not 'hive.example.com'"}, status=status)
    with pytest.raises(Transient, match=f"answers {status}: this is not 'hive.example.com'"):
        await client.hello()


async def test_a_413_brings_the_limits_along(master: Master, client: MasterClient) -> None:
    master.answer = lambda: web.json_response({"error": "too large", "limits": {"body_bytes": 20_000}}, status=413)
    with pytest.raises(TooLarge) as caught:
        await client.ingest(new_key(), {"stream": EVENTS}, {"items": []})
    assert caught.value.limits is not None
    assert caught.value.limits.body_bytes == 20_000


async def test_an_endless_answer_is_cut(master: Master, client: MasterClient) -> None:
    master.answer = lambda: web.Response(body=b" " * (MAX_ANSWER_BYTES + 1))
    with pytest.raises(Unreadable, match="too long"):
        await client.contact(new_key(), {})


async def test_a_packed_answer_is_not_unpacked(master: Master, client: MasterClient) -> None:
    master.answer = lambda: web.Response(body=gzip.compress(bytes(1 << 20)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(Unreadable, match="packed"):
        await client.contact(new_key(), {})


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-OpenSSH_9.6\r\n"])
async def test_what_is_no_http_is_the_worlds_trouble(answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with MasterClient(f"http://127.0.0.1:{port}", answer_s=2.0) as client:
        with pytest.raises(Transient):
            await client.hello()
    server.close()
    await server.wait_closed()


async def test_nobody_there_is_the_worlds_trouble(free_port: int) -> None:
    async with MasterClient(f"http://127.0.0.1:{free_port}") as client:
        with pytest.raises(Transient, match="cannot be reached"):
            await client.hello()


async def test_a_drip_ends_in_time(free_port: int) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", free_port)
    async with MasterClient(f"http://127.0.0.1:{free_port}", answer_s=0.3) as client:
        with pytest.raises(Transient, match="in time"):
            await client.hello()
    server.close()
    await server.wait_closed()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["at", "node_id", "name", "held", "orders", "limits", "seq", "results", "rejected", "outcome", "status",
         "phrase", "master", "product", "role", "pin", "error", "detail", "id", "daemon", "verb", "args"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(list(CONTACT.values())), max_size=12))
def test_no_document_breaks_a_parser(doc: dict[str, Any]) -> None:
    body = json.dumps(doc).encode()
    for read in (parse.hello, parse.join_answer, parse.contact, *map(_ingested, STREAMS), parse.complaint):
        with contextlib.suppress(Unreadable):
            read(body)
    parse.error_limits(body)


@given(st.binary(max_size=200))
def test_no_bytes_break_a_parser(body: bytes) -> None:
    test_no = (parse.hello, parse.join_answer, parse.contact, _ingested(EVENTS))
    for read in test_no:
        with pytest.raises(Unreadable):
            read(body)
    parse.complaint(body)


def _ingested(stream: str) -> Callable[[bytes], Ingested]:
    return lambda body: parse.ingested(body, stream)


def test_a_master_cannot_ask_for_more_than_we_send_nor_for_nothing() -> None:
    assert parse.limits({"items": 10**9, "body_bytes": 10**12, "contribution_items": 10**6}) == Limits()
    assert parse.limits({"items": 0, "body_bytes": 1, "contribution_items": -5}) == Limits(500, 100, 4096)
    assert parse.limits("nonsense") == Limits()


def test_orders_that_make_no_sense_are_left_out() -> None:
    good = CONTACT["orders"][0]
    changes: list[dict[str, Any]] = [
        {"id": 0}, {"id": True}, {"id": "3"}, {"verb": "rm -rf /"}, {"daemon": None}, {"args": []},
        {"args": {"x": "y" * 20_000}},
    ]  # fmt: skip
    bad = [good | change for change in changes]
    doc = CONTACT | {"orders": [*bad, None, 7, good]}
    assert [order.id for order in parse.contact(json.dumps(doc).encode()).orders] == [3]
