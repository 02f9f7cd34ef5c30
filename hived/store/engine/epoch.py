"""The epoch: which incarnation of this database gave its numbers."""

from __future__ import annotations

import secrets

from hived.store.engine.database import Database
from hived.store.schema import Setting

_NAME = "epoch"


def epoch(db: Database) -> str:
    """Return the epoch that was made with the database, or last by `new_epoch`."""
    return str(Setting.select(Setting.value).where(Setting.name == _NAME).bind(db).scalar())


def new_epoch(db: Database) -> str:
    """Begin another epoch and return it: what was sent under the old one is to be sent anew."""
    value = secrets.token_hex(8)
    Setting.insert(name=_NAME, value=value).on_conflict(
        conflict_target=[Setting.name], update={Setting.value: value}
    ).execute(db)
    return value
