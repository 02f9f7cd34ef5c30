"""Counts that are looked at every second: they come from an index, never from the rows."""

from __future__ import annotations

import peewee as pw

from hived.store.engine.database import Database, tuples
from hived.store.schema import Artifact


def artifacts_by_state(db: Database) -> dict[str, int]:
    """Return how many artifacts are in each state."""
    return dict(tuples(Artifact.select(Artifact.state, pw.fn.COUNT(Artifact.id)).group_by(Artifact.state), db))
