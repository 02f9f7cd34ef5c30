"""Nodes as JSON: of keys only their ids and phrases, never what proves them."""

from __future__ import annotations

from hived.documents.shared import Json, rfc3339
from hived.records.node import PENDING, KeyView, NodeView
from hived.records.peers import Peer


def node(one: NodeView) -> Json:
    """Return *node*. `phrases` are those of the keys that wait; `state` is null for a collector that is not ours."""
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


def _key(one: KeyView) -> Json:
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


def peer(one: Peer) -> Json:
    """Return a peer; `since` is when it came to its state."""
    return {
        "name": one.name, "node_id": one.id, "role": one.role, "state": one.state, "since": rfc3339(one.since),
        "version": one.version, "addresses": list(one.addresses), "port": one.port or None, "url": one.url,
        "tls": one.tls, "fingerprint": one.fingerprint, "seen_at": rfc3339(one.seen_at),
        "verified_at": rfc3339(one.verified_at), "reason": one.reason,
    }  # fmt: skip
