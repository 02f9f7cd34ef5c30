"""Nodes as JSON: of keys only their ids and phrases, never what proves them."""

from __future__ import annotations

from typing import Any, TypedDict

from hived.documents.shared import rfc3339
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

    behind: int | None
    oldest_at: str | None


class NodeDocument(TypedDict):
    """`phrases` are those of the keys that wait; `state` is null for a collector that is not ours.

    `gone`: it is dead, was stopped or is revoked. Then what it said last is of `contact_at`, and how many of its miners
    are online, which of its daemons run and how much it has still to send is null: nobody knows. `full`: what is not
    taken of it any more (miners, models, artifacts, bytes), and since when.
    """

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
    gone: bool
    miners: dict[str, int | None]
    full: dict[str, str | None]


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


class CollectorKeyDocument(TypedDict):
    """The key of a collector, shown this once."""

    node_id: str
    key: str


class CodeDocument(TypedDict):
    """A code that lets one node in."""

    code: str
    expires_at: str | None


class RefusedDocument(TypedDict):
    """How many wishes to join were forgotten."""

    refused: int


def node(view: NodeView) -> NodeDocument:
    """Return *node*."""
    return {
        "node_id": view.node_id, "name": view.name, "site": view.site, "role": view.role, "status": view.status,
        "state": view.state, "since": rfc3339(view.since),
        "phrases": [key.phrase for key in view.keys if key.status == PENDING], "version": view.version,
        "address": view.address, "contact_at": rfc3339(view.contact_at), "asked_at": rfc3339(view.asked_at),
        "lag": {
            stream: {"behind": None if view.gone else behind, "oldest_at": rfc3339(oldest)}
            for stream, (behind, oldest) in view.lag.items()
        },
        "skew_s": None if view.skew_s is None else round(view.skew_s, 3), "secure": view.secure,
        "health": _health(view) or None, "gone": view.gone, "keys": [_key(key) for key in view.keys],
        "miners": {"total": view.miners, "online": None if view.gone else view.online},
        "full": {name: rfc3339(at) for name, at in view.full.items()},
    }  # fmt: skip


def _health(view: NodeView) -> dict[str, Any]:
    daemons = view.health.get("daemons")
    if not view.gone or not isinstance(daemons, dict):
        return view.health
    return {**view.health, "daemons": {name: {**told, "alive": None} for name, told in daemons.items()}}


def _key(key: KeyView) -> KeyDocument:
    return {
        "key_id": key.key_id, "scope": key.scope, "status": key.status, "phrase": key.phrase, "address": key.address,
        "created_at": rfc3339(key.created_at), "used_at": rfc3339(key.used_at),
    }  # fmt: skip


def added(node_id: str, key: str) -> CollectorKeyDocument:
    """Return the key of a collector, which is shown this once."""
    return {"node_id": node_id, "key": key}


def code(text: str, expires_at: float) -> CodeDocument:
    """Return a code that lets one node in."""
    return {"code": text, "expires_at": rfc3339(expires_at)}


def peer(seen: Peer) -> PeerDocument:
    """Return a peer."""
    return {
        "name": seen.name, "node_id": seen.id, "role": seen.role, "state": seen.state, "since": rfc3339(seen.since),
        "version": seen.version, "addresses": list(seen.addresses), "port": seen.port or None, "url": seen.url,
        "tls": seen.tls, "fingerprint": seen.fingerprint, "seen_at": rfc3339(seen.seen_at),
        "verified_at": rfc3339(seen.verified_at), "reason": seen.reason,
    }  # fmt: skip
