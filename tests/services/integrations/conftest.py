"""Three miners in a real database, and a bridge from there to a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hived.records.miner import HashboardReading
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.records.mqtt import Topics, scope
from hived.services.integrations.mqtt import Bridge
from hived.services.integrations.mqtt_look import Telling
from hived.services.integrations.mqtt_orders import Steering
from hived.services.miners.orders import Rules
from hived.store import Database, Store
from hived.store.miners import miners, readings
from tests.clock import FakeClock
from tests.databases import Databases
from tests.mosquitto import House, Mosquitto, house
from tests.services.miners.steered import Device, settle

MAC = [f"02:00:00:00:00:0{i}" for i in range(3)]
TOPICS = Topics.of("hived", "homeassistant", "node:1")
ALL = scope(steer=True, reboot=True)


@pytest.fixture
async def store(databases: Databases, clock: FakeClock) -> AsyncIterator[Store]:
    """Miners that mine."""
    async with Store.open(databases.make()) as opened:
        await opened.write(settle, [Device(mac, f"127.9.0.{i}") for i, mac in enumerate(MAC)], clock() - 1000)
        for mac in MAC:
            await told(opened, mac, clock())
        yield opened


async def told(store: Store, mac: str, at: float, **changes: Any) -> None:
    """Let a miner be read."""
    given: dict[str, Any] = {
        "state": "mining", "hashrate_hs": 100.5e12, "power_w": 2900.0, "preset": "high", "target_hashrate_hs": 120e12,
        "chip_temp_max_c": 71.0,
        "hashboards": tuple(HashboardReading(i, "mining", hashrate_hs=5e13) for i in (1, 2, 3)),
    }  # fmt: skip

    def work(db: Database) -> None:
        num = miners.one(db, mac).num
        status = StoredStatus(num=num, at=at, **(given | changes))
        readings.save(db, [PollOutcome(num, at, status)])

    await store.write(work)


def telling(allowed: frozenset[str] = frozenset()) -> Telling:
    return Telling(TOPICS, "Barn", allowed, 15.0)


MakeBridge = Callable[..., Any]


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    await broker.start()
    yield broker
    broker.kill()


@pytest.fixture
async def home(mosquitto: Mosquitto) -> AsyncIterator[House]:
    async with house(mosquitto) as found:
        yield found


@pytest.fixture
async def make_bridge(store: Store, clock: FakeClock) -> AsyncIterator[MakeBridge]:
    """`await make_bridge(mosquitto, scope)`: a bridge, ended with the test."""
    async with AsyncExitStack() as stack:

        async def make(mosquitto: Mosquitto, allowed: frozenset[str] = frozenset(), **changes: Any) -> Bridge:
            given: dict[str, Any] = {
                "password": mosquitto.user[1] if mosquitto.user else None, "ca": mosquitto.ca, "clock": clock,
                "monotonic": clock,
            }  # fmt: skip
            steering = Steering(allowed, Rules(), 15.0) if allowed else None
            bridge = Bridge(store, mosquitto.broker, telling(allowed), steering, **(given | changes))
            return await stack.enter_async_context(bridge)

        yield make
