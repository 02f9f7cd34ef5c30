"""Growing numbers."""

from __future__ import annotations

from hived.store.db import Database
from hived.store.schema import Counter


def next_rev(db: Database) -> int:
    """Return a number greater than every one before: the mark of this transaction on the miners it changes.

    Writers are serialised, so whoever reads "rev > N" later misses nothing that was committed after N.
    """
    Counter.insert(name="rev", value=1).on_conflict(
        conflict_target=[Counter.name], update={Counter.value: Counter.value + 1}
    ).execute(db)
    return int(Counter.select(Counter.value).where(Counter.name == "rev").bind(db).scalar())
