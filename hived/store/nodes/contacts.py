"""What nodes say of themselves, and how long ago: alive, suspect, dead or left by their last contact."""

from __future__ import annotations

import json
from typing import Any

import peewee as pw

from hived.records.events import Event
from hived.records.node import (
    ALIVE,
    APPROVED,
    COLLECTOR,
    DEAD,
    DEAD_S,
    LEFT,
    MASTER,
    NODE,
    SUSPECT,
    SUSPECT_S,
    Contact,
    KeyView,
    NodeView,
)
from hived.records.streams import ROLLUP_S, STATUS, STREAMS, rollup_key
from hived.store import events
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Miner, Node, SyncPoint
from hived.store.schema import NodeKey as Key


def save(db: Database, node_id: str, told: Contact, *, address: str | None, secure: bool, now: float) -> None:
    """Store what a node says of itself. `secure`: it came over TLS."""
    back = Node.update(state=ALIVE, since=now).where(
        Node.id == node_id, Node.state == DEAD, Node.contact_at.is_null(False)
    )
    if back.execute(db):
        events.add(db, [Event("node_back", now, {"node_id": node_id, "name": told.name})])
    state = LEFT if told.leaving else ALIVE
    Node.update(
        name=told.name, site=told.site, version=told.version, epoch=told.epoch, address=address, secure=secure,
        contact_at=now, skew_s=told.at - now, health=json.dumps(told.health),
        lag=json.dumps({"newest": told.newest, "oldest_at": told.oldest_at}),
        since=pw.Case(None, [(Node.state == state, Node.since)], now), state=state,
    ).where(Node.id == node_id).execute(db)  # fmt: skip


def came(db: Database, node_id: str, *, secure: bool) -> None:
    """Note of a collector that is not ours whether it came over TLS."""
    Node.update(secure=secure).where(Node.id == node_id, Node.role == COLLECTOR, Node.secure != secure).execute(db)


def plain(db: Database, *, since: float) -> list[tuple[str, str]]:
    """Return (name, code of what that is) of nodes and collectors that came since then, and not over TLS."""
    return [(node.name, code) for node in listing(db)
            if (code := node.plain_code) is not None and (node.contact_at or 0.0) >= since]  # fmt: skip


def own(db: Database, node_id: str, *, name: str, site: str | None, version: str, now: float) -> None:
    """Store the row of the master's own node; it is alive as long as somebody serves."""
    fields: dict[str, Any] = {
        "name": name, "site": site, "version": version, "role": MASTER, "status": APPROVED, "contact_at": now,
    }  # fmt: skip
    Node.insert(id=node_id, state=ALIVE, since=now, **fields).on_conflict(
        conflict_target=[Node.id],
        update={**fields, "state": ALIVE, "since": pw.Case(None, [(Node.state == ALIVE, Node.since)], now)},
    ).execute(db)


def own_health(db: Database, node_id: str, health: dict[str, Any]) -> None:
    """Store how the master's own box is."""
    Node.update(health=json.dumps(health)).where(Node.id == node_id, Node.role == MASTER).execute(db)


def watch(db: Database, now: float, *, since: float) -> list[str]:
    """Say of each node whether it is alive, suspect or dead; return the names of those that are dead from now on.

    `since`: when somebody began to listen; nobody is called dead for what was not heard before. Who left is not missed.
    """
    query = Node.select(Node.id, Node.name, Node.state, Node.contact_at).where(
        Node.role == NODE, Node.status == APPROVED, Node.contact_at.is_null(False), Node.state != LEFT
    )
    lost: list[str] = []
    for node_id, name, state, contact_at in tuples(query, db):
        now_it_is = state_at(now - max(contact_at, min(since, now)))
        if now_it_is == state or (state == DEAD and now_it_is == SUSPECT):
            continue
        # Of two processes that look at the same time one changes the row and tells of it.
        changed = Node.update(state=now_it_is, since=now).where(Node.id == node_id, Node.state == state).execute(db)
        if changed and now_it_is == DEAD:
            detail = {"node_id": node_id, "name": name, "silent_s": round(now - contact_at)}
            events.add(db, [Event("node_lost", now, detail)])
            lost.append(str(name))
    return lost


def state_at(silent_s: float) -> str:
    """Return what a node is that has been silent for so long."""
    return ALIVE if silent_s < SUSPECT_S else SUSPECT if silent_s < DEAD_S else DEAD


def listing(db: Database) -> list[NodeView]:
    """Return all nodes, the master first, then by name."""
    keys: dict[str, list[KeyView]] = {}
    for row in dicts(Key.select().order_by(Key.created_at, Key.id), db):
        keys.setdefault(row["node"], []).append(
            KeyView(
                row["id"], row["scope"], row["status"], row["phrase"], row["address"], row["created_at"],
                row["used_at"],
            )
        )  # fmt: skip
    online = pw.fn.SUM(pw.Case(None, [(Miner.online, 1)], 0))
    counted = Miner.select(Miner.node_id, pw.fn.COUNT(Miner.num), online).group_by(Miner.node_id)
    miners = {node_id: (int(total), int(up)) for node_id, total, up in tuples(counted, db)}
    points: dict[tuple[str, str], dict[str, int]] = {}
    for peer, epoch, stream, seq in tuples(
        SyncPoint.select(SyncPoint.peer, SyncPoint.epoch, SyncPoint.stream, SyncPoint.seq), db
    ):
        points.setdefault((peer, epoch), {})[stream] = seq
    found = [
        _view(row, tuple(keys.get(row["id"], ())), miners.get(row["id"], (0, 0)), points.get((row["id"], row["epoch"])))
        for row in dicts(Node.select(), db)
    ]
    return sorted(found, key=lambda node: (node.role != MASTER, node.name.lower(), node.node_id))


def _view(
    row: dict[str, Any], keys: tuple[KeyView, ...], miners: tuple[int, int], held: dict[str, int] | None
) -> NodeView:
    lag = json.loads(row["lag"])
    newest, oldest = lag.get("newest", {}), lag.get("oldest_at", {})
    behind = {}
    for stream in STREAMS if newest else ():
        count = _behind(stream, int(newest.get(stream, 0)), (held or {}).get(stream, 0))
        behind[stream] = (count, oldest.get(stream) if count else None)
    foreign = row["role"] == COLLECTOR
    used = max((key.used_at for key in keys if key.used_at is not None), default=None)
    return NodeView(
        node_id=row["id"], name=row["name"], site=row["site"], role=row["role"], status=row["status"],
        # A collector that is not ours does not say that it is there; it comes when it has something.
        state=None if foreign else row["state"], since=row["since"], version=row["version"], address=row["address"],
        contact_at=used if foreign else row["contact_at"], asked_at=row["asked_at"], skew_s=row["skew_s"],
        secure=bool(row["secure"]), health=json.loads(row["health"]), lag=behind, keys=keys, miners=miners[0],
        online=miners[1], full=json.loads(row["full"]),
    )  # fmt: skip


def _behind(stream: str, newest: int, held: int) -> int:
    """Return how much is not here yet: numbers, of rollups stretches of five minutes."""
    if stream == STATUS:
        return max(0, round((rollup_key(newest)[0] - rollup_key(held)[0]) / ROLLUP_S)) if held else int(newest > 0)
    return max(0, newest - held)
