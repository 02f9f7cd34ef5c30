"""Webhooks get every event that they want, signed, in order, also over failures, kills and days of silence."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By
from hived.records.events import Event
from hived.records.hosts import OwnHosts
from hived.records.webhooks import GIVE_UP_S, signed
from hived.services.alerts.outgoing import Outgoing
from hived.services.integrations import webhooks
from hived.services.integrations.webhook_delivery import BATCH, WebhookDelivery, body_of
from hived.store import Database, Store, audit, events
from hived.store.engine.database import tuples
from hived.store.engine.epoch import epoch
from hived.store.integrations import webhooks as rows
from hived.store.schema import Webhook
from tests.clients.outgoing.receivers import OK, Web, web
from tests.clock import FakeClock
from tests.databases import Databases

LOCAL = Outgoing(allowed=OwnHosts.of(["127.0.0.1"]))
BUSY = b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make()) as opened:
        yield opened


def by(clock: FakeClock) -> By:
    return By(at=clock(), who="eva", via="session", address=None)


def happen(db: Database, at: float, *names: str) -> None:
    events.add(db, [Event("node_lost", at, {"name": name}) for name in names])


def parts(request: bytes) -> tuple[dict[str, str], str]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return {name: value for name, value in lines}, body.decode()  # noqa: C416


def told(hook: Web) -> list[str]:
    return [json.loads(parts(request)[1])["data"]["detail"]["name"] for request in hook.got]


async def to(store: Store, clock: FakeClock, hook: Web, *kinds: str) -> WebhookDelivery:
    url = f"http://127.0.0.1:{hook.port}/in/geheim"
    await store.write(webhooks.add, "erp", url, by(clock), kinds, SECRET)
    return WebhookDelivery(store, LOCAL, clock=clock)


def test_the_signature_is_that_of_the_specification() -> None:
    headers = signed(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_an_event_comes_signed_with_a_number_of_its_own(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        await store.write(happen, clock() - 9, "before")
        delivery = await to(store, clock, hook)
        await store.write(happen, clock(), "Größe 1", "2")
        await delivery.tick()
        await delivery.tick()
    assert told(hook) == ["Größe 1", "2"], "what was before is none of its business"
    headers, body = parts(hook.got[0])
    number = f"{await store.read(epoch)}-2"
    assert json.loads(body) == {
        "type": "node_lost", "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "id": 2, "at": "2027-01-15T08:00:00.000Z", "kind": "node_lost", "title": "Node silent", "who": "this node",
            "sentence": "node Größe 1 has gone silent", "tone": "bad", "miner": None, "ip": None, "hostname": None,
            "detail": {"name": "Größe 1"}, "node_id": None, "node_name": None,
        },
    }  # fmt: skip
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    proof = base64.b64encode(hmac.new(key, f"{number}.1800000000.{body}".encode(), hashlib.sha256).digest()).decode()
    assert headers == {
        "Host": f"127.0.0.1:{hook.port}", "Accept-Encoding": "identity", "Content-Length": str(len(body.encode())),
        "Content-Type": "application/json", "User-Agent": "hived", "webhook-id": number,
        "webhook-timestamp": "1800000000", "webhook-signature": f"v1,{proof}", "Connection": "close",
    }  # fmt: skip
    (shown,) = await store.read(webhooks.listing)
    assert (shown.after, shown.failures, shown.said, shown.secret) == (3, 0, "200: fine!", None)
    assert delivery.summary() == ""


async def test_it_gets_the_kinds_that_it_wants_and_its_cursor_moves_over_the_others(
    store: Store, clock: FakeClock
) -> None:
    async with web() as hook:
        delivery = await to(store, clock, hook, "node_back", "order_given")
        await store.write(happen, clock(), "a", "b")
        await delivery.tick()
        assert hook.got == []
        assert (await store.read(rows.one, "erp")).after == 2
        await store.write(events.add, [Event("node_back", clock(), {"name": "c"}), Event("reboot", clock())])
        await delivery.tick()
    assert told(hook) == ["c"]
    assert (await store.read(rows.one, "erp")).after == 4


async def test_one_that_refuses_is_tried_again_later_in_order_with_the_same_numbers(
    store: Store, clock: FakeClock
) -> None:
    async with web(BUSY) as hook:
        delivery = await to(store, clock, hook)
        await store.write(happen, clock(), "1", "2", "3")
        pauses = []
        for _ in range(3):
            await delivery.tick()
            await delivery.tick()  # not due yet
            waiting = await store.read(rows.one, "erp")
            pauses.append((waiting.next_try or 0.0) - clock())
            clock.now = waiting.next_try or 0.0
        assert told(hook) == ["1", "1", "1"]
        assert (waiting.failures, waiting.said, waiting.after) == (3, "503: busy", 0)
        assert [round(wait / 15) for wait in pauses] == [1, 2, 4]
        assert delivery.summary() == "webhook erp cannot be reached"
        clock.advance(-90_000)  # set back, nothing waits for a day
        hook.answer = OK
        await delivery.tick()
    assert told(hook) == ["1", "1", "1", "1", "2", "3"]
    numbers = [parts(request)[0]["webhook-id"].rpartition("-")[2] for request in hook.got]
    assert numbers == ["1", "1", "1", "1", "2", "3"]
    stamps = {parts(request)[0]["webhook-timestamp"] for request in hook.got}
    assert len(stamps) == 4, "each try has its own time"
    assert delivery.summary() == ""


async def test_what_it_refuses_for_a_day_is_passed_over_and_counted(store: Store, clock: FakeClock) -> None:
    async with web(BUSY) as hook:
        delivery = await to(store, clock, hook)
        await store.write(happen, clock(), "old 1", "old 2")
        await delivery.tick()
        clock.advance(GIVE_UP_S + 1)
        await store.write(happen, clock(), "new")
        hook.answer = OK
        await delivery.tick()
    assert told(hook) == ["old 1", "new"]
    assert (await store.read(rows.one, "erp")).passed_over == 2


async def test_what_happened_while_nobody_was_there_is_told_however_old_it_is(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        delivery = await to(store, clock, hook)
        await store.write(happen, clock(), "1")
        clock.advance(10 * GIVE_UP_S)
        await delivery.tick()
    assert told(hook) == ["1"]


async def test_many_go_in_batches_and_one_that_hangs_holds_up_no_other(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        delivery = await to(store, clock, hook)
        await store.write(webhooks.add, "gone", "http://127.0.0.1:1/", by(clock))
        await store.write(happen, clock(), *map(str, range(BATCH + 10)))
        await delivery.tick()
        assert len(hook.got) == BATCH
        await delivery.tick()
    assert told(hook) == list(map(str, range(BATCH + 10)))
    assert (await store.read(rows.one, "gone")).said == "Connection refused"


async def test_no_webhook_reaches_a_miner_or_this_box(store: Store, clock: FakeClock) -> None:
    async with web() as miner:
        delivery = await to(store, clock, miner)
        delivery.outgoing = Outgoing(subnets=(IPv4Network("127.0.0.0/8"),))
        await store.write(happen, clock(), "1")
        await delivery.tick()
        answered = await webhooks.test(store, delivery.outgoing, "erp", by(clock))
    assert miner.got == []
    assert not answered.ok
    assert (await store.read(rows.one, "erp")).said == "127.0.0.1, loopback: alerts.allow_hosts does not have it"


async def test_it_is_sealed_shown_masked_audited_tried_changed_and_removed(store: Store, clock: FakeClock) -> None:
    async with web() as hook:
        added = await store.write(
            webhooks.add, "erp", f"http://127.0.0.1:{hook.port}/geheim", by(clock), ["node_lost", "node_lost"]
        )
        assert added.secret is not None
        assert added.secret.startswith("whsec_")
        assert added.kinds == ("node_lost",)
        answered = await webhooks.test(store, LOCAL, "erp", by(clock))
    assert answered.words == "200: fine!"
    headers, body = parts(hook.got[0])
    assert json.loads(body) == {"type": "test", "timestamp": "2027-01-15T08:00:00.000Z", "data": {"by": "eva"}}
    again = signed(added.secret, headers["webhook-id"], clock(), body)
    assert headers["webhook-signature"] == again["webhook-signature"]
    (stored,) = await store.read(lambda db: tuples(Webhook.select(Webhook.url, Webhook.secret), db))
    assert all(value.startswith("sealed:1:") for value in stored)
    (shown,) = await store.read(webhooks.listing)
    assert (shown.url, shown.secret) == (f"http://127.0.0.1:{hook.port}/***", None)
    assert "geheim" not in repr(await store.read(rows.listing))
    await store.write(happen, clock(), "1")
    off = await store.write(webhooks.change, "erp", by(clock), None, False)
    assert not off.enabled
    await store.write(happen, clock(), "2")
    on = await store.write(webhooks.change, "erp", by(clock), ["node_back"], True)
    assert (on.after, on.kinds) == (2, ("node_back",))
    await store.write(webhooks.remove, "erp", by(clock))
    assert await store.read(webhooks.listing) == []
    noted = await store.read(audit.listing, limit=9)
    verbs = ("remove", "change", "change", "test", "add")
    assert [row["action"] for row in noted] == [f"webhook.{verb}" for verb in verbs]
    assert "geheim" not in json.dumps(noted)
    assert "whsec_" not in json.dumps(noted)


async def test_what_makes_no_webhook_is_refused(store: Store, clock: FakeClock) -> None:
    for name, url, kinds, secret in (
        ("Erp", "https://x.example/", (), None), ("erp", "ftp://x.example/", (), None),
        ("erp", "https://u:p@x.example/", (), None), ("erp", "https://", (), None), ("erp", "no", (), None),
        ("erp", "https://x.example:99999/", (), None), ("erp", "https://x.example/" + "a" * 1000, (), None),
        ("erp", "https://x.example/", ("no_kind",), None), ("erp", "https://x.example/", (), "hunter2"),
        ("erp", "https://x.example/", (), "whsec_aGVsbG8="),
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            await store.write(webhooks.add, name, url, by(clock), kinds, secret)
    await store.write(webhooks.add, "erp", "https://x.example/", by(clock))
    with pytest.raises(Conflict):
        await store.write(webhooks.add, "erp", "https://x.example/", by(clock))
    with pytest.raises(NotFound):
        await store.write(webhooks.remove, "other", by(clock))


def test_a_body_is_bounded() -> None:
    huge = Event("node_lost", 0.0, {"name": "x" * 70_000, "more": "y" * 70_000}, id=1)
    assert json.loads(body_of(huge, None, None))["data"]["detail"] is None
    small = replace(huge, detail={"name": "x"})
    assert json.loads(body_of(small, None, None))["data"]["detail"] == {"name": "x"}


PROGRAM = """
import asyncio, sys, time
from hived.records.hosts import OwnHosts
from hived.services.alerts.outgoing import Outgoing
from hived.services.integrations.webhook_delivery import WebhookDelivery
from hived.store import Store

