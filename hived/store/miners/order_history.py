"""What orders did to miners: for the laws, and for the way back."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hived.records.laws import History
from hived.records.orders import UNDOABLE
from hived.records.steering import VERBS
from hived.store.engine.database import Database, tuples
from hived.store.schema import MinerOrder, OrderTarget

HOUR_S = 3600.0


def histories(
    db: Database, nums: Sequence[int] | None, at: float, *, settle_s: float, but: int | None = None
) -> dict[int, History]:
    """Return what orders (`but` one) did to miners lately, of those that they did anything to; `nums` None: of all."""
    span_s = max(HOUR_S, settle_s)
    since, until = at - span_s, at + span_s  # what lies farther ahead was written by a clock that was wrong
    query = (
        OrderTarget.select(OrderTarget.num, MinerOrder.verb, OrderTarget.sent_at, OrderTarget.at, OrderTarget.state)
        .join(MinerOrder, on=(MinerOrder.id == OrderTarget.order))
        .where(OrderTarget.sent_at > since, OrderTarget.sent_at < until)
    )
    if but is not None:
        query = query.where(OrderTarget.order != but)
    if nums is not None:
        query = query.where(OrderTarget.num.in_(list(nums)))
    found: dict[int, History] = {}
    for num, verb, sent_at, done_at, state in tuples(query, db):
        if state not in UNDOABLE:
            continue
        known = found.get(num, History())
        touched_at = math.inf if state == "running" else done_at  # nobody knows yet how it will be
        known = replace(known, touched_at=max(known.touched_at, touched_at))
        if verb == "reboot":
            known = replace(known, reboots=known.reboots + (sent_at > at - HOUR_S))
        elif VERBS[verb].rests:
            known = replace(known, settles_until=max(known.settles_until, done_at + settle_s))
        found[num] = known
    return found


def kept(db: Database, number: int) -> dict[int, dict[str, Any]]:
    """Return what is secret of how the miners of an order were before it, of those that had any: by miner."""
    query = OrderTarget.select(OrderTarget.num, OrderTarget.mac, OrderTarget.kept).where(
        OrderTarget.order == number, OrderTarget.kept.is_null(False)
    )
    found = {}
    for num, mac, sealed in tuples(query, db):
        opened = db.box.open_or_none(sealed, f"kept:{number}:{mac}")
        if opened is not None:
            found[num] = json.loads(opened)
    return found
