"""Maintenance and quiet hours, each change with its audit row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from hived.documents import alerts as documents
from hived.documents.alerts import AlertWindowDocument
from hived.documents.plans import when
from hived.records import alert_wishes
from hived.records.access import By
from hived.records.alerts import Window
from hived.records.plans import following
from hived.services.alerts.sight import is_on
from hived.store import Database, audit
from hived.store.alerts import windows


def listing(db: Database, at: float, zone: tzinfo | None = None) -> list[AlertWindowDocument]:
    """Return all windows by name. `zone` None: that of this box."""
    return [document(one, at, zone) for one in windows.listing(db)]


def document(told: Window, at: float, zone: tzinfo | None = None) -> AlertWindowDocument:
    """Return a window, and what comes next of it."""
    return documents.window(told, is_open=is_on(told, at, zone), coming=following(told.schedule, at, zone))


def add(db: Database, wish: Mapping[str, Any], by: By) -> Window:
    """Keep a window and return it; those that are over are forgotten. BadRequest or Conflict say why not."""
    for old in windows.listing(db):
        if following(old.schedule, by["at"], None) is None:
            windows.remove(db, old.id)
    wanted = alert_wishes.window(wish, by["at"], by["who"])
    number = windows.add(db, wanted)
    after = {"kind": wanted.kind, "when": when(wanted.schedule), "scope": wanted.scope.to_json()}
    audit.note(db, **by, action="window.add", target=wanted.name, after=after)
    return next(one for one in windows.listing(db) if one.id == number)


def remove(db: Database, number: int, by: By) -> Window:
    """Take a window away and return it. NotFound."""
    found = windows.remove(db, number)
    audit.note(db, **by, action="window.remove", target=found.name, before={"when": when(found.schedule)})
    return found
