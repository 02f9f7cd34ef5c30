"""The pools that miners may mine at: kept on the master, which judges all its miners by them."""

from __future__ import annotations

from dataclasses import replace

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.pools import AllowedPool
from hived.store import daemon_rows
from hived.store.engine.database import Database, dicts
from hived.store.schema import AllowedPool as Row

MOST = 500
"""Entries; each miner is compared with all of them."""
_STRICTER = "pools_stricter"


def listing(db: Database) -> tuple[AllowedPool, ...]:
    """Return all entries in the order in which they were made."""
    return tuple(
        AllowedPool(**{**row, "worker": row["worker"] or None}) for row in dicts(Row.select().order_by(Row.id), db)
    )


def add(db: Database, entry: AllowedPool, *, by: str, at: float) -> AllowedPool:
    """Store an entry. Conflict when it is there, BadRequest for one too many."""
    known = listing(db)
    if any((one.url, one.worker) == (entry.url, entry.worker) for one in known):
        raise Conflict("this is allowed already")
    if len(known) >= MOST:
        raise BadRequest(f"there are {MOST} entries already: * stands for anything in a pool and in a worker")
    if not known:  # until now nothing was judged
        daemon_rows.note(db, _STRICTER, at)
    number = Row.insert(url=entry.url, worker=entry.worker or "", added_at=at, added_by=by[:200]).execute(db)
    return replace(entry, id=int(number), added_at=at, added_by=by[:200])


def stricter_at(db: Database) -> float:
    """Return when the list was last changed so that a pool in use may be foreign now, though no miner changed."""
    return daemon_rows.noted(db, _STRICTER) or 0.0


def remove(db: Database, number: int, *, at: float) -> AllowedPool:
    """Take an entry away and return it. NotFound."""
    found = next((one for one in listing(db) if one.id == number), None)
    if found is None:
        raise NotFound(f"there is no entry {number}")
    Row.delete().where(Row.id == number).execute(db)
    daemon_rows.note(db, _STRICTER, at)
    return found
