"""Nodes as JSON: of keys only their ids and phrases, never what proves them."""

from __future__ import annotations

from typing import Any, TypedDict

from hived.documents.shared import Json, rfc3339
from hived.records.node import PENDING, KeyView, NodeView
from hived.records.peers import Peer


class KeyDocument(TypedDict):
    key_id: str
    scope: str
    status: str
    phrase: str | None
    address: str | None
    created_at: str | None
    used_at: str | None


class LagDocument(TypedDict):
    """Rows of one stream that are not here yet."""

    behind: int
    oldest_at: str | None


class NodeDocument(TypedDict):
    """`phrases` are those of the keys that wait; `state` is null for a collector that is not ours."""

    node_id: str
    name: str
    site: str | None
    role: str
    status: str
    state: str | None
    since: str | None
    phrases: list[str | None]
    version: str | None
    address: str | None
    contact_at: str | None
    asked_at: str | None
    lag: dict[str, LagDocument]
    skew_s: float | None
    secure: bool
    health: dict[str, Any] | None
    keys: list[KeyDocument]
    miners: dict[str, int]


class PeerDocument(TypedDict):
    """`since`: when it came to its state."""

    name: str
    node_id: str
    role: str
    state: str
    since: str | None
    version: str | None
    addresses: list[str]
    port: int | None
    url: str | None
    tls: bool
    fingerprint: str | None
    seen_at: str | None
    verified_at: str | None
    reason: str | None


def node(one: NodeView) -> NodeDocument:
    """Return *node*."""
    return {
        "node_id": one.node_id, "name": one.name, "site": one.site, "role": one.role, "status": one.status,
        "state": one.state, "since": rfc3339(one.since),
        "phrases": [key.phrase for key in one.keys if key.status == PENDING], "version": one.version,
        "address": one.address, "contact_at": rfc3339(one.contact_at), "asked_at": rfc3339(one.asked_at),
        "lag": {
            stream: {"behind": behind, "oldest_at": rfc3339(oldest)} for stream, (behind, oldest) in one.lag.items()
        },
        "skew_s": None if one.skew_s is None else round(one.skew_s, 3), "secure": one.secure,
        "health": one.health or None, "keys": [_key(key) for key in one.keys],
        "miners": {"total": one.miners, "online": one.online},
    }  # fmt: skip


def _key(one: KeyView) -> KeyDocument:
    return {
        "key_id": one.key_id, "scope": one.scope, "status": one.status, "phrase": one.phrase, "address": one.address,
        "created_at": rfc3339(one.created_at), "used_at": rfc3339(one.used_at),
    }  # fmt: skip


def added(node_id: str, key: str) -> Json:
    """Return the key of a collector, which is shown this once."""
    return {"node_id": node_id, "key": key}


def code(text: str, expires_at: float) -> Json:
    """Return a code that lets one node in."""
    return {"code": text, "expires_at": rfc3339(expires_at)}


def peer(one: Peer) -> PeerDocument:
    """Return a peer."""
    return {
        "name": one.name, "node_id": one.id, "role": one.role, "state": one.state, "since": rfc3339(one.since),
        "version": one.version, "addresses": list(one.addresses), "port": one.port or None, "url": one.url,
        "tls": one.tls, "fingerprint": one.fingerprint, "seen_at": rfc3339(one.seen_at),
        "verified_at": rfc3339(one.verified_at), "reason": one.reason,
    }  # fmt: skip
