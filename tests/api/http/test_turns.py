"""What one asks for holds up nobody else: searches, big replies, and whatever keeps the database busy."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from typing import Any

import pytest

from hived.api.http.responses import SENDS
from hived.store import Database, Store
from tests import access, collected
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.api.http.test_shares import ASK, dial, open_at
from tests.clock import FakeClock
from tests.waiting import until

SEARCH = "/artifacts?limit=1&q=w+w+w+w"


@asynccontextmanager
async def busy(read: Any) -> AsyncIterator[threading.Event]:
    """Keep one of the store's ways to read busy, as a long query does."""
    begun, end = threading.Event(), threading.Event()

    def work(_: Database) -> None:
        begun.set()
        end.wait(20)

    task = asyncio.create_task(read(work))
    await until(begun.is_set)
    try:
        yield end
    finally:
        end.set()
        await task


async def codes(api: Api, path: str, count: int) -> Counter[int]:
    return Counter(code for code, _ in await asyncio.gather(*(api.ask("GET", path) for _ in range(count))))


async def test_of_one_user_a_search_runs_some_wait_and_more_are_told_to_come_again(api: Api) -> None:
    await api.do(collected.collect, await api.do(collected.add_source, NOW), 1, NOW, title="w")
    async with busy(api.store.search) as end:
        asking = asyncio.create_task(codes(api, SEARCH, 40))
        async with api.browser("viewer") as other:
            searching = asyncio.create_task(other.ask("GET", SEARCH))
            for path in ("/healthz", "/api/v1/session", "/api/v1/rows", f"/api/miners/{MAC}", "/api/v1/fleet"):
                assert (await other.ask("GET", path))[0] == 200, path
            await api.fleet.beat()
            async with api.http.get(SEARCH) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
            end.set()
            assert await asking == {200: 25, 429: 15}
            assert (await searching)[0] == 200
    assert await codes(api, SEARCH, 9) == {200: 9}, "what is done is forgotten"


async def test_every_list_that_may_be_long_is_read_apart(api: Api) -> None:
    async with busy(api.store.search) as end:
        asked = [
            asyncio.create_task(api.ask("GET", path))
            for path in (
                "/artifacts", f"/api/miners/{MAC}/statuses", f"/api/miners/{MAC}/telemetry", "/api/v1/events",
                f"/api/v1/miners/{MAC}/history", "/api/v1/history", "/api/v1/audit",
                "/stats", "/api/v1/pools", "/api/v1/strangers",
            )
        ]  # fmt: skip
        assert (await api.ask("GET", "/api/v1/session"))[0] == 200
        assert not any(one.done() for one in asked)
        end.set()
        assert {code for code, _ in await asyncio.gather(*asked)} == {200}


async def test_who_is_let_in_does_not_wait_for_what_others_read(api: Api) -> None:
    await api.store.write(lambda db: access.session(db, "viewer", NOW))
    async with busy(api.store.read), busy(api.store.search), api.browser("viewer") as other:
        for path in ("/healthz", "/api/v1/session", "/api/v1/rows", "/"):
            async with asyncio.timeout(5):
                async with other.http.get(path) as reply:
                    assert reply.status == 200, path
        code, _ = await other.ask("POST", "/api/v1/session", {"user": "nobody", "password": "a password of nobody"})
        assert code == 401
        assert (await other.ask("DELETE", "/api/v1/session"))[0] == 204


async def test_slow_readers_of_big_replies_hold_their_own_share(big_store: Store, clock: FakeClock) -> None:
    async with farm.serve(big_store, clock) as api:
        with ExitStack() as held:
            for _ in range(8):
                sock = held.enter_context(closing(dial(api, "127.0.0.66", buffer=4096)))
                sock.sendall(ASK % (b"/api/miners", access.HEADER.encode()))
            await until(lambda: sum(one._paused for one in open_at(api)) == 4)
            async with api.http.get("/api/miners", headers={"Accept-Encoding": "identity"}) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
            async with api.browser("viewer") as other:
                assert len((await other.get("/api/v1/rows", **{"Accept-Encoding": "identity"}))["rows"]) == 1000

        async def there_is_room() -> bool:
            return (await api.ask("GET", "/api/miners"))[0] == 200

        await until(there_is_room)


async def test_who_leaves_while_waiting_for_a_turn_is_no_error(
    big_store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with farm.serve(big_store, clock) as api:
        request = ASK % (b"/api/miners", access.HEADER.encode())
        with ExitStack() as held:
            for _ in range(5):
                sock = held.enter_context(closing(dial(api, "127.0.0.66", buffer=4096)))
                sock.sendall(request)
            await until(lambda: sum(one._paused for one in open_at(api)) == 4)
            waiting = next(one for one in open_at(api) if one._current_request and not one._paused)
            assert waiting._wire is not None
            waiting._wire.abort()
            await until(lambda: waiting.transport is None)
        await until(lambda: api.app[SENDS].running == 0 and not any(one._current_request for one in open_at(api)))
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_when_all_places_are_taken_everybody_is_told_so(big_store: Store, clock: FakeClock) -> None:
    async with farm.serve(big_store, clock) as api:
        proofs = [await api.store.write(access.another, f"t{n}") for n in range(4)]
        with ExitStack() as held:
            for n in range(16):
                sock = held.enter_context(closing(dial(api, f"127.0.0.{60 + n}", buffer=4096)))
                sock.sendall(ASK % (b"/api/miners", proofs[n // 4].encode()))
            await until(lambda: sum(one._paused for one in open_at(api)) == 16)
            async with api.http.get("/api/miners", headers={"Accept-Encoding": "identity"}) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
                assert (await reply.json()) == {"error": "16 big replies are under way, try again in a moment"}
            assert (await api.ask("GET", "/api/v1/fleet"))[0] == 200


async def test_a_body_that_many_take_counts_once_and_all_together_have_a_bound(
    big_store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with farm.serve(big_store, clock) as api:
        size = len(api.fleet.page("miners").body)
        monkeypatch.setattr("hived.api.http.responses.MOST_BYTES", size + 10)
        with ExitStack() as held:
            for n in range(3):
                sock = held.enter_context(closing(dial(api, "127.0.0.66", buffer=4096)))
                sock.sendall(ASK % (b"/api/miners", (await api.store.write(access.another, f"t{n}")).encode()))
            await until(lambda: sum(one._paused for one in open_at(api)) == 3)
            async with api.http.get("/api/v1/rows", headers={"Accept-Encoding": "identity"}) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
            assert (await api.ask("GET", "/api/v1/rows", **{"Accept-Encoding": "gzip"}))[0] == 200, "small when packed"
        monkeypatch.setattr("hived.api.http.responses.MOST_BYTES", 1000)
        await until(lambda: not any(one._paused for one in open_at(api)))
        assert await api.get("/api/v1/rows", **{"Accept-Encoding": "identity"}), "one alone always goes"
