"""Sweeps, and strangers: who else answers on the site's networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hived.records.discovery import Stranger, Sweep
from hived.store.engine.database import Database, dicts
from hived.store.schema import Stranger as StrangerRow
from hived.store.schema import Sweep as SweepRow

KEEP_SWEEPS = 1000  # eight hours of a 30 s cycle
MAX_STRANGERS = 4096  # printers and routers of a /20; those silent longest leave first


def start_sweep(db: Database, at: float) -> int:
    """Open a sweep's row and return its id; sweeps that a crash left open stay open and say so by it."""
    SweepRow.delete().where(SweepRow.id <= _newest_id(db, SweepRow) - KEEP_SWEEPS).execute(db)
    return int(SweepRow.insert(started_at=at).execute(db))


def save_sweep(db: Database, sweep_id: int, sweep: Sweep) -> None:
    """Store how far a sweep has come, or how it ended."""
    SweepRow.update(
        finished_at=sweep.finished_at, addresses=sweep.addresses, responders=sweep.responders, miners=sweep.miners,
        strangers=sweep.strangers, unreadable=sweep.unreadable, note=sweep.note,
    ).where(SweepRow.id == sweep_id).execute(db)  # fmt: skip


def sweeps(db: Database, *, limit: int = 1) -> list[Sweep]:
    """Return the newest sweeps first."""
    query = SweepRow.select().order_by(SweepRow.id.desc()).limit(limit)
    return [Sweep(**{k: v for k, v in row.items() if k != "id"}) for row in dicts(query, db)]


def save_stranger(db: Database, stranger: Stranger) -> None:
    """Note an address that answers but is no miner we can read."""
    fields: dict[str, Any] = {
        "kind": stranger.kind, "code": stranger.code, "reason": stranger.reason, "last_seen_at": stranger.last_seen_at,
        "failures": stranger.failures, "next_probe_at": stranger.next_probe_at,
    }  # fmt: skip
    StrangerRow.insert(ip=stranger.ip, first_seen_at=stranger.first_seen_at, **fields).on_conflict(
        conflict_target=[StrangerRow.ip], update=fields
    ).execute(db)
    surplus = StrangerRow.select().bind(db).count() - MAX_STRANGERS
    if surplus > 0:
        oldest = StrangerRow.select(StrangerRow.ip).order_by(StrangerRow.last_seen_at).limit(surplus)
        StrangerRow.delete().where(StrangerRow.ip.in_(oldest)).execute(db)


def forget_strangers(db: Database, ips: Iterable[str]) -> None:
    """Drop addresses that turned out to be miners or that answer no more."""
    StrangerRow.delete().where(StrangerRow.ip.in_(list(ips))).execute(db)


def strangers(db: Database) -> list[Stranger]:
    """Return all strangers by address."""
    return [Stranger(**row) for row in dicts(StrangerRow.select().order_by(StrangerRow.ip), db)]


def _newest_id(db: Database, table: Any) -> int:
    newest = table.select(table.id).order_by(table.id.desc()).limit(1).bind(db).scalar()
    return int(newest or 0)
