"""A small farm in a real database, filled through the store's own verbs, and hive-apid's application in front of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from hived.api.app import make_app
from hived.api.http.access import KNOWN
from hived.api.http.listener import SHUTDOWN_S, Listener
from hived.api.miners.live_miners import LiveMiners
from hived.api.stream import Pace
from hived.clients.firmwares.vnish.family import Vnish
from hived.records.access import Role
from hived.records.daemon import DaemonRow
from hived.records.discovery import OtherDevice, Sweep
from hived.records.firmware import listed
from hived.records.miner import (
    ChipReading,
    FanReading,
    HashboardChips,
    HashboardReading,
    MinerIdentity,
    MinerSettings,
    ModelInfo,
    PoolReading,
    Preset,
    SensorReading,
)
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.services.access.passwords import Passwords
from hived.services.alerts.outgoing import Outgoing
from hived.store import Database, Store, daemon_rows
from hived.store.miners import discovery, miners, models, readings, settings
from hived.store.schema import Health, Miner
from tests import access, described
from tests.clock import FakeClock

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
MAC = "02:0e:7e:00:00:01"
PASSWORD = "a-password-nobody-may-see"
KEY = "0123456789abcdef0123456789abcdef"


def mac_of(n: int) -> str:
    return f"02:0e:7e:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"


def address_of(n: int) -> str:
    return f"127.20.{n >> 8 & 255}.{n & 255}"


def identity(n: int) -> MinerIdentity:
    return MinerIdentity(
        mac=mac_of(n), model_name="Antminer S19", model_alias="s19", firmware_version="1.2.6", hostname=f"rig-{n}",
        serial=f"SERIAL{n}", platform="xil", uptime_s=3600.0,
    )  # fmt: skip


def status_of(num: int, at: float, **other: Any) -> StoredStatus:
    """A status of a miner at work: 95.5 TH/s of 96, 3,010 W, three boards, four fans, one pool beside the dev fee."""
    boards = tuple(
        HashboardReading(
            index=i, state="mining", hashrate_hs=31.8e12, expected_hashrate_hs=32e12, power_w=1000.0,
            voltage_mv=13800.0,
            frequency_mhz=545.0, pcb_temp_min_c=48.0, pcb_temp_max_c=58.0, chip_temp_min_c=60.0, chip_temp_max_c=71.0,
            hardware_errors=3, chips_grey=2, chips_orange=1, chips_red=0,
        )
        for i in (1, 2, 3)
    )  # fmt: skip
    usual = StoredStatus(
        num=num, at=at, state="mining", preset="3050", hashrate_hs=95.5e12, average_hashrate_hs=95.0e12,
        expected_hashrate_hs=96e12, power_w=3010.0, reported_power_w=3005.0, state_s=7200.4, chip_temp_max_c=71.0,
        pcb_temp_max_c=58.0, chip_temp_min_c=60.0, pcb_temp_min_c=48.0, psu_temp_max_c=47.0, fan_duty_percent=64.0,
        hardware_errors=9, found_blocks=0, restart_count=2,
        fans=tuple(FanReading(i, 4100 + i, 6000, "ok") for i in range(4)), hashboards=boards,
        pools=(
            PoolReading(0, "pool.example:3333", "farm.worker01", "user", "active", 100, 1, 0, "131K", 20, 4.0),
            PoolReading(1, "DevFee", "DevFee", "devfee", "active"),
        ),
    )  # fmt: skip
    return replace(usual, **other)


def chips_of() -> tuple[HashboardChips, ...]:
    """Three boards of three chips; the second chip of the first board tells next to nothing."""
    chips = (
        ChipReading(0, 420.5e9, 545.0, 340.0, 60.5, 0, "grey", False),
        ChipReading(1),
        ChipReading(2, 410.0e9, 540.0, 338.0, 71.0, 7, "orange", True),
    )
    sensors = (SensorReading(0, "ready", 48.0, 60.5), SensorReading(2, "ready", 58.0, 71.0))
    return tuple(HashboardChips(i, "mining", None, 31.8e12, 32e12, 545.0, chips, sensors) for i in (1, 2, 3))


def poll(db: Database, /, num: int, at: float, *, with_chips: bool = False, **other: Any) -> None:
    """Store one good poll."""
    boards = chips_of() if with_chips else None
    readings.save(db, [PollOutcome(num=num, at=at, status=status_of(num, at, **other), boards=boards)])


def fail(db: Database, num: int, at: float, error: str) -> None:
    """Store one poll that failed."""
    readings.save(db, [PollOutcome(num=num, at=at, error=error, failed=True)])


def find(db: Database, n: int, at: float) -> int:
    """Find the n-th miner, with a key; return its number."""
    sighting = miners.Sighting(identity(n), address_of(n), at, "vnish", listed(Vnish.can))
    num = miners.saw(db, sighting, node_id="node-1").num
    miners.keep_access(db, num, KEY, at, password=PASSWORD)
    return num


def catalogue(db: Database, at: float) -> None:
    """Store what an S19 is."""
    ladder = [
        Preset("disabled", None, None, False), Preset("2350", 2350.0, 78e12, False),
        Preset("3050", 3050.0, 96e12, False),
        Preset("Turbo", 3600.0, 110e12, True),
    ]  # fmt: skip
    models.save(db, ModelInfo("s19", "Antminer S19", 3, 3, ((0, 1), (2, -1))), ladder, "1.2.6", at)


def small(db: Database) -> None:
    """One miner polled and read whole, everything around it filled."""
    catalogue(db, NOW - 600)
    num = find(db, 1, NOW - 600)
    for age in (75, 60, 45, 30, 15, 0):
        poll(db, num, NOW - age, with_chips=age in (75, 15))
    document = {
        "pools": [{"url": "pool.example:3333", "user": "farm.worker01"}], "requested_preset": "3050",
        "cooling": {"mode": "auto"}, "network": {"dhcp": True},
    }  # fmt: skip
    settings.save(db, num, MinerSettings(document), NOW - 500, due_at=None)
    settings.save(db, num, MinerSettings({**document, "requested_preset": "2350"}), NOW - 400, due_at=None)
    swept = discovery.start_sweep(db, NOW - 30)
    discovery.save_sweep(db, swept, Sweep(NOW - 30, NOW - 29, 1022, 3, 1, 2, 0))
    discovery.save_other_device(
        db, OtherDevice("127.20.0.9", "printer", "answers with a login page", NOW - 300, NOW - 30)
    )
    discovery.save_other_device(
        db, OtherDevice("127.20.0.200", "stock", "digest login", NOW - 300, NOW - 30, 4, NOW + 60, "stock_firmware")
    )
    for name in ("hive-discoverd", "hive-polld"):
        daemon_rows.save_daemon(db, DaemonRow(name, 77, "0.1.0", NOW - 900, NOW - 2, "working"))


def polls(db: Database, at: float) -> None:
    """Have hive-polld say that it runs."""
    daemon_rows.save_daemon(db, DaemonRow("hive-polld", 77, "0.1.0", NOW - 900, at, "working"))


def thousand(db: Database) -> None:
    """A thousand miners; every other one has a status. Put in at once: one sighting after the other takes seconds."""
    found = [
        {
            "num": n,
            "mac": mac_of(n),
            "ip": address_of(n),
            "last_ip": address_of(n),
            "online": True,
            "created_at": NOW,
            "updated_at": NOW,
        }
        for n in range(1, 1001)
    ]
    Miner.insert_many(found).execute(db)
    Health.insert_many([{"num": row["num"], "seen_at": NOW, "rev": 1} for row in found]).execute(db)
    readings.save(db, [PollOutcome(num=n, at=NOW, status=status_of(n, NOW)) for n in range(1, 1001, 2)])


def forget(db: Database, num: int) -> None:
    """Delete a miner's row, as an operator may."""
    Miner.delete().where(Miner.num == num).execute(db)


