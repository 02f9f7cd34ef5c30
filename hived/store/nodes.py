"""The nodes that a master knows, its own included."""

from __future__ import annotations

from hived.store.db import Database
from hived.store.schema import Node


def save_own(db: Database, *, node_id: str, name: str, site: str | None, version: str, at: float) -> None:
    """Write down that this node is a master, and how it is called now."""
    now = {"name": name, "site": site, "role": "master", "status": "approved", "version": version}
    Node.insert(id=node_id, decided_at=at, state="alive", since=at, **now).on_conflict(
        conflict_target=[Node.id], update=now
    ).execute(db)
