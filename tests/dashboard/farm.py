"""A small farm in a real database behind the real API: what the dashboard is shown in its tests."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from argon2 import PasswordHasher

from hived.api.app import make_app
from hived.api.http.listener import SHUTDOWN_S, Listener
from hived.api.miners.live_miners import LiveMiners
from hived.clients.firmwares.vnish.family import Vnish
from hived.records.access import LOCAL_USER
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
)
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.services.access.passwords import Passwords
from hived.services.appliance.tls import Tls
from hived.store import Database, Store, daemon_rows
from hived.store.access import sessions, users
from hived.store.engine.db import dicts
from hived.store.miners import discovery, miners, models, readings, settings
from hived.store.schema import Health, Miner, Status, Table

CHIPS = 12
TOPOLOGY = ((0, 1, 2, 3), (7, 6, 5, 4), (8, 9, 10, 11), (-1, -1, -1, -1))
BOARDS = 3
TH = 1e12
STATUS_S = 15.0
BEAT_S = 0.1  # a second in real life; the tests do not wait that long


OWN_ID = "n1"
COOKIE = "the-cookie-of-every-page-that-the-tests-open"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))  # in real life it takes its time


def password_of(name: str) -> str:
    """Return the password of the farm's user of this name."""
    return f"{name} has a password"


def mac(number: int) -> str:
    """Return the MAC of the farm's n-th miner."""
    return f"02:0e:7e:00:{number >> 8:02x}:{number & 255:02x}"


def ip(number: int) -> str:
    """Return its address."""
    return f"10.20.{number // 200}.{number % 200 + 1}"


def identity(number: int, **changes: Any) -> MinerIdentity:
    """Return who the n-th miner says it is."""
    known = MinerIdentity(
        mac=mac(number), model_name="Antminer S19j Pro", model_alias="s19jpro", firmware_version="1.2.7",
        hostname=f"rack-{number}", serial=f"TEST{number:05}", platform="bb", uptime_s=86400.0,
    )  # fmt: skip
    return replace(known, **changes)


def status(num: int, at: float, **changes: Any) -> StoredStatus:
    """Return a healthy status: 96 of 100 TH/s, 3000 W, three boards, four fans, one pool and the dev fee."""
    board = HashboardReading(
        index=1, state="mining", hashrate_hs=32 * TH, expected_hashrate_hs=33.3 * TH, power_w=1000.0,
        voltage_mv=12810.0, frequency_mhz=545.0, pcb_temp_min_c=48.0, pcb_temp_max_c=58.0, chip_temp_min_c=61.0,
        chip_temp_max_c=73.0, hardware_errors=3, chips_grey=CHIPS - 1, chips_orange=1, chips_red=0,
    )  # fmt: skip
    healthy = StoredStatus(
        num=num, at=at, state="mining", preset="3080", hashrate_hs=96 * TH, average_hashrate_hs=95 * TH,
        expected_hashrate_hs=100 * TH, power_w=3000.0, reported_power_w=3000.0, state_s=7260.0, chip_temp_max_c=73.0,
        pcb_temp_max_c=58.0, psu_temp_max_c=47.0, fan_duty_percent=75.0, restart_count=2,
        fans=tuple(FanReading(i, 4500 + 10 * i, 6000, "ok") for i in range(4)),
        hashboards=tuple(replace(board, index=i) for i in range(1, BOARDS + 1)),
        pools=(
            PoolReading(0, "stratum+tcp://pool.example:3333", "farm.worker01", status="active", accepted=900,
                        rejected=9, stale=1, difficulty="131K", ping_ms=28, last_share_s=2.0),
            PoolReading(3, "DevFee", "DevFee", kind="devfee", status="working", accepted=40, rejected=0),
        ),
    )  # fmt: skip
    return replace(healthy, **changes)


def chips(at_board: int, **changes: Any) -> HashboardChips:
    """Return the chips of one board; each differs from the next."""
    return HashboardChips(
        index=at_board, state="mining", hashrate_hs=32 * TH,
        chips=tuple(
            replace(ChipReading(i, 2.7e11 + i * 1e9, 545.0, 305.0, 60.0 + i, i % 3, "grey", False), **changes)
            for i in range(CHIPS)
        ),
    )  # fmt: skip


