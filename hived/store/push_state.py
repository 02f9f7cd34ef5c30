"""What of the metrics could not be sent, as hive-alertd last said: a small row, while there is something to say."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from hived.store.engine.database import Database, tuples
from hived.store.schema import Setting

_NAME = "metrics_push"


@dataclass(frozen=True, slots=True)
class Unsent:
    """`since` the first failure; `waiting` and `lost` are readings of all metrics, one a minute."""

    since: float
    place: str
    why: str
    waiting: int
    waiting_bytes: int
    lost: int


def unsent(db: Database) -> Unsent | None:
    """Return what could not be sent; None when all could."""
    rows = tuples(Setting.select(Setting.value).where(Setting.name == _NAME), db)
    return Unsent(**json.loads(rows[0][0])) if rows else None


def keep(db: Database, what: Unsent | None) -> None:
    """Store what could not be sent, or that all could."""
    if what is None:
        Setting.delete().where(Setting.name == _NAME).execute(db)
        return
    text = json.dumps(asdict(what))
    Setting.insert(name=_NAME, value=text).on_conflict(
        conflict_target=[Setting.name], update={Setting.value: text}
    ).execute(db)
