"""What every wing asks of the nodes: their names, who does not watch its miners, how one can be reached."""

from __future__ import annotations

import json

from hived.errors import NotFound
from hived.records.lending import AWAY_S
from hived.records.node import APPROVED, COLLECTOR, MASTER, NODE, BlindNode, blind_code
from hived.store.engine.database import Database, tuples
from hived.store.schema import Node


def names(db: Database) -> dict[str, str]:
    """Return {node id: name}."""
    return dict(tuples(Node.select(Node.id, Node.name), db))


def describers(db: Database, now: float) -> set[str]:
    """Return the nodes that describe what they collected, this box among them. 0.1.0 does not say so, but does."""
    query = Node.select(Node.id, Node.role, Node.health, Node.contact_at)
    return {
        node_id
        for node_id, role, health, contact_at in tuples(
            query.where(Node.status == APPROVED, Node.role != COLLECTOR), db
        )
        if json.loads(health).get("describes") is not False
        and (role == MASTER or (contact_at is not None and contact_at > now - AWAY_S))
    }


def own_describes(db: Database) -> bool:
    """Tell whether this box describes what it collected, as far as it says."""
    rows = tuples(Node.select(Node.health).where(Node.role == MASTER), db)
    return not rows or json.loads(rows[0][0]).get("describes") is not False


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
