"""Who changed what: one row for each change, written in the transaction that makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hived.store.engine.database import Database, dicts
from hived.store.schema import Audit

KEEP = 100_000  # a site with ten changes an hour keeps a year
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
    Audit.delete().where(Audit.id <= int(number) - KEEP).execute(db)


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
