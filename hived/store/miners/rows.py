"""Changes of a miner's row, so that whoever follows them gets to know: the master by its number, pages by its rev."""

from __future__ import annotations

from typing import Any

from hived.store.engine.counters import next_number, next_rev
from hived.store.engine.database import Database
from hived.store.schema import Health, Miner


def change(db: Database, num: int, at: float, **fields: Any) -> None:
    """Change a row and give it the next number of the stream `miners`."""
    seq = next_number(db, "miners")
    Miner.update(updated_at=at, seq=seq, **fields).where(Miner.num == num).execute(db)


def change_and_show(db: Database, num: int, at: float, **fields: Any) -> None:
    """Change a row as `change` does, and give it a new rev."""
    change(db, num, at, **fields)
    Health.update(rev=next_rev(db)).where(Health.num == num).execute(db)
