"""How many orders that are over are kept, and which of them for longer."""

from __future__ import annotations

from typing import Any

import peewee as pw

from hived.records.orders import FROM_MASTER, KEEP_ORDERS
from hived.records.steering import VERBS
from hived.store.engine.database import Database, tuples
from hived.store.schema import MinerOrder, OrderTarget, Plan

HOUR_S = 3600.0
MOST_TARGETS = 100_000
"""Of orders that are over: a target is about a kilobyte."""


def forget(db: Database, newest: int, at: float) -> None:
    """Let go of the oldest orders that are over, where there are too many of them or of their targets.

    What is still needed stays: for the way back of a plan, for lights that flash, for laws that look back an hour.
    A master's order comes in many small ones, of which only the targets count.
    """
    count = pw.fn.COUNT(OrderTarget.num)
    kept = OrderTarget.select(OrderTarget.order, count).group_by(OrderTarget.order).order_by(OrderTarget.order.desc())
    masters = MinerOrder.via.in_(list(FROM_MASTER.values()))
    last = MinerOrder.select(MinerOrder.id).where(~masters).order_by(MinerOrder.id.desc()).offset(KEEP_ORDERS).limit(1)
    total, oldest, too_old = 0, 0, int((tuples(last, db) or [(0,)])[0][0])
    for number, targets in tuples(kept, db):
        total += targets
        if total > MOST_TARGETS and number < newest:
            oldest = max(oldest, number)
            break
    few = ((MinerOrder.id <= too_old) & ~masters) | (MinerOrder.id <= oldest)
    over = MinerOrder.select(MinerOrder.id).where(
        few, MinerOrder.finished_at.is_null(False), MinerOrder.id.not_in(_needed(at))
    )
    MinerOrder.delete().where(MinerOrder.id.in_(over)).execute(db)


def _needed(at: float) -> Any:
    bound = [name for name, verb in VERBS.items() if verb.rests or name == "reboot"]
    lately = (
        OrderTarget.select(OrderTarget.order)
        .join(MinerOrder, on=(MinerOrder.id == OrderTarget.order))
        .where(OrderTarget.ends_at.is_null(False) | ((OrderTarget.sent_at > at - HOUR_S) & MinerOrder.verb.in_(bound)))
    )
    return lately | Plan.select(Plan.last_order).where(Plan.last_order.is_null(False))
