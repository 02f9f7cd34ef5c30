"""Metrics are sent on: they arrive as they are scraped, and what cannot be sent waits and says so."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hived.clients.remote_write.client import RemoteWrite
from hived.errors import Refused, Throttled, Transient
from hived.records.daemon import POLLD, DaemonRow
from hived.services.appliance.host_troubles import stored_troubles
from hived.services.integrations.push import MOST_BYTES, REFUSED_S, Box, Push
from hived.store import Database, Store, daemon_rows, push_state
from tests.api import farm
from tests.clock import FakeClock
from tests.databases import Databases
from tests.prometheus import needs_prometheus, running

pytestmark = pytest.mark.sqlite_only("what is sent on does not depend on the database")
PLACE = "http://metrics.example"


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make("push")) as opened:
        yield opened


class Receiver:
    """Takes what is sent, or fails with what it is told to."""

    def __init__(self) -> None:
        self.took: list[bytes] = []
        self.error: Exception | None = None

    async def __call__(self, packed: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.took.append(packed)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def make(store: Store, receiver: Receiver, clock: FakeClock, tmp_path: Path) -> Callable[..., Push]:
    def made(most_bytes: int = MOST_BYTES) -> Push:
        box = Box("rig-1", "id-1", "0.2.0", 15.0, tmp_path)
        return Push(store, box, receiver, place=PLACE, clock=clock, most_bytes=most_bytes)

    return made


def miner_of(at: float) -> Callable[..., None]:
    def fill(db: Database) -> None:
        farm.poll(db, farm.find(db, 1, at - 60), at)
        daemon_rows.save_daemon(db, DaemonRow(POLLD, 1, "1", at - 60, at, ""))

    return fill


@needs_prometheus
async def test_a_real_prometheus_takes_it(store: Store, tmp_path: Path, free_port: int) -> None:
    at = time.time()
    await store.write(miner_of(at))
    flags = ["--web.enable-remote-write-receiver"]
    async with running(tmp_path, free_port, flags=flags) as prometheus:
        client = RemoteWrite(f"{prometheus.url}/api/v1/write")
        push = Push(
            store, Box("rig-1", "id-1", "0.2.0", 15.0, tmp_path), client.send, place=client.place, clock=lambda: at
        )
        await push.read()
        await push.send()
        assert await prometheus.value('hived_miner_power_watts{instance="rig-1",job="hived"}') == 3010
        assert await prometheus.value('hived_fleet_miners{mark="online"}') == 1
        assert await prometheus.value('count({__name__=~"hived_.+"})') == push.numbers()["pushed_series_total"][""]
        assert await prometheus.value("timestamp(hived_fleet_known_miners)") == pytest.approx(at, abs=0.002)
        (info,) = await prometheus.query("hived_info")
        assert info["metric"]["version"] == "0.2.0"
    assert await store.read(push_state.unsent) is None


async def test_what_cannot_be_sent_waits_and_arrives_in_its_order(
    store: Store, make: Callable[..., Push], receiver: Receiver, clock: FakeClock
) -> None:
    push = make()
    began = clock()
    receiver.error = Transient("connection refused")
    for minute in range(3):
        await push.read()
        with pytest.raises(Transient):
            await push.send()
        clock.advance(60)
        assert push.numbers()["queue_length"]["push"] == minute + 1
    await push.read()
    (trouble,) = await store.read(stored_troubles)
    assert (trouble.kind, trouble.at) == ("push_waits", began)
    assert f"cannot be sent to {PLACE}: connection refused; 4 readings wait" in trouble.text
    assert "4 readings" in push.summary()
    receiver.error = None
    await push.send()
    assert len(receiver.took) == 4
    assert len(set(receiver.took)) == 4
    await push.read()
    assert await store.read(stored_troubles) == []
    assert "series a minute" in push.summary()


async def test_what_waits_is_bounded_and_the_oldest_goes(
    store: Store, make: Callable[..., Push], receiver: Receiver, clock: FakeClock
) -> None:
    probe = make()
    await probe.read()
    await probe.send()
    size = len(receiver.took.pop())
    push = make(most_bytes=3 * size + size // 2)
    receiver.error = Transient("away")
    for _ in range(10):
        await push.read()
        clock.advance(60)
        with pytest.raises(Transient):
            await push.send()
    numbers = push.numbers()
    assert numbers["queue_length"]["push"] == 3
    assert numbers["queue_lost_total"]["push"] == 7
    await push.read()
    unsent = await store.read(push_state.unsent)
    assert unsent is not None
    assert unsent.waiting_bytes <= 3 * size + size // 2
    assert unsent.lost == 8


async def test_what_is_refused_goes_and_is_told_for_a_while(
    store: Store, make: Callable[..., Push], receiver: Receiver, clock: FakeClock
) -> None:
    push = make()
    receiver.error = Refused("HTTP 400: out of order sample")
    await push.read()
    await push.send()
    assert push.numbers()["queue_length"]["push"] == 0
    await push.read()
    (trouble,) = await store.read(stored_troubles)
    assert "out of order" in trouble.text
    receiver.error = None
    clock.advance(REFUSED_S + 1)
    await push.read()
    assert await store.read(stored_troubles) == []


async def test_a_pause_that_the_receiver_wants_is_kept(
    make: Callable[..., Push], receiver: Receiver, clock: FakeClock
) -> None:
    push = make()
    await push.read()
    receiver.error = Throttled("HTTP 429", 300.0)
    with pytest.raises(Throttled):
        await push.send()
    receiver.error = None
    clock.advance(299)
    await push.send()
    assert receiver.took == []
    clock.advance(2)
    await push.send()
    assert len(receiver.took) == 1
