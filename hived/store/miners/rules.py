"""What the operator lays down for single miners, one row each; a miner of which nothing is said has none."""

from __future__ import annotations

import json

from hived.records.miner_rules import Hold, MinerRules
from hived.store.engine.database import Database
from hived.store.miners.rows import change_and_show
from hived.store.schema import MinerRules as Row


def save(db: Database, num: int, rules: MinerRules, at: float) -> None:
    """Store all that is laid down for a miner from now on; pages and the master follow."""
    Row.delete().where(Row.num == num).execute(db)
    if rules != MinerRules():
        Row.insert(
            num=num, group=rules.group, tags=json.dumps(rules.tags), locked=_text(rules.locked),
            protected=_text(rules.protected), min_preset=rules.min_preset,
        ).execute(db)  # fmt: skip
    change_and_show(db, num, at)


def _text(hold: Hold | None) -> str | None:
    return None if hold is None else hold.to_text()
