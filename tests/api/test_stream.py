"""Server-sent events: what changed arrives, a reader that comes back misses nothing, a slow one harms nobody."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from hived import __version__
from hived.api.stream import STREAM, Pace
from hived.records.events import Event
from hived.store import Store, events
from hived.store.collecting import collector
from hived.store.miners import miners
from hived.store.schema import ApiToken
from tests import access
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.api.http.listener import listen
from tests.clock import FakeClock
from tests.waiting import until


async def test_hello_says_where_the_stream_begins(api: Api) -> None:
    async with listen(api.port) as heard:
        assert heard.head.startswith("HTTP/1.1 200 OK")
        assert "text/event-stream" in heard.head
        hello = await heard.next("hello")
        assert hello.data == {"rev": api.fleet.rev, "version": __version__, "node": "node-1", "reload": False}
        assert (await heard.next("fleet")).data["miners"] == 1
        assert [m.name for m in heard.seen] == ["hello", "fleet"]


async def test_changed_rows_arrive_with_the_rev_as_id(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    async with listen(api.port) as heard:
        await heard.next("fleet")
        await api.do(farm.poll, 1, NOW + 1, hashrate_hs=90e12)
        told = await heard.next("miners")
        assert [(r["id"], r["hashrate_ths"]) for r in told.data["rows"]] == [(MAC, 90.0)]
        assert told.data["gone"] == []
        assert told.id == str(told.data["rev"]) == str(api.fleet.rev)
        assert (await heard.next("fleet")).data["hashrate_ths"] == 90.0


async def test_a_reader_that_comes_back_gets_what_it_missed_and_no_more(api: Api) -> None:
    for n in (2, 3):
        await api.do(farm.find, n, NOW)
    rev = api.fleet.rev
    await api.do(farm.poll, 2, NOW + 1)
    # A browser that comes back names the last id beside the address it began with.
    for query, last in ((f"?since={rev}", ""), ("", str(rev)), ("?since=0", str(rev))):
        async with listen(api.port, query, Last_Event_ID=last) as heard:
            assert (await heard.next("hello")).data["reload"] is False
            told = await heard.next("miners")
            assert [r["id"] for r in told.data["rows"]] == [farm.mac_of(2)]
            await heard.next("fleet")
            assert [m.name for m in heard.seen] == ["hello", "miners", "fleet"]


async def test_who_forgot_nothing_gets_no_rows(api: Api) -> None:
    async with listen(api.port, f"?since={api.fleet.rev}") as heard:
        await heard.next("fleet")
        assert [m.name for m in heard.seen] == ["hello", "fleet"]


async def test_a_reader_from_before_our_start_is_told_to_load_the_rows_again(api: Api) -> None:
    async with listen(api.port, "?since=1") as heard:
        assert (await heard.next("hello")).data["reload"] is True
        assert len((await heard.next("miners")).data["rows"]) == 1


async def test_a_rev_of_another_database_brings_everything(api: Api) -> None:
    async with listen(api.port, f"?since={api.fleet.rev + 1000}") as heard:
        assert (await heard.next("hello")).data["reload"] is True
        assert [r["id"] for r in (await heard.next("miners")).data["rows"]] == [MAC]


async def test_a_forgotten_miner_is_named_to_listeners_and_to_those_who_come_back(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    rev = api.fleet.rev
    async with listen(api.port) as heard:
        await heard.next("fleet")
        await api.do(farm.forget, 2)
        assert (await heard.next("miners")).data["gone"] == [farm.mac_of(2)]
    async with listen(api.port, f"?since={rev}") as heard:
        assert (await heard.next("miners")).data["gone"] == [farm.mac_of(2)]


async def test_events_arrive_as_they_happen(api: Api) -> None:
    async with listen(api.port) as heard:
        await heard.next("fleet")
        await api.do(events.add, [Event("reboot", NOW, {"uptime_s": 3}, num=1), Event("miner_offline", NOW, num=1)])
        told = (await heard.next("happened")).data["events"]
        assert [e["kind"] for e in told] == ["reboot", "miner_offline"]
        assert (told[0]["miner"], told[0]["ip"], told[0]["detail"]) == (MAC, "127.20.0.1", {"uptime_s": 3})
        assert (await api.get("/api/v1/events?limit=2")) == told[::-1]


async def test_a_token_for_miners_alone_hears_of_miners_alone(api: Api) -> None:
    await api.store.write(lambda db: ApiToken.update(scopes='["miners"]').execute(db))
    async with listen(api.port) as heard:
        await heard.next("fleet")
        await api.do(events.add, [Event("reboot", NOW, {"uptime_s": 3}, num=1)])
        await api.do(collector.start, NOW)
        await api.do(farm.poll, 1, NOW + 1, hashrate_hs=90e12)
        await heard.next("miners")
        await heard.next("fleet")
        assert {message.name for message in heard.seen} == {"hello", "fleet", "miners"}


async def test_totals_and_beats_come_also_when_nothing_happens(store: Store, clock: FakeClock) -> None:
    pace = Pace(look_s=0.01, beat_s=0.03, totals_s=0.02)
    async with farm.serve(store, clock, pace=pace) as api, listen(api.port) as heard:
        for _ in range(3):
            await heard.next("")
            await heard.next("fleet")


async def test_totals_come_no_more_often_than_once_in_their_time(store: Store, clock: FakeClock) -> None:
    await store.write(farm.small)
    async with farm.serve(store, clock, pace=Pace(look_s=1000, totals_s=1000)) as api, listen(api.port) as heard:
        await heard.next("fleet")
        for second in (1, 2, 3):
            await api.do(farm.poll, 1, NOW + second, hashrate_hs=second * 1e12)
            await heard.next("miners")
        told = [m.name for m in heard.seen if m.name not in ("alerts", "collecting")]  # they come once, by themselves
        assert told == ["hello", "fleet", "miners", "miners", "miners"]


async def test_totals_change_by_time_alone(store: Store, clock: FakeClock) -> None:
    await store.write(farm.small)
    async with farm.serve(store, clock, pace=Pace(look_s=0.01)) as api, listen(api.port) as heard:
        assert (await heard.next("fleet")).data["silent"] == 0
        clock.advance(50)  # no sign of hive-polld since: nobody knows, though nobody wrote anything
        while (await heard.next("fleet")).data["unseen"]["miners"] != 1:
            pass


async def test_a_bad_position_is_refused(api: Api) -> None:
    for query in ("?since=x", "?since=-1", "?since=", "?since=1&since=2", f"?since={'9' * 20}"):
        code, reply = await api.ask("GET", f"/api/v1/stream{query}")
        assert code == 400, query
        assert "since" in reply["error"]
    assert api.app[STREAM].readers.running == 0


async def test_the_65th_reader_is_refused_until_one_leaves(api: Api) -> None:
    async with AsyncExitStack() as stack:
        proofs = [await api.store.write(access.another, f"wall-{n}") for n in range(3)]
        for n in range(64):
            heard = await stack.enter_async_context(listen(api.port, proof=proofs[n // 24]))
            await heard.next("hello")
        code, reply = await api.ask("GET", "/api/v1/stream")
        assert (code, "64" in reply["error"]) == (503, True)
        assert await api.get("/api/v1/rows")  # everything else goes on
    await until(lambda: api.app[STREAM].readers.running == 0)
    async with listen(api.port) as heard:
        await heard.next("hello")


async def test_of_one_user_so_many_listen_and_others_still_can(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock, pace=Pace(of_one=2)) as api, AsyncExitStack() as stack:
        for _ in range(2):
            await (await stack.enter_async_context(listen(api.port))).next("hello")
        async with api.http.get("/api/v1/stream") as reply:
            assert (reply.status, reply.headers["Retry-After"]) == (429, "10")
        other = await api.store.write(access.another, "other")
        await (await stack.enter_async_context(listen(api.port, proof=other))).next("hello")


async def test_a_slow_reader_gets_rows_as_they_are_when_it_takes_them(
    big_store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.api.miners.live_miners.SHARED_ROWS", 500)
    async with farm.serve(big_store, clock) as api:
        rev, serial = api.fleet.rev, api.fleet.serial
        pieces = [iter(api.fleet.since_rev(0)), iter(api.fleet.since(0))]
        first = [json.loads(next(one)) for one in pieces]
        await api.do(farm.poll, 1000, NOW + 1, hashrate_hs=7e12)
        await api.do(farm.forget, 999)
        rest = [[json.loads(piece) for piece in one] for one in pieces]
        for begun, others in zip(first, rest, strict=True):
            rows = {row["id"]: row["hashrate_ths"] for piece in (begun, *others) for row in piece["rows"]}
            assert (len(rows), rows[farm.mac_of(1000)], farm.mac_of(999) in rows) == (999, 7.0, False)
            assert {piece["rev"] for piece in (begun, *others)} == {rev}, (
                "whoever returns gets what came meanwhile again"
            )
        (news,) = map(json.loads, api.fleet.since(serial))
        assert ([row["id"] for row in news["rows"]], news["gone"]) == ([farm.mac_of(1000)], [farm.mac_of(999)])


async def test_a_reader_that_does_not_read_is_dropped_and_holds_up_nobody(big_store: Store, clock: FakeClock) -> None:
    async with (
        farm.serve(big_store, clock, pace=Pace(slow_s=0.3, look_s=0.05)) as api,
        listen(api.port, "?since=0", buffer=4096) as slow,
        listen(api.port) as heard,
    ):
        await heard.next("fleet")
        assert api.app[STREAM].readers.running == 2
        await api.do(farm.poll, 1, NOW + 1)
        assert [r["id"] for r in (await heard.next("miners")).data["rows"]] == [MAC]
        await until(lambda: api.app[STREAM].readers.running == 1)
        assert not (await slow.end()).endswith(b"0\r\n\r\n")  # cut, not ended: it knows that something is missing


async def test_a_burst_comes_whole_and_only_its_last_piece_has_the_id(big_store: Store, clock: FakeClock) -> None:
    async with farm.serve(big_store, clock) as api, listen(api.port, "?since=0") as heard:
        told = [await heard.next("miners") for _ in range(5)]
        assert [r["id"] for m in told for r in m.data["rows"]] == [farm.mac_of(n) for n in range(1, 1001)]
        assert [m.id for m in told] == [None] * 4 + [str(api.fleet.rev)]


async def test_readers_that_keep_up_share_the_bytes(api: Api) -> None:
    serial = api.fleet.serial
    await api.do(miners.set_managed, MAC, True, NOW)
    assert next(iter(api.fleet.since(serial))) is next(iter(api.fleet.since(serial)))


async def test_a_reader_that_lags_behind_gets_all_changes_since_its_own_position(api: Api) -> None:
    await api.do(farm.find, 2, NOW)
    serial = api.fleet.serial
    await api.do(farm.poll, 1, NOW + 1)
    assert [r["id"] for r in json.loads(next(iter(api.fleet.since(serial))))["rows"]] == [MAC]
    await api.do(farm.poll, 2, NOW + 1)
    assert [r["id"] for r in json.loads(next(iter(api.fleet.since(serial))))["rows"]] == [MAC, farm.mac_of(2)]


async def test_a_reader_that_does_not_read_does_not_hold_up_the_end(big_store: Store, clock: FakeClock) -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        async with farm.serve(big_store, clock) as api:
            slow = await stack.enter_async_context(listen(api.port, "?since=0", buffer=4096))
            await until(lambda: api.app[STREAM].taking)
            began = loop.time()
        assert loop.time() - began < 0.8
        assert not (await slow.end()).endswith(b"0\r\n\r\n")


async def test_the_end_of_the_daemon_ends_the_stream_at_once(store: Store, clock: FakeClock) -> None:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        async with farm.serve(store, clock) as api:
            readers = [await stack.enter_async_context(listen(api.port)) for _ in range(5)]
            for heard in readers:
                await heard.next("collecting")  # the last of what a new reader is told
            began = loop.time()
        assert loop.time() - began < 0.8
        for heard in readers:
            assert await heard.end() == b"0\r\n\r\n"
