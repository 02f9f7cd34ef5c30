"""What every wing asks of the nodes: their names, who does not watch its miners, how one can be reached."""

from __future__ import annotations

import json

from hived.errors import NotFound
from hived.records.node import NODE, BlindNode, blind_code
from hived.store.engine.database import Database, tuples
from hived.store.schema import Node


def names(db: Database) -> dict[str, str]:
    """Return {node id: name}."""
    return dict(tuples(Node.select(Node.id, Node.name), db))


def blind(db: Database) -> tuple[BlindNode, ...]:
    """Return the nodes that do not watch their miners, by name. Who never was in contact is not missed."""
    query = (
        Node.select(Node.id, Node.name, Node.status, Node.state, Node.contact_at, Node.health)
        .where(Node.role == NODE, Node.contact_at.is_null(False))
        .order_by(Node.name, Node.id)
    )
    found = []
    for node_id, name, status, state, contact_at, health in tuples(query, db):
        code = blind_code(status, state, json.loads(health))
        if code is not None:
            found.append(BlindNode(node_id, name, code, None if code == "node_unpolled" else contact_at))
    return tuple(found)


def link(db: Database, node_id: str) -> tuple[str, str, bool]:
    """Return a node's name, its status, and whether nobody could read its last contact; NotFound for no node."""
    rows = tuples(Node.select(Node.name, Node.status, Node.secure).where(Node.id == node_id), db)
    if not rows:
        raise NotFound(f"there is no node {node_id[:40]!r}")
    name, status, secure = rows[0]
    return str(name), str(status), bool(secure)
