"""Notices reach every channel that takes them: sent once, tried for a day, and none lost when everything is killed."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from hived.clients.outgoing.sender import Sender
from hived.errors import Transient
from hived.records.access import By
from hived.records.alerts import GIVE_UP_S, Alert, Channel, Notice
from hived.records.outgoing import Answered
from hived.runtime.named_urls import NamedUrl
from hived.services.alerts import channels
from hived.services.alerts.delivery import LEASE_S, PER_HOUR, NoticeDelivery, message_of
from hived.services.alerts.heartbeat import Heartbeat
from hived.services.alerts.outgoing import Outgoing
from hived.store import Store
from hived.store.alerts import alerts, notices
from tests.clients.outgoing.receivers import web
from tests.clock import FakeClock
from tests.databases import Databases

BUSY = b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make()) as opened:
        yield opened


def notice(number: int, at: float, **changes: Any) -> Notice:
    fields: dict[str, Any] = {"told": "opened", "severity": "bad", "title": f"Trouble {number}", "body": "It is bad."}
    return Notice(0, f"key-{number}", None, "disk", link="http://box/alerts/1", at=at, **fields | changes)


def titles(got: list[bytes]) -> list[str]:
    return [json.loads(request.partition(b"\r\n\r\n")[2])["title"] for request in got]


def to(port: int, *names: str) -> Outgoing:
    return Outgoing(tuple(NamedUrl(name, f"json://127.0.0.1:{port}/{name}") for name in names))


async def test_a_notice_goes_once_to_each_channel_that_takes_it(store: Store, clock: FakeClock) -> None:
    by = By(at=clock(), who="eva", via="session", address=None)
    async with web() as hook:
        outgoing = to(hook.port, "all", "grave", "off")
        await store.write(channels.change, outgoing.channels, "grave", by, "bad")
        await store.write(channels.change, outgoing.channels, "off", by, None, False)
        await store.write(notices.add, notice(1, clock(), severity="warn"))
        await store.write(notices.add, notice(2, clock()))
        delivery = NoticeDelivery(store, outgoing, clock=clock)
        for _ in range(3):
            await delivery.tick()
            clock.advance(LEASE_S + 1)
    went = Counter(request.split()[1].decode() for request in hook.got)
    assert went == {"/all": 2, "/grave": 1}
    assert titles(hook.got).count("Trouble 2") == 2
    told = await store.read(notices.deliveries)
    assert {(one.channel, one.notice.title): one.said for one in told} == {
        ("all", "Trouble 1"): "200: fine!", ("all", "Trouble 2"): "200: fine!", ("grave", "Trouble 2"): "200: fine!",
    }  # fmt: skip
    assert delivery.summary() == ""


async def test_the_journal_says_once_that_nobody_is_told(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = NoticeDelivery(store, Outgoing(), clock=clock)
    await delivery.tick()
    assert caplog.messages == []
    for number in (1, 2):
        await store.write(notices.add, notice(number, clock()))
        await delivery.tick()
    (said,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert said.getMessage() == "nobody is told what is wrong: there is no channel (hivectl alerts add-channel)"


class Refusing(Sender):
    """What a process would answer, without one for each of thirty tries."""

    def __init__(self, status: int | None = 503) -> None:
        super().__init__()
        self.status, self.asked = status, 0

    async def notify(self, *_: Any, **__: Any) -> Answered:
        self.asked += 1
        return Answered(False, self.status, "busy")


@pytest.mark.parametrize(("status", "asked"), [(None, 1), (503, 3)])
async def test_when_nobody_answers_the_others_for_this_channel_wait_with_it(
    store: Store, clock: FakeClock, status: int | None, asked: int
) -> None:
    sender = Refusing(status)
    for number in range(3):
        await store.write(notices.add, notice(number, clock()))
    await NoticeDelivery(store, replace(to(1, "ops"), sender=sender), clock=clock).tick()
    assert sender.asked == asked
    waiting = await store.read(notices.undelivered)
    assert [one.next_try is not None and one.next_try > clock() for one in waiting] == [True] * 3


async def test_what_is_not_taken_is_tried_ever_more_rarely_for_a_day_then_given_up_and_shown(
    store: Store, clock: FakeClock
) -> None:
    sender, began, tried = Refusing(), clock(), list[float]()
    delivery = NoticeDelivery(store, replace(to(1, "ops"), sender=sender), clock=clock)
    await store.write(notices.add, notice(1, began))
    while clock() < began + GIVE_UP_S + 7200:
        await delivery.tick()
        if sender.asked > len(tried):
            tried.append(clock() - began)
            assert delivery.summary() == "ops cannot be reached"
        (waiting,) = await store.read(notices.undelivered)
        assert waiting.said == "503: busy"
        clock.now = waiting.next_try or clock.now + 3600.0
    pauses = [after - before for before, after in pairwise(tried)]
    assert 27 <= pauses[0] <= 33
    assert all(1.6 < after / before < 2.5 for before, after in pairwise(pauses[:7]))
    assert all(3200 < wait < 4000 for wait in pauses[8:])
    assert 25 < len(tried) < 40
    assert tried[-1] <= GIVE_UP_S
    assert (waiting.given_up, waiting.next_try) == (True, None)


async def test_a_channel_that_is_reached_again_gets_all_that_waited_in_order(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        delivery = NoticeDelivery(store, to(hook.port, "ops"), clock=clock)
        delivery.outgoing = to(1, "ops")  # nobody listens there
        for number in range(3):
            await store.write(notices.add, notice(number, clock()))
        await delivery.tick()
        waiting = await store.read(notices.undelivered)
        assert {one.said for one in waiting} == {"Connection refused"}
        assert len(waiting) == 3
        delivery.outgoing = to(hook.port, "ops")
        clock.advance(60)
        await delivery.tick()
    assert titles(hook.got) == [f"Trouble {number}" for number in range(3)]
    assert delivery.summary() == ""


async def test_a_channel_gets_so_many_an_hour_and_the_rest_later(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        delivery = NoticeDelivery(store, to(hook.port, "ops"), clock=clock)
        delivery._sent["ops"] = deque([clock()] * (PER_HOUR - 1), maxlen=PER_HOUR)
        for number in range(3):
            await store.write(notices.add, notice(number, clock()))
        await delivery.tick()
        assert titles(hook.got) == ["Trouble 0"]
        waiting = await store.read(notices.undelivered)
        assert {one.said for one in waiting} == {f"it had {PER_HOUR} messages within an hour"}
        clock.advance(3601)
        await delivery.tick()
    assert titles(hook.got) == [f"Trouble {number}" for number in range(3)]


async def test_a_clock_that_was_set_back_holds_nothing_up(store: Store, clock: FakeClock) -> None:
    sender = Refusing()
    delivery = NoticeDelivery(store, replace(to(1, "ops"), sender=sender), clock=clock)
    await store.write(notices.add, notice(1, clock()))
    await delivery.tick()
    clock.advance(-90_000)
    await delivery.tick()
    assert sender.asked == 2


async def test_a_channel_that_is_gone_gets_nothing(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        await store.write(notices.add, notice(1, clock()))
        await store.write(notices.spread, [Channel("gone")], clock())
        await NoticeDelivery(store, to(hook.port, "ops"), clock=clock).tick()
    assert hook.got == []
    (one,) = await store.read(notices.undelivered)
    assert (one.given_up, one.said) == (True, "the channel was taken away or switched off")


async def test_a_message_is_bounded_and_says_where_to_look(store: Store, clock: FakeClock) -> None:
    await store.write(notices.add, notice(1, clock(), title="t" * 900, body="b" * 90_000, told="ended"))
    await store.write(notices.spread, [Channel("ops")], clock())
    (one,) = await store.write(notices.claim, clock(), lease_s=1.0)
    message = message_of(one)
    assert (len(message.title), message.tone) == (200, "good")
    assert message.body == f"{'b' * 3999}…\nhttp://box/alerts/1"
    assert message_of(replace(one, notice=replace(one.notice, link=None, body="short"))).body == "short"


async def test_the_heartbeat_beats_while_all_is_well(store: Store, clock: FakeClock) -> None:
    async with web() as service:
        heart = Heartbeat(store, Outgoing(), f"http://127.0.0.1:{service.port}/ping/geheim")
        await heart.tick()
        assert service.got == [
            f"GET /ping/geheim HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nAccept-Encoding: identity\r\n".encode()
            + b"Content-Length: 0\r\nUser-Agent: hived\r\nConnection: close\r\n\r\n"
        ]
        bad = Alert(0, "disk", "box.disk", "", "bad", clock(), clock())
        number = await store.write(alerts.add, bad)
        await heart.tick()
        assert len(service.got) == 1, "something bad is open"
        await store.write(alerts.acknowledge, number, by="eva", at=clock())
        await heart.tick()
        assert len(service.got) == 2, "somebody has it in hand"
        heart.watches = lambda: False
        await heart.tick()
        assert len(service.got) == 2, "nobody looks whether all is well"
        heart.watches = lambda: True
        service.answer = BUSY
        with pytest.raises(Transient, match=r"^alerts.heartbeat is not answered well: 503: busy$"):
            await heart.tick()
    assert "geheim" not in repr(heart)


PROGRAM = """
import asyncio, sys, time
from hived.records.outgoing import Answered
from hived.runtime.named_urls import NamedUrl
from hived.services.alerts.delivery import NoticeDelivery
from hived.services.alerts.outgoing import Outgoing
from hived.store import Store