FILLED: dict[str, Callable[[Database], None]] = {"empty": lambda db: None, "small": small, "thousand": thousand}


@dataclass(slots=True)
class Api:
    """A running hive-apid application and a client that speaks to it."""

    store: Store
    fleet: LiveMiners
    clock: FakeClock
    app: web.Application
    listener: Listener
    http: aiohttp.ClientSession

    @property
    def port(self) -> int:
        return self.listener.port

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return f"hived-{self.port}"

    async def get(self, path: str, **headers: str) -> Any:
        """Return the JSON of a 200."""
        async with self.http.get(path, headers=headers) as reply:
            body = await reply.read()
            assert reply.status == 200, (reply.status, body[:300])
            return json.loads(body)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Return the code and the JSON of any reply; `body` bytes are sent as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if data is not None else {}
        async with self.http.request(method, path, data=data, headers={**kind, **headers}) as reply:
            text = await reply.read()
            return reply.status, json.loads(text) if text else None

    @asynccontextmanager
    async def browser(self, role: Role | None = "admin") -> AsyncIterator[Api]:
        """The same with a client like a browser: no token, but a cookie when it has a role."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address, not of a name
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", cookie_jar=jar) as http:
            if role is not None:
                cookie = await self.store.write(access.session, role, self.clock())
                jar.update_cookies({self.cookie: cookie}, URL(f"http://127.0.0.1:{self.port}"))
            yield replace(self, http=http)

    async def do(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        """Write to the database as another daemon would, and let the view follow."""
        done = await self.store.write(verb, *args, **kwargs)
        await self.fleet.beat()
        return done


@asynccontextmanager
async def serve(
    store: Store, clock: FakeClock, *, pace: Pace | None = None, names: Collection[str] = (),
    metrics_from: Sequence[IPv4Network | IPv6Network] = (), outgoing: Outgoing | None = None, **limits: Any,
) -> AsyncIterator[Api]:  # fmt: skip
    """Run the application on a free port of 127.0.0.1, in the way hive-apid does; the client is an admin."""
    await store.write(access.admit, at=clock())
    async with serve_again(
        store, clock, pace=pace, names=names, metrics_from=metrics_from, outgoing=outgoing, **limits
    ) as api:
        yield api


@asynccontextmanager
async def serve_again(
    store: Store, clock: FakeClock, *, pace: Pace | None = None, names: Collection[str] = (),
    metrics_from: Sequence[IPv4Network | IPv6Network] = (), outgoing: Outgoing | None = None, **limits: Any,
) -> AsyncIterator[Api]:  # fmt: skip
    """The same on a database that knows the client already."""
    fleet = LiveMiners(store, status_seconds=15.0, clock=clock)
    await fleet.beat()
    app = make_app(
        store, fleet=fleet, node_name="node-1", node_id="id-1", clock=clock, pace=pace, names=names,
        metrics_from=metrics_from,
        passwords=Passwords(access.HASHER), outgoing=outgoing,
    )  # fmt: skip
    app.on_response_prepare.append(described.hold)
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        listener = Listener(runner, "127.0.0.1", 0, known=app[KNOWN], **limits)
        await listener.start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}", headers=access.BEARER) as http:
            yield Api(store, fleet, clock, app, listener, http)
    finally:
        await runner.cleanup()
