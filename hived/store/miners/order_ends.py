"""How orders end before all their miners were asked, and lights that have flashed long enough."""

from __future__ import annotations

import peewee as pw

from hived.records.events import Event
from hived.records.orders import OPEN, Target
from hived.store import events
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners.orders import end_pending, head, target_of
from hived.store.schema import MinerOrder, OrderTarget


def expire(db: Database, at: float) -> None:
    """End what waits of orders whose time is over."""
    over = MinerOrder.select(MinerOrder.id).where(MinerOrder.finished_at.is_null(), MinerOrder.expires_at <= at)
    for (number,) in tuples(over, db):
        end_pending(db, number, "expired", None, at)


def cancel(db: Database, number: int, by: str, at: float) -> int:
    """End what waits of an order; return how many that were. What was asked already goes on. NotFound."""
    order = head(db, number)
    if order.finished_at is None and order.cancelled_at is None:
        # Also where nothing waits any more: nodes have a part of it, or what was about to be sent would be sent again.
        MinerOrder.update(cancelled_at=at, cancelled_by=by[:200]).where(MinerOrder.id == number).execute(db)
    return end_pending(db, number, "cancelled", None, at)


def stop_refused(db: Database, at: float) -> list[int]:
    """Stop the orders that as many miners in a row refused as they allow; return which.

    A few sick miners among many that do it stop nothing.
    """
    refused = OrderTarget.select(OrderTarget.order).where(OrderTarget.state == "refused").distinct()
    waiting = OrderTarget.select(OrderTarget.order).where(OrderTarget.state == "pending")
    query = MinerOrder.select(MinerOrder.id, MinerOrder.stop_after).where(
        MinerOrder.finished_at.is_null(), MinerOrder.id.in_(waiting), MinerOrder.id.in_(refused)
    )
    stopped = []
    for number, most in tuples(query, db):
        done = OrderTarget.select(pw.fn.COALESCE(pw.fn.MAX(OrderTarget.at), 0.0)).where(
            OrderTarget.order == number, OrderTarget.state == "confirmed"
        )
        count = OrderTarget.select().where(
            OrderTarget.order == number, OrderTarget.state == "refused", OrderTarget.at > done
        )
        if count.bind(db).count() >= most:
            MinerOrder.update(stopped_at=at).where(MinerOrder.id == number).execute(db)
            events.add(db, [Event("order_stopped", at, {"order": number, "refused": most})])
            end_pending(db, number, "cancelled", "stopped", at)
            stopped.append(number)
    return stopped


def lights(db: Database, at: float) -> list[Target]:
    """Return the miners whose lights flash for an order and should not any more."""
    query = OrderTarget.select().where(OrderTarget.ends_at <= at, OrderTarget.state.not_in(OPEN))
    return [target_of(row, "locate") for row in dicts(query, db)]


def lights_off(db: Database, target: Target) -> None:
    """Note that nothing has to be ended any more."""
    OrderTarget.update(ends_at=None).where(
        (OrderTarget.order == target.order) & (OrderTarget.num == target.num)
    ).execute(db)
