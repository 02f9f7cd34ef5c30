"""Sources: where the auto-miner collects."""

from __future__ import annotations

from typing import Any

import peewee as pw

from hived.errors import Conflict
from hived.records.artifact import Source
from hived.store.engine.database import Database, dicts
from hived.store.schema import Artifact, Frontier, Refusal
from hived.store.schema import Source as Row

MAX_ERROR = 1000


def add(db: Database, *, name: str, base_url: str, kind: str, at: float) -> Source:
    """Store a new source and return it; Conflict when its base URL is known already."""
    if Row.select(Row.id).where(Row.base_url == base_url).bind(db).exists():
        raise Conflict(f"there is a source with the base URL {base_url} already")
    number = Row.insert(name=name, base_url=base_url, kind=kind, created_at=at).execute(db)
    return Source(id=int(number), name=name, base_url=base_url, kind=kind, created_at=at)


def every(db: Database) -> list[Source]:
    """Return all sources, newest first, with their counts."""
    return _sources(db, Row.select())


def one(db: Database, source_id: int) -> Source | None:
    """Return one source."""
    found = _sources(db, Row.select().where(Row.id == source_id))
    return found[0] if found else None


def remove(db: Database, source_id: int) -> bool:
    """Forget a source and what it lists; its artifacts stay. False when there is none."""
    return bool(Row.delete().where(Row.id == source_id).execute(db))


def began(db: Database, source_id: int, at: float) -> None:
    """Note that a turn of this source begins."""
    Row.update(last_run_at=at).where(Row.id == source_id).execute(db)


def listed(
    db: Database, source_id: int, *, cursor: str | None, since: float | None, listed_at: float | None, next_at: float,
    failures: int = 0,
) -> None:  # fmt: skip
    """Note how far the listing has come: `since` is when the listing under way began."""
    Row.update(
        cursor=cursor, listing_since=since, listed_at=listed_at, next_list_at=next_at, list_failures=failures
    ).where(Row.id == source_id).execute(db)


def failed(db: Database, source_id: int, code: str, reason: str, at: float, *, if_none: bool = False) -> None:
    """Record what went wrong with a source; `code` is the key of errors.PROBLEMS. `if_none`: unless something has."""
    query = Row.update(last_error=reason[:MAX_ERROR], last_error_code=code, last_error_at=at).where(Row.id == source_id)
    (query.where(Row.last_error.is_null()) if if_none else query).execute(db)


def mended(db: Database, source_id: int) -> None:
    """Forget what went wrong with a source: its list begins anew and is in order."""
    Row.update(last_error=None, last_error_code=None, last_error_at=None).where(Row.id == source_id).execute(db)


def refused(db: Database, source_id: int, reason: str, url: str, at: float) -> None:
    """Count an object that was not stored."""
    Refusal.insert(source=source_id, reason=reason[:200], count=1, last_url=url, last_at=at).on_conflict(
        conflict_target=[Refusal.source, Refusal.reason],
        update={Refusal.count: Refusal.count + 1, Refusal.last_url: url, Refusal.last_at: at},
    ).execute(db)
    Row.update(refused=Row.refused + 1).where(Row.id == source_id).execute(db)


def refusals(db: Database, source_id: int) -> list[dict[str, Any]]:
    """Return why objects of a source were refused: [{reason, count, last_url, last_at}], most frequent first."""
    query = Refusal.select(Refusal.reason, Refusal.count, Refusal.last_url, Refusal.last_at)
    return dicts(query.where(Refusal.source == source_id).order_by(Refusal.count.desc()).limit(50), db)


def _sources(db: Database, query: Any) -> list[Source]:
    stored = _counts(db, Artifact, Artifact.source)
    waiting = _counts(db, Frontier, Frontier.source, Frontier.state == "waiting")
    return [
        Source(**row, artifacts=stored.get(row["id"], 0), waiting=waiting.get(row["id"], 0))
        for row in dicts(query.order_by(Row.id.desc()), db)
    ]


def _counts(db: Database, table: Any, column: Any, *where: Any) -> dict[int, int]:
    query = table.select(column.alias("source"), pw.fn.COUNT(table.id).alias("n")).group_by(column)
    if where:
        query = query.where(*where)
    return {row["source"]: row["n"] for row in dicts(query, db)}
