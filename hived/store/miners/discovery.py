"""Sweeps, and other devices: who else answers on the site's networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hived.records.discovery import OtherDevice, Sweep
from hived.records.events import Event
from hived.store import events
from hived.store.engine.database import Database, dicts
from hived.store.miners import trust
from hived.store.schema import OtherDevice as OtherDeviceRow
from hived.store.schema import Sweep as SweepRow

KEEP_SWEEPS = 1000  # eight hours of a 30 s cycle
MAX_OTHER_DEVICES = 4096  # printers and routers of a /20; those silent longest leave first


def start_sweep(db: Database, at: float) -> int:
    """Open a sweep's row and return its id; sweeps that a crash left open stay open and say so by it."""
    SweepRow.delete().where(SweepRow.id <= _newest_id(db, SweepRow) - KEEP_SWEEPS).execute(db)
    return int(SweepRow.insert(started_at=at).execute(db))


def save_sweep(db: Database, sweep_id: int, sweep: Sweep) -> None:
    """Store how far a sweep has come, or how it ended."""
    SweepRow.update(
        finished_at=sweep.finished_at, addresses=sweep.addresses, responders=sweep.responders, miners=sweep.miners,
        other_devices=sweep.other_devices, unreadable=sweep.unreadable, note=sweep.note,
    ).where(SweepRow.id == sweep_id).execute(db)  # fmt: skip


def sweeps(db: Database, *, limit: int = 1) -> list[Sweep]:
    """Return the newest sweeps first."""
    query = SweepRow.select().order_by(SweepRow.id.desc()).limit(limit)
    return [Sweep(**{k: v for k, v in row.items() if k != "id"}) for row in dicts(query, db)]


def save_other_device(db: Database, device: OtherDevice, event: Event | None = None) -> None:
    """Note an address that answers but is no miner we can read, and what happened when it is new."""
    if event is not None:
        events.add(db, [event])
    fields: dict[str, Any] = {
        "kind": device.kind, "code": device.code, "reason": device.reason, "last_seen_at": device.last_seen_at,
        "failures": device.failures, "next_probe_at": device.next_probe_at,
    }  # fmt: skip
    OtherDeviceRow.insert(ip=device.ip, first_seen_at=device.first_seen_at, **fields).on_conflict(
        conflict_target=[OtherDeviceRow.ip], update=fields
    ).execute(db)
    surplus = OtherDeviceRow.select().bind(db).count() - MAX_OTHER_DEVICES
    if surplus > 0:
        oldest = OtherDeviceRow.select(OtherDeviceRow.ip).order_by(OtherDeviceRow.last_seen_at).limit(surplus)
        OtherDeviceRow.delete().where(OtherDeviceRow.ip.in_(oldest)).execute(db)


def forget_other_devices(db: Database, ips: Iterable[str], at: float) -> None:
    """Drop addresses that turned out to be miners or that answer no more."""
    ips = list(ips)
    OtherDeviceRow.delete().where(OtherDeviceRow.ip.in_(ips)).execute(db)
    trust.twins_left(db, ips, at)


def other_devices(db: Database) -> list[OtherDevice]:
    """Return all other devices by address."""
    return [OtherDevice(**row) for row in dicts(OtherDeviceRow.select().order_by(OtherDeviceRow.ip), db)]


def _newest_id(db: Database, table: Any) -> int:
    newest = table.select(table.id).order_by(table.id.desc()).limit(1).bind(db).scalar()
    return int(newest or 0)
