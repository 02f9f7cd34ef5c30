"""What an admin decides about nodes, by API or by command: each decision with its audit row."""

from __future__ import annotations

from typing import Any

from hived.errors import BadRequest
from hived.records import untrusted
from hived.records.access import By
from hived.records.joining import NodeKey, as_node_id
from hived.records.untrusted import BadValue
from hived.store import Database, audit
from hived.store.nodes import nodes


def approve(db: Database, node_id: str, phrase: str | None, by: By) -> str:
    """Let a waiting key of a node in and return the node's name."""
    key_id = nodes.approve(db, node_id, phrase, by=by["who"], now=by["at"])
    name = nodes.name_of(db, node_id)
    audit.note(db, **by, action="node.approve", target=node_id, after={"name": name, "key_id": key_id})
    return name


def revoke(db: Database, node_id: str, by: By) -> str:
    """End all keys of a node and return its name."""
    name = nodes.name_of(db, node_id)
    nodes.revoke(db, node_id, by=by["who"], now=by["at"])
    audit.note(db, **by, action="node.revoke", target=node_id, before={"name": name})
    return name


def refuse(db: Database, node_id: str, phrase: str | None, by: By) -> str:
    """Refuse the waiting keys of a node, or one; who was never let in is revoked with it. Return the node's name."""
    name = nodes.name_of(db, node_id)
    key_id = nodes.refuse(db, node_id, phrase, now=by["at"])
    audit.note(db, **by, action="node.refuse", target=node_id, before={"name": name, "key_id": key_id})
    return name


def refuse_all(db: Database, by: By) -> int:
    """Forget every wish to join and return how many there were."""
    count = nodes.refuse_all(db)
    audit.note(db, **by, action="node.refuse", after={"wishes": count})
    return count


def remove(db: Database, node_id: str, by: By) -> str:
    """Forget a node and return its name."""
    name = nodes.name_of(db, node_id)
    nodes.remove(db, node_id)
    audit.note(db, **by, action="node.remove", target=node_id, before={"name": name})
    return name


def add(db: Database, node_id: str, name: str, by: By) -> NodeKey:
    """Let a collector that is not ours in and return its key."""
    key = nodes.add(db, node_id, name, by=by["who"], now=by["at"])
    audit.note(db, **by, action="node.add", target=node_id, after={"name": name, "key_id": key.id})
    return key


def new_code(db: Database, by: By, *, key: str | None, node_id: str | None = None) -> tuple[str, float]:
    """Return a code that lets one node in, and until when it does.

    `key` and `node_id` as `nodes.make_code` takes them. NotFound for a node that is not known.
    """
    if node_id is not None:
        nodes.name_of(db, node_id)
    code, expires_at = nodes.make_code(db, by=by["who"], now=by["at"], key=key, node_id=node_id)
    audit.note(db, **by, action="node.code", target=node_id, after={"expires_at": expires_at})
    return code, expires_at


def node_id_of(value: Any) -> str:
    """Return the id of a node as an operator gives it."""
    try:
        return as_node_id(value)
    except BadValue:
        raise BadRequest("node_id: expected at most 64 letters, digits, dots, hyphens, colons, underscores") from None


def name_of(value: Any) -> str:
    """Return the name of a node as an operator gives it."""
    try:
        return untrusted.word(value, "name", 100)
    except BadValue:
        raise BadRequest("name: expected at most 100 characters") from None
