"""Who was seen by zeroconf, what came of it, and whether this box is a master itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from hived.records.daemon import APID
from hived.records.events import Event
from hived.records.peers import ALIVE, DEAD, HERE, LEFT, MASTER, SIGHTED, Master, Peer
from hived.store import events as event_rows
from hived.store.engine.db import Database, dicts
from hived.store.schema import Daemon
from hived.store.schema.nodes import Node
from hived.store.schema.nodes import Peer as Row

MAX_PEERS = 512
"""Rows kept: more than a site has boxes, and few enough that invented ones cost nothing."""

_LEAVE_FIRST = {SIGHTED: 0, DEAD: 1, LEFT: 1}


def save(db: Database, peers: Iterable[Peer], events: Iterable[Event] = ()) -> None:
    """Store what was found out of these peers, and what is worth telling of it."""
    for peer in peers:
        fields = asdict(peer) | {"addresses": json.dumps(peer.addresses)}
        Row.insert(fields).on_conflict(conflict_target=[Row.name, Row.id], update=fields).execute(db)
    event_rows.add(db, events)


def forget(db: Database, keys: Iterable[tuple[str, str]]) -> None:
    """Drop rows by name and id."""
    for name, node_id in keys:
        Row.delete().where(Row.name == name, Row.id == node_id).execute(db)


def rows(db: Database) -> list[Peer]:
    """Return all peers: those that are here first, then by name."""
    found = [_peer(row) for row in dicts(Row.select(), db)]
    return sorted(found, key=lambda peer: (peer.state not in HERE, peer.name.lower(), peer.id))


def masters(db: Database) -> list[Master]:
    """Return the masters that were proven and are alive, the one proven last first; each id once."""
    query = Row.select().where(Row.state == ALIVE, Row.role == MASTER, Row.verified_at.is_null(False))
    found: dict[str, Master] = {}
    for row in dicts(query.order_by(Row.verified_at.desc()), db):
        peer = _peer(row)
        if peer.url is not None:
            found.setdefault(peer.id, Master(peer.id, peer.name, peer.url, peer.fingerprint, peer.tls))
    return list(found.values())


def surplus(
    peers: Iterable[Peer], most: int = MAX_PEERS, *, place: Callable[[Sequence[str]], str] = " ".join
) -> list[Peer]:
    """Return who has to leave so that at most so many stay: the unproven first, then the dead; the oldest of each.

    Of the unproven those go first whose place (by their addresses) has most others that were seen later or answered
    better when asked, so that no flood of names keeps a true one out.
    """
    known = list(peers)
    known.sort(key=lambda peer: (peer.misses if peer.state == SIGHTED else 0, -peer.seen_at))
    before: Counter[str] = Counter()
    order: dict[int, tuple[int, int, float, float]] = {}
    for peer in known:
        sighted = peer.state == SIGHTED
        where = place(peer.addresses) if sighted else ""
        rank = _LEAVE_FIRST.get(peer.state, 2)
        order[id(peer)] = rank, -before[where] if sighted else 0, -peer.misses if sighted else 0, peer.seen_at
        before[where] += sighted
    known.sort(key=lambda peer: order[id(peer)])
    return known[: max(0, len(known) - most)]


def is_master(db: Database, node_id: str, *, fresh_after: float) -> bool:
    """Tell whether this box is a master: its own node row says so and its hive-apid gave a sign lately."""
    node = Node.select(Node.role).where(Node.id == node_id).bind(db).scalar()
    if node != MASTER:
        return False
    beat = Daemon.select(Daemon.beat_at).where(Daemon.name == APID).bind(db).scalar()
    return beat is not None and beat > fresh_after


def _peer(row: dict[str, Any]) -> Peer:
    return Peer(**(row | {"addresses": tuple(json.loads(row["addresses"])), "tls": bool(row["tls"])}))
