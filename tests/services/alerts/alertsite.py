"""A site in rows, with a clock to turn: what the daemons would have written, and the engine of alerts at work on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any, Concatenate, ParamSpec, TypeVar

from hived.records.alerts import Alert, Notice, Rule
from hived.records.daemon import APID, DISCOVERD, POLLD, DaemonRow
from hived.records.events import Event
from hived.records.miner import FanReading, HashboardReading, MinerIdentity, PoolReading
from hived.records.miner_rules import MinerRules
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.records.pools import AllowedPool
from hived.services.alerts.boxes import Facts
from hived.services.alerts.engine import AlertEngine
from hived.services.alerts.past_the_disk import PastTheDisk
from hived.store import Database, Store, daemon_rows, events
from hived.store.alerts import alerts, notices, rules
from hived.store.miners import allowed_pools, miners, readings
from hived.store.miners import rules as miner_rules
from hived.store.schema import MinerOrder, Node, OrderTarget
from tests.clock import FakeClock
from tests.nodes import let_in

P = ParamSpec("P")
T = TypeVar("T")

EVERY_S = 60.0
"""How often the daemons of this site look at it."""
POOL = "stratum+tcp://pool.example.com:3333"


def mac(number: int) -> str:
    return f"02:0e:7e:00:{number >> 8 & 255:02x}:{number & 255:02x}"


def board(index: int, **changes: Any) -> HashboardReading:
    fields: dict[str, Any] = {"state": "mining", "hashrate_hs": 34e12, "chips_red": 0}
    return HashboardReading(index, **(fields | changes))


@dataclass
class AlertSite:
    """Miners at 10.0.0.N that do as they are told; `turn` lets time pass, and each minute is looked at."""

    store: Store
    clock: FakeClock
    facts: Facts = field(default_factory=lambda: Facts("shed", "id-1", dashboard="https://shed.example"))
    """How the box itself is."""
    told: dict[int, dict[str, Any]] = field(default_factory=dict)
    """How each miner answers, by its number in the database."""
    running: list[str] = field(default_factory=lambda: [DISCOVERD, POLLD, APID])
    """The daemons of this box."""
    past: PastTheDisk | None = None
    away: set[str] = field(default_factory=set)
    """Nodes that are cut off."""
    engine: AlertEngine = field(init=False)
    killed: Callable[[], bool] = lambda: False

    async def __aenter__(self) -> AlertSite:
        self.engine = self.fresh()
        await self.engine.start()
        await self.write(self._daemons)
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def fresh(self) -> AlertEngine:
        """A new engine over the same rows, as after kill -9."""
        return AlertEngine(
            self.store, self._facts, status_seconds=EVERY_S, clock=self.clock, monotonic=self.clock, zone=UTC,
            past=self.past,
        )  # fmt: skip

    async def _facts(self) -> Facts:
        return self.facts

    async def write(self, work: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.store.write(work, *args, **kwargs)

    # -- the miners ------------------------------------------------------------------------------------------------

    async def miners(self, numbers: Iterable[int], *, group: str | None = None, node: str | None = None) -> None:
        for number in numbers:
            await self.write(self._found, number, group, node)

    def _found(self, db: Database, number: int, group: str | None, node: str | None) -> None:
        identity = MinerIdentity(mac(number), "Antminer S19j Pro", "s19jpro", hostname=f"rack-{number}")
        sighting = miners.Sighting(identity, f"10.0.{number >> 8}.{number & 255}", self.clock(), "vnish", None)
        num = miners.saw(db, sighting, node_id=node or "id-1").num
        if group is not None:
            miner_rules.save(db, num, MinerRules(group=group), self.clock())
        if node is not None:
            db.execute_sql(f"UPDATE miner SET remote = true WHERE num = {num}")
        self.told[num] = {}
        self._status(db, num)

    async def tells(self, number: int, **changes: Any) -> None:
        """Let a miner answer so from now on."""
        num = (await self.store.read(miners.one, mac(number))).num
        self.told[num] = self.told[num] | changes
        self.clock.advance(1)
        await self.write(self._status, num)

    def _status(self, db: Database, num: int) -> None:
        fields: dict[str, Any] = {
            "state": "mining", "hashrate_hs": 102e12, "expected_hashrate_hs": 104e12, "target_hashrate_hs": 104e12,
            "power_w": 3100.0, "state_s": 7200.0, "chip_temp_max_c": 71.0,
            "fans": (FanReading(0, 4200, 6000, "ok"), FanReading(1, 4180, 6000, "ok")),
            "hashboards": (board(1), board(2), board(3)),
            "pools": (PoolReading(0, POOL, "farm.w1", status="active"),),
        } | self.told[num]  # fmt: skip
        status = StoredStatus(num=num, at=self.clock(), **fields)
        readings.save(db, [PollOutcome(num, self.clock(), status=status)])

    async def offline(self, *numbers: int) -> None:
        """Let the sweeps not find them any more."""
        for number in numbers:
            num = (await self.store.read(miners.one, mac(number))).num
            await self.write(miners.missed, [num], self.clock(), offline_after=1)

    async def online(self, *numbers: int) -> None:
        for number in numbers:
            await self.write(self._back, number)

    def _back(self, db: Database, number: int) -> None:
        identity = MinerIdentity(mac(number), "Antminer S19j Pro", "s19jpro", hostname=f"rack-{number}")
        sighting = miners.Sighting(identity, f"10.0.{number >> 8}.{number & 255}", self.clock(), "vnish", None)
        self._status(db, miners.saw(db, sighting, node_id="id-1").num)

    async def event(self, kind: str, number: int, **detail: Any) -> None:
        num = (await self.store.read(miners.one, mac(number))).num
        await self.write(events.add, [Event(kind, self.clock(), detail, num=num)])

    async def ordered(self, number: int, verb: str, state: str) -> None:
        """Let an order be at a miner just now."""
        num = (await self.store.read(miners.one, mac(number))).num
        await self.write(self._ordered, num, mac(number), verb, state)

    def _ordered(self, db: Database, num: int, mac: str, verb: str, state: str) -> None:
        order = MinerOrder.insert(
            verb=verb, who="eva", via="cli", created_at=1.0, expires_at=2.0, packet_size=1, packet_interval_s=1.0,
            stop_after=1,
        ).execute(db)  # fmt: skip
        OrderTarget.insert(order=order, num=num, mac=mac, state=state, args="{}", at=self.clock()).execute(db)

    async def allow(self, url: str = POOL, *, ago: float = 3600.0) -> None:
        await self.write(allowed_pools.add, AllowedPool(url, None), by="eva", at=self.clock() - ago)

    # -- nodes -----------------------------------------------------------------------------------------------------

    async def node(self, node_id: str, **health: Any) -> None:
        await self.write(let_in, node_id, self.clock())
        await self.write(self._contact, node_id, health)

    def _contact(self, db: Database, node_id: str, health: dict[str, Any]) -> None:
        Node.update(state="alive", contact_at=self.clock(), health=json.dumps(health)).where(
            Node.id == node_id
        ).execute(db)

    async def cut_off(self, node_id: str) -> None:
        self.away.add(node_id)
        await self.write(self._state, node_id, "dead")

    async def reached(self, node_id: str) -> None:
        self.away.discard(node_id)
        await self.write(self._state, node_id, "alive")

    def _state(self, db: Database, node_id: str, state: str) -> None:
        Node.update(state=state).where(Node.id == node_id).execute(db)

    # -- time ------------------------------------------------------------------------------------------------------

    async def turn(self, minutes: float, *, every_s: float = EVERY_S) -> None:
        """Let time pass: every minute the miners are polled, and the engine looks."""
        for _ in range(round(minutes * 60 / every_s)):
            self.clock.advance(every_s)
            await self.write(self._polled)
            if self.killed():  # before this round could be written
                self.engine = self.fresh()
            else:
                await self.engine.tick()

    def _polled(self, db: Database) -> None:
        """Every miner that is online tells what it told before, just now."""
        self._daemons(db)
        db.execute_sql("UPDATE status SET at = " + repr(self.clock()) + " WHERE num IN (SELECT m.num FROM miner m"
                       " LEFT JOIN node n ON n.id = m.node_id WHERE m.online AND (NOT m.remote OR n.state = 'alive'))"
                       " AND at = (SELECT h.status_at FROM health h WHERE h.num = status.num)")  # fmt: skip
        newest = "(SELECT MAX(s.at) FROM status s WHERE s.num = health.num)"
        db.execute_sql(f"UPDATE health SET status_at = {newest}, seen_at = {newest}")

    def _daemons(self, db: Database) -> None:
        for name in self.running:
            daemon_rows.save_daemon(db, DaemonRow(name, 1, "0", 0.0, self.clock(), ""))

    # -- what came of it -------------------------------------------------------------------------------------------

    async def notices(self) -> list[Notice]:
        """What was told, the oldest first."""
        return (await self.store.read(notices.listing, limit=1000))[::-1]

    async def said(self) -> list[tuple[str, str]]:
        """(rule, told) of each notice, the oldest first."""
        return [(one.rule, one.told) for one in await self.notices()]

    async def open(self) -> list[Alert]:
        return await self.store.read(alerts.open_ones)

    async def rule(self, name: str, **changes: Any) -> Rule:
        """Change a rule."""
        changed = replace(await self.store.read(rules.one, name), **changes, changed_at=self.clock(), changed_by="eva")
        await self.write(rules.put, changed)
        return changed