class Farm:
    """The database, and hive-apid's application on a port of its own; `url` is where the dashboard is."""

    def __init__(self, store: Store, port: int) -> None:
        self.store, self.port = store, port
        self.tls: Tls | None = None
        """What it is served with beside plain HTTP, on the same port."""
        self.url = f"http://127.0.0.1:{port}"
        self._runner: web.AppRunner | None = None
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; after `stop` again on the same port, as after a restart of the daemon."""
        fleet = LiveMiners(self.store, status_seconds=STATUS_S)
        await fleet.beat()
        app = make_app(
            self.store, fleet=fleet, node_name="farm-north", node_id=OWN_ID, passwords=QUICK,
            certificate=self.tls.current if self.tls is not None else None,
        )  # fmt: skip
        self._runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        context = self.tls.context if self.tls is not None else None
        await Listener(self._runner, "127.0.0.1", self.port, tls=context, plain=True).start()
        self._beating = asyncio.create_task(_beat(fleet))

    async def stop(self) -> None:
        """End the server; the database stays."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        if self._runner is not None:
            await self._runner.cleanup()
        self._beating = self._runner = None

    async def require_login(self, **roles: str) -> None:
        """Serve anew to those alone who log in: these users, each with the password that `password_of` says."""
        for name, role in roles.items():
            hashed = await QUICK.hash(password_of(name))
            await self.store.write(users.add, name, hashed, role, time.time())
        await self.stop()
        await self.store.write(sessions.end, COOKIE)
        await self.start()

    async def admit(self) -> None:
        """Let in whoever has the cookie that every page of the tests brings along, as a login link would."""
        await self.store.write(sessions.begin, COOKIE, user=LOCAL_USER, role="admin", at=time.time())

    async def add(self, number: int, *, who: MinerIdentity | None = None, error: str | None = None,
                  history: Sequence[StoredStatus] = (), **changes: Any) -> int:  # fmt: skip
        """Add a miner, or a new status of one that is there; return its number in the database."""
        return await self.store.write(_add, number, who or identity(number), error, tuple(history), changes)

    async def add_many(self, count: int) -> None:
        """Add so many healthy miners in one transaction."""
        await self.store.write(_add_many, count)

    async def furnish(self) -> None:
        """Add the model, the daemons, a sweep and two other devices."""
        await self.store.write(_furnish)

    async def write(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.store.write(verb, *args, **kwargs)


async def _beat(fleet: LiveMiners) -> None:
    while True:
        await fleet.beat()
        await asyncio.sleep(BEAT_S)


def _add(db: Database, number: int, who: MinerIdentity, error: str | None, history: tuple[StoredStatus, ...],
         changes: dict[str, Any]) -> int:  # fmt: skip
    now = time.time()
    seen = miners.Sighting(who, ip(number), now, "vnish", listed(Vnish.can))
    found = miners.by_mac(db, who.mac) or miners.saw(db, seen, node_id="n1")
    if found.access is None:
        miners.keep_access(db, found.num, "0" * 32, now)
    for one in history:
        readings.save(db, [PollOutcome(num=found.num, at=one.at, status=replace(one, num=found.num))])
    if error is not None:
        readings.save(db, [PollOutcome(num=found.num, at=now, error=error, failed=True)])
    else:
        boards = tuple(chips(i) for i in range(1, BOARDS + 1))
        outcome = PollOutcome(num=found.num, at=now, status=status(found.num, now, **changes), boards=boards)
        readings.save(db, [outcome])
    return found.num


def _add_many(db: Database, count: int) -> None:
    """Copy the rows of one miner that came in the usual way: 5,000 through discovery take ten seconds."""
    first = _add(db, 0, identity(0), None, (), {})
    for table in (Miner, Health, Status):
        rows = dicts(table.select().where(table.num == first), db)
        copies = [{**rows[0], "num": first + n, **_own(table, n)} for n in range(1, count)]
        for start in range(0, len(copies), 500):
            table.insert_many(copies[start : start + 500]).execute(db)


def _own(table: type[Table], number: int) -> dict[str, Any]:
    if table is Miner:
        return {"mac": mac(number), "ip": ip(number), "last_ip": ip(number), "hostname": f"rack-{number}"}
    return {"hashrate_hs": (90 + number % 10) * TH} if table is Status else {}


def grow_old(db: Database, num: int, at: float) -> None:
    """Turn back the time of a miner's newest status."""
    Status.update(at=at).where(Status.num == num).execute(db)
    Health.update(status_at=at, rev=Health.rev + 1).where(Health.num == num).execute(db)


def _furnish(db: Database) -> None:
    now = time.time()
    info = ModelInfo("s19jpro", "Antminer S19j Pro", CHIPS, BOARDS, TOPOLOGY, "x19")
    ladder = [Preset("2700", 2700.0, 96 * TH), Preset("3080", 3080.0, 104 * TH), Preset("3580", 3580.0, 115 * TH)]
    models.save(db, info, ladder, "1.2.7", now)
    for name, words in (("hive-discoverd", "1 miner at 254 addresses"), ("hive-polld", "4 polls, 0 failed")):
        daemon_rows.save_daemon(db, DaemonRow(name, 100, "0.1.0", now - 600, now, words))
    sweep = Sweep(now - 20, now - 18, addresses=254, responders=6, miners=4, other_devices=1, unreadable=1)
    discovery.save_sweep(db, discovery.start_sweep(db, now - 20), sweep)
    discovery.save_other_device(db, OtherDevice("10.20.0.250", "login", "asks for a login", now - 900, now))
    silent = OtherDevice("10.20.0.251", "unreadable", "no answer within 3 s", now - 60, now, code="timeout")
    discovery.save_other_device(db, silent)


def give_settings(db: Database, num: int, pool: str, preset: str) -> None:
    """Store the own settings of a miner: called twice with other values, there is a difference to see."""
    document = {
        "pools": [{"url": pool, "user": "farm.worker01"}],
        "requested_preset": preset,
        "cooling": {"mode": "auto"},
    }
    settings.save(db, num, MinerSettings(document), time.time(), due_at=None)
