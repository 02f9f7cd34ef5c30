"""From hop to hop: whose turn it is, which hosts a redirect may lead to, and what is noted of each."""

from __future__ import annotations

import asyncio

import pytest

from hived.clients.fetch import Fetcher
from hived.errors import Blocked, NotAllowed, Refused, Throttled
from tests.clients.fetch.outside import Outside, running_site, tls_contexts
from tests.clients.peer import hang, reply


async def test_each_hop_takes_its_turn(outside: Outside, fetcher: Fetcher) -> None:
    outside.redirects("/a", "/b", 301)
    outside.redirects("/b", outside.url("/c"), 308)
    outside.redirects("/c", "d?x=1#y", 302)
    outside.redirects("/d", "/e", 301)
    outside.redirects("/e", "/f", 303)
    outside.says("/f", 200, b"there")
    got = await fetcher.get(outside.url("/a"), kind="api")
    assert (got.url, got.body) == (outside.url("/f"), b"there")
    assert outside.site.calls() == ["GET /a", "GET /b", "GET /c", "GET /d?x=1", "GET /e", "GET /f"]
    assert outside.gate.admitted == [(f"/{name}", "api") for name in "abcdef"]
    assert [path for path, *_ in outside.gate.noted] == [f"/{name}" for name in "abcdef"]
    outside.gate.refuse["/c"] = NotAllowed("robots")
    with pytest.raises(NotAllowed):
        await fetcher.get(outside.url("/a"))


async def test_redirects_end_after_five_and_for_robots_after_ten(outside: Outside, fetcher: Fetcher) -> None:
    outside.redirects("/", "/", 302)
    with pytest.raises(Refused, match="redirects more than"):
        await fetcher.get(outside.url("/"))
    assert len(outside.site.asked) == 6
    last = await fetcher.get(outside.url("/"), kind="robots")
    assert last.status == 302
    assert len(outside.site.asked) == 6 + 11


async def test_a_redirect_does_not_leave_the_hosts_of_the_source(outside: Outside) -> None:
    outside.redirects("/", "http://localhost:1/")
    async with outside.fetcher(allow_hosts=["127.0.0.1", "localhost"]) as fetcher:
        with pytest.raises(Blocked, match="outside the hosts of this source"):
            await fetcher.get(outside.url("/"), stay_on=["127.0.0.1"])


async def test_a_redirect_from_https_to_http_is_refused_and_one_to_https_is_not(outside: Outside) -> None:
    server, client = tls_contexts()
    outside.names.set("a.museum.test", ["127.0.0.1"])
    async with running_site(tls=server) as secure, outside.fetcher(allow_hosts=["127.0.0.1"], tls=client) as fetcher:
        url = f"https://a.museum.test:{secure.port}"
        stay_on = [f"a.museum.test:{secure.port}", "127.0.0.1"]
        secure.answers["GET /down"] = reply(301, b"", Location=outside.url("/"))
        secure.answers["GET /"] = reply(200, b"safe", Content_Type="text/plain")
        outside.redirects("/up", f"{url}/")
        with pytest.raises(Refused, match="from https to http"):
            await fetcher.get(f"{url}/down", stay_on=stay_on)
        assert (await fetcher.get(outside.url("/up"), stay_on=stay_on)).body == b"safe"
        assert "GET /" not in outside.site.calls()


async def test_what_the_gate_refuses_is_not_asked_and_not_noted(outside: Outside, fetcher: Fetcher) -> None:
    outside.gate.refuse["/"] = Throttled("wait", 60.0)
    with pytest.raises(Throttled):
        await fetcher.get(outside.url("/"))
    assert outside.site.asked == []
    assert outside.gate.noted == []


async def test_a_request_that_is_cancelled_is_noted_too(outside: Outside, fetcher: Fetcher) -> None:
    arrived = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await hang(reader, writer)

    outside.acts("/", wait)
    task = asyncio.create_task(fetcher.get(outside.url("/")))
    await asyncio.wait_for(arrived.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert outside.gate.noted == [("/", None, None)]
