"""Keys of nodes as the master checks them: only hashes are kept."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from hived.errors import Forbidden
from hived.records.joining import NodeKey
from hived.store.engine.database import Database, tuples
from hived.store.schema import Node
from hived.store.schema import NodeKey as KeyRow

USED_EVERY_S = 60.0  # how exactly the last use is known; each note of it is a write


@dataclass(frozen=True, slots=True)
class Key:
    """An active key of an approved node."""

    id: str
    node_id: str
    node_name: str
    scope: str
    used_at: float | None
    secret_hash: str = field(repr=False)


def find(db: Database, shown: NodeKey) -> Key | None:
    """Return the key that a secret proves; None when it is unknown, wrong or not active, or its node not approved."""
    query = (
        KeyRow.select(KeyRow.id, KeyRow.node, KeyRow.secret_hash, KeyRow.scope, KeyRow.used_at, Node.name)
        .join(Node, on=(KeyRow.node == Node.id))
        .where(KeyRow.id == shown.id, KeyRow.status == "active", Node.status == "approved")
    )
    rows = tuples(query, db)
    known = Key(rows[0][0], rows[0][1], rows[0][5], rows[0][3], rows[0][4], rows[0][2]) if rows else None
    right = hmac.compare_digest(known.secret_hash if known else "0" * 64, shown.secret_hash)
    return known if right else None


def hash_of(db: Database, node_id: str, key_id: str) -> str | None:
    """Return the hash of a key of a node, whether it still opens or not; None when it is not known."""
    rows = tuples(KeyRow.select(KeyRow.secret_hash).where(KeyRow.id == key_id, KeyRow.node == node_id), db)
    return str(rows[0][0]) if rows else None


def must_open(db: Database, key_id: str) -> None:
    """Raise Forbidden unless a key still opens: a body may be on its way for half a minute after the key was shown."""
    opens = (
        KeyRow.select()
        .join(Node, on=(KeyRow.node == Node.id))
        .where(KeyRow.id == key_id, KeyRow.status == "active", Node.status == "approved")
    )
    if not opens.bind(db).exists():
        raise Forbidden("this key was ended while the request was on its way")


def used(db: Database, key: Key, at: float) -> int:
    """Note that a key was used. Its first use ends the node's older keys of the same scope; return how many."""
    KeyRow.update(used_at=at).where(KeyRow.id == key.id).execute(db)
    if key.used_at is not None:
        return 0
    mine = KeyRow.select(KeyRow.created_at).where(KeyRow.id == key.id)
    return int(
        KeyRow.update(status="revoked", ended_at=at)
        .where(
            KeyRow.node == key.node_id, KeyRow.id != key.id, KeyRow.scope == key.scope, KeyRow.status == "active",
            KeyRow.created_at <= mine,
        )
        .execute(db)
    )  # fmt: skip
