"""What goes wrong with a miner, as its row keeps it: the last error, their count, and which troubles are open."""

from __future__ import annotations

from typing import Any

from hived.errors import PARTS
from hived.records import troubles
from hived.records.events import Event
from hived.store import events
from hived.store.engine.database import Database, tuples
from hived.store.schema import Health


def note(db: Database, num: int, at: float, code: str | None, reason: str, *, is_trouble: bool) -> None:
    """Record an error as `miners.failed` does, for one who gives the miner's row its rev.

    `is_trouble`: False for what is missing in an answer that was read. Such a part does not hide why there is no
    status at all.
    """
    standing = Health.select(Health.failures, Health.troubles).where(Health.num == num)
    rows = tuples(standing, db)
    if not rows:
        return  # it was removed meanwhile
    failures, text = rows[0]
    change: dict[str, Any] = {"error_count": Health.error_count + 1}
    if not (failures and code in PARTS):
        change |= {"last_error": reason, "last_error_code": code, "last_error_at": at}
    if is_trouble:
        still_open, is_new = troubles.seen(troubles.from_text(text), code, at)
        change["troubles"] = troubles.to_text(still_open)
        if is_new:
            detail = {"error": reason, **({} if code is None else {"code": code})}
            events.add(db, [Event("miner_error", at, detail, num=num)])
    Health.update(**change).where(Health.num == num).execute(db)


def told_status(db: Database, num: int, at: float) -> None:
    """Note that a miner told how it is: troubles that have not shown for long are over."""
    text = Health.select(Health.troubles).where(Health.num == num).bind(db).scalar()
    still_open = troubles.told_status(troubles.from_text(text), at)
    Health.update(troubles=troubles.to_text(still_open)).where(Health.num == num).execute(db)
