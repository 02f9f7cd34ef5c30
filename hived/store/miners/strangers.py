"""What only ever claimed to be a miner, and models that no miner has: they leave with all their rows.

Anything on the network can invent a MAC, a model or a version with every answer; what is real has been opened, or read,
or set up by somebody.
"""

from __future__ import annotations

import peewee as pw

from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, tuples
from hived.store.schema import Event, Health, Ladder, Miner, Model

AT_ONCE = 500
"""Rows that one transaction deletes."""


def forget(db: Database, gone_before: float) -> int:
    """Forget miners that nobody ever opened, read or set up and that are gone since before a time; return how many."""
    never = Miner.agreed_ip.is_null() & Miner.api_key.is_null() & Miner.unlock_password.is_null() & ~Miner.managed
    gone = ~Miner.online & ~Miner.remote & Health.status_at.is_null() & (Health.seen_at < gone_before)
    rows = Miner.select(Miner.num).join(Health, on=(Health.num == Miner.num)).where(never, gone)
    nums = [num for (num,) in tuples(rows.order_by(Health.seen_at).limit(AT_ONCE), db)]
    if nums:
        Event.delete().where(Event.num.in_(nums)).execute(db)
        Miner.delete().where(Miner.num.in_(nums)).execute(db)
        next_rev(db)
    return len(nums)


def forget_models(db: Database, told_before: float, *, most: int = AT_ONCE, only_own: bool = False) -> int:
    """Forget models that no miner has, not told of since a time and without a limit set; return how many.

    `only_own`: none that another node told of.
    """
    used = Miner.select(Miner.model_alias).where(Miner.model_alias == Model.short)
    unused = ~pw.fn.EXISTS(used) & Model.max_preset.is_null() & (Model.refreshed_at < told_before)
    if only_own:
        unused &= Model.told_by.is_null()
    rows = Model.select(Model.short).where(unused).order_by(Model.refreshed_at).limit(most)
    names = [name for (name,) in tuples(rows, db)]
    for table in (Ladder, Model):
        table.delete().where(table.short.in_(names)).execute(db)
    return len(names)
