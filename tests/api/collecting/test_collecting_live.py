"""Around the calls for the auto-miner: errors, the stream, the document of the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hived.api.collecting import collecting
from hived.api.http import latest, origin_guard
from hived.api.stream import Pace
from hived.store import Database, Store
from hived.store.collecting import collector
from tests import collected
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.api.http.listener import listen
from tests.clock import FakeClock

NOBODY = "hive-minerd is not running"


@pytest.fixture
async def api(store: Store, clock: FakeClock) -> AsyncIterator[Api]:
    """An empty node on which hive-minerd runs."""
    async with farm.serve(store, clock) as running:
        await running.do(collected.minerd, NOW)
        yield running


async def test_errors_speak_twice_on_the_inherited_paths_only(api: Api) -> None:
    for method, path, code in (
        ("PUT", "/sources", 405), ("POST", "/stats", 405), ("GET", "/artifacts/1/2", 404), ("GET", "/scrape/x", 404),
        ("GET", "/scrape/start", 405),
    ):  # fmt: skip
        got, reply = await api.ask(method, path)
        assert (got, reply["detail"]) == (code, reply["error"]), path
    async with api.browser() as browser:
        got, reply = await browser.ask("POST", "/scrape/stop", Origin="http://evil.example")
    assert (got, reply["detail"]) == (403, reply["error"])
    assert list((await api.ask("GET", "/statusx"))[1]) == ["error"]
    assert list((await api.ask("GET", "/api/v1/nothing"))[1]) == ["error"]


async def test_the_stream_tells_what_the_auto_miner_does_as_it_changes(
    store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.02)
    async with farm.serve(store, clock, pace=Pace(look_s=0.05)) as api, listen(api.port) as heard:
        first = (await heard.next("collecting")).data
        assert first == {
            "status": "Idle", "current_source": None, "auto_miner": False, "source_id": None, "model": None,
            "daemon": NOBODY, "artifact_count": 0, "described_count": 0, "awaiting_count": 0,
        }  # fmt: skip
        await api.do(collected.minerd, NOW)
        assert (await heard.next("collecting")).data == {**first, "daemon": None}
        await api.do(_running_with_one_artifact)
        assert (await heard.next("collecting")).data == {
            **first, "daemon": None, "auto_miner": True, "status": "Running", "current_source": "The Met",
            "model": "no Ollama", "artifact_count": 1, "awaiting_count": 1,
        }  # fmt: skip
        api.clock.advance(31)  # nothing is written any more: the daemon was killed
        told = (await heard.next("collecting")).data
        assert (told["status"], told["daemon"], told["auto_miner"]) == ("Idle", NOBODY, True)


def _running_with_one_artifact(db: Database) -> None:
    collector.start(db, NOW)
    collected.tell(db, NOW, "Running", "The Met", "no Ollama")
    collected.collect(db, collected.add_source(db, NOW), 1, NOW)


async def test_only_the_page_that_was_asked_for_pictures_may_show_those_of_others(api: Api) -> None:
    await api.do(collected.add_source, NOW)
    for url in (
        "http://127.21.0.1:8181/public/collection/v1", "http://127.21.0.1:8181/a", "http://192.168.1.5/",
        "http://localhost:81/", "https://127.0.0.1/",
    ):  # fmt: skip
        await api.do(collected.add_source, NOW, "x", url, "web")
    strict = origin_guard.HEADERS["Content-Security-Policy"]
    tags = set()
    for path in ("/", "/collecting", "/collecting?pictures=0", "/site?pictures=1", "/sources?pictures=1"):
        async with api.http.get(path) as reply:
            assert reply.headers.getall("Content-Security-Policy") == [strict], path
            tags.add(reply.headers.get("ETag"))
    assert "img-src 'self' data:;" in strict
    async with api.http.get("/collecting?pictures=1&q=vase") as reply:
        (policy,) = reply.headers.getall("Content-Security-Policy")
        assert (reply.status, reply.content_type) == (200, "text/html")
        assert policy == strict.replace("data:;", "data: https: http://127.21.0.1:8181;")
        assert reply.headers["ETag"] not in tags


async def test_a_hundred_readers_cost_one_look_a_second(store: Store, clock: FakeClock) -> None:
    view = collecting.CollectingView(store, clock)
    looks: list[int] = []
    changed = store.changed

    async def counted() -> int:
        looks.append(1)
        return await changed()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "changed", counted)
        told = await asyncio.gather(*(view.now() for _ in range(100)))
    assert len(looks) == 1
    assert all(one == told[0] is not None for one in told)