async def main(url):
    async with Store.open(url) as store:
        await WebhookDelivery(store, Outgoing(allowed=OwnHosts.of(["127.0.0.1"])), clock=time.time).tick()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.sqlite_only("what is killed is a process of its own")
async def test_killed_in_the_middle_nothing_is_lost_and_a_repeat_has_the_same_number(
    store: Store, clock: FakeClock
) -> None:
    running: list[asyncio.subprocess.Process] = []
    async with web() as hook:
        await to(store, clock, hook)
        await store.write(happen, clock(), *map(str, range(12)))
        serve, kills = hook.serve, [3, 7]

        async def kill_at(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer)
            if kills and len(hook.got) >= kills[0]:
                kills.pop(0)
                running[-1].kill()

        server = await asyncio.start_server(kill_at, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await store.write(rows.save, "erp", url=await store.read(sealed, f"http://127.0.0.1:{port}/"))
            while len(running) < 3:
                child = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, f"sqlite:///{store.path}")
                running.append(child)
                await child.wait()
    assert [child.returncode for child in running] == [-9, -9, 0]
    came = Counter(parts(request)[0]["webhook-id"] for request in hook.got)
    assert len(came) == 12
    assert sum(came.values()) - 12 <= 2, "of each kill the one that was under way"
    assert (await store.read(rows.one, "erp")).after == 12


def sealed(db: Database, url: str) -> str:
    return db.box.seal(url, "webhook:erp:url")
