"""What every wing asks of the nodes: their names, who does not tell any more, how one can be reached."""

from __future__ import annotations

from hived.errors import NotFound
from hived.records.node import DEAD, LEFT, NODE, REVOKED
from hived.store.engine.database import Database, tuples
from hived.store.schema import Node


def names(db: Database) -> dict[str, str]:
    """Return {node id: name}."""
    return dict(tuples(Node.select(Node.id, Node.name), db))


def away(db: Database) -> frozenset[str]:
    """Return the nodes that do not tell any more: dead, left or revoked. Who never was in contact is not missed."""
    query = Node.select(Node.id).where(
        Node.role == NODE, Node.contact_at.is_null(False), Node.state.in_((DEAD, LEFT)) | (Node.status == REVOKED)
    )
    return frozenset(node_id for (node_id,) in tuples(query, db))


def link(db: Database, node_id: str) -> tuple[str, str, bool]:
    """Return a node's name, its status, and whether nobody could read its last contact; NotFound for no node."""
    rows = tuples(Node.select(Node.name, Node.status, Node.secure).where(Node.id == node_id), db)
    if not rows:
        raise NotFound(f"there is no node {node_id[:40]!r}")
    name, status, secure = rows[0]
    return str(name), str(status), bool(secure)
