"""Who may steer miners is told once, when this box can steer for the first time: an update must surprise nobody."""

from __future__ import annotations

import logging

from hived.records.events import Event
from hived.store import Database, daemon_rows, events
from hived.store.access import users
from hived.store.miners import miners

log = logging.getLogger(__name__)


def tell_once(db: Database, at: float) -> None:
    """Say in an event and in the journal who may give orders, and for how many miners."""
    if not daemon_rows.first_time(db, "steering_told"):
        return
    who = ", ".join(f"{user.name} ({user.role})" for user in users.listing(db) if user.role != "viewer") or "nobody yet"
    known = miners.known(db)
    managed = sum(one.managed for one in known)
    events.add(db, [Event("steering_ready", at, {"who": who, "managed": managed, "miners": len(known)})])
    log.info(
        "ready to steer: %d of %d miners are managed, and nothing is done to one without an order", managed, len(known)
    )
    log.info("who may order: %s; and tokens, if they have the scope steer", who)