async def main(url, port, later):
    async with Store.open(url) as store:
        channels = (NamedUrl("ops", f"json://127.0.0.1:{port}/"),)
        await NoticeDelivery(store, Outgoing(channels), clock=lambda: time.time() + float(later)).tick()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.sqlite_only("what is killed is a process of its own")
async def test_nothing_is_lost_when_the_daemon_is_killed_in_the_middle(store: Store, databases: Databases) -> None:
    for number in range(5):
        await store.write(notices.add, notice(number, time.time()))
    kills = 0
    async with web() as hook:
        running: list[asyncio.subprocess.Process] = []
        serve = hook.serve

        async def kill_at(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal kills
            await serve(reader, writer)
            if len(hook.got) in (2, 4) and kills < 2:
                kills += 1
                running[-1].kill()

        server = await asyncio.start_server(kill_at, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            for turn in range(4):
                child = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", PROGRAM, f"sqlite:///{store.path}", str(port), str(turn * (LEASE_S + 5)),
                )  # fmt: skip
                running.append(child)
                await child.wait()
    assert kills == 2
    assert [child.returncode for child in running] == [-9, -9, 0, 0]
    came = Counter(titles(hook.got))
    assert set(came) == {f"Trouble {number}" for number in range(5)}
    assert sum(came.values()) <= 5 + kills, "at most the one that was under way came twice"
    assert [one.said for one in await store.read(notices.deliveries)] == ["200: fine!"] * 5
