"""Forget a source bit by bit: a museum's list is half a million rows, and other daemons want to write meanwhile."""

from __future__ import annotations

from hived.store.engine.database import Database
from hived.store.schema import Artifact, Frontier

AT_ONCE = 5000  # rows of one transaction: a tenth of a second


def some_of(db: Database, source_id: int, at_once: int = AT_ONCE) -> bool:
    """Drop a part of what a source lists, then let go of a part of its artifacts; False when nothing is left."""
    listed = Frontier.select(Frontier.id).where(Frontier.source == source_id).limit(at_once)
    if Frontier.delete().where(Frontier.id.in_(listed)).execute(db):
        return True
    brought = Artifact.select(Artifact.id).where(Artifact.source == source_id).limit(at_once)
    return bool(Artifact.update(source=None).where(Artifact.id.in_(brought)).execute(db))
