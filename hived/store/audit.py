"""Who changed what: one row for each change, written in the transaction that makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import peewee as pw

from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Audit

KEEP = 100_000  # a site with ten changes an hour keeps a year
SHARES = 100  # looked at after each hundredth of them
MAX_CHARS = 4096  # of before and of after; whoever sends much must not fill the disk with it


def note(
    db: Database, *, at: float, who: str, via: str, address: str | None, action: str, target: str | None = None,
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write who did what to what. The caller leaves secrets out: of a password only that it changed is said."""
    number = Audit.insert(
        at=at, who=who[:200], via=via, address=address, action=action, target=target[:200] if target else target,
        before=_text(before), after=_text(after),
    ).execute(db)  # fmt: skip
    if int(number) % max(1, KEEP // SHARES) == 0:
        _bound(db)


def _bound(db: Database) -> None:
    """Let go of what is too much: of that which one did most often the oldest.

    So nobody washes away what others did, nor with many small changes the large one of their own.
    """
    count = pw.fn.COUNT(Audit.id)
    groups = tuples(Audit.select(count, Audit.who, Audit.action).group_by(Audit.who, Audit.action).order_by(count), db)
    surplus = sum(rows for rows, _, _ in groups) - KEEP
    while surplus > 0:
        rows, who, action = groups.pop()
        of_these = (Audit.who == who) & (Audit.action == action)
        leaving = Audit.select(Audit.id).where(of_these).order_by(Audit.id).limit(min(surplus, rows))
        surplus -= int(Audit.delete().where(Audit.id.in_(leaving)).execute(db))


def listing(db: Database, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return rows newest first, those below an id only where one is given; `before` and `after` are objects again."""
    query = Audit.select().order_by(Audit.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Audit.id < before)
    return [{**row, "before": _read(row["before"]), "after": _read(row["after"])} for row in dicts(query, db)]


def _text(value: Mapping[str, Any] | None) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_CHARS else json.dumps({"cut": text[: MAX_CHARS // 2]})


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)
