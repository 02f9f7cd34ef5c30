"""Growing numbers."""

from __future__ import annotations

from hived.store.engine import dialect
from hived.store.engine.database import Database

_NEXT = (
    "INSERT INTO counter (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = counter.value + ? RETURNING value"
)
"""Written out: every change takes a number or two, and to build this anew took a sixth of all that a change costs."""


def next_rev(db: Database) -> int:
    """Return a number greater than every one before: the mark of this transaction on the miners it changes.

    Whoever reads "rev > N" later misses nothing that was committed after N: see `next_number`.
    """
    return next_number(db, "rev")


def in_order(db: Database, name: str) -> None:
    """Let nobody else of that name go on until this transaction ends: what it adds is seen in the order of its ids.

    A sequence of PostgreSQL gives numbers that may be committed in another order, and who asks for "newer than N"
    would miss some. Take it after `next_rev`, never before.
    """
    next_number(db, name, 0)


def next_number(db: Database, name: str, count: int = 1) -> int:
    """Return the last of the next `count` numbers of a counter.

    Until the transaction ends its row is locked, so numbers are committed in the order in which they were given.
    """
    ((value,),) = dialect.rows(db, _NEXT, name, count, count)
    return int(value)
