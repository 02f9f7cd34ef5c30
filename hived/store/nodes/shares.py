"""How much of each node is here already, and what is not taken of it any more: the bounds are `records.bounds`."""

from __future__ import annotations

import json
from collections.abc import Collection

import peewee as pw

from hived.records.bounds import ALL_MINERS, ARTIFACTS, BOUNDS, BYTES, MINERS, MODELS
from hived.records.events import Event
from hived.store import events
from hived.store.engine.database import Database, tuples
from hived.store.schema import Artifact, Contribution, Miner, Model, Node


def room(db: Database, node_id: str, name: str) -> int:
    """Return how much more of one kind is taken of a node."""
    most = BOUNDS[name].most
    if name == MINERS:
        its = Miner.select().where(Miner.remote, Miner.node_id == node_id).bind(db).count()
        return max(0, min(most - its, ALL_MINERS - Miner.select().bind(db).count()))
    if name == MODELS:
        return max(0, most - int(Model.select().where(Model.told_by == node_id).bind(db).count()))
    column = {ARTIFACTS: Node.artifacts, BYTES: Node.artifact_bytes}[name]
    return max(0, most - int(Node.select(column).where(Node.id == node_id).bind(db).scalar() or 0))


def note(db: Database, node_id: str, name: str, *, full: bool, now: float) -> None:
    """Keep whether something of one kind was not taken for want of room. The first time is an event."""
    known = _full(db, node_id)
    if known is None or full == (name in known):
        return
    if full:
        known[name] = now
        bound = BOUNDS[name]
        told = {"node_id": node_id, "name": _name(db, node_id), "what": f"{bound.most:,} {bound.words}"}
        events.add(db, [Event("node_full", now, told)])
    else:
        del known[name]
    Node.update(full=json.dumps(known)).where(Node.id == node_id).execute(db)


def codes(db: Database, node_id: str) -> tuple[str, ...]:
    """Return what is not taken of a node any more, codes of `errors.PROBLEMS`."""
    return tuple(dict.fromkeys(BOUNDS[name].code for name in _full(db, node_id) or () if name in BOUNDS))


def is_full(db: Database, node_id: str, name: str) -> bool:
    """Tell whether something of one kind was not taken when it last came."""
    return name in (_full(db, node_id) or ())


def bytes_about(db: Database, node_id: str, keys: Collection[str]) -> int:
    """Return how many bytes a node has told of artifacts, by their URL keys."""
    if not keys:
        return 0
    length = pw.fn.LENGTH
    these = Artifact.url_key.in_(list(keys))
    facts = Artifact.select(pw.fn.SUM(length(Artifact.facts) + length(Artifact.search)))
    words = Contribution.select(pw.fn.SUM(length(Contribution.content) + length(Contribution.search)))
    said = words.join(Artifact, on=(Artifact.id == Contribution.artifact)).where(Contribution.node_id == node_id, these)
    own = facts.where(Artifact.told_by == node_id, these)
    return int(own.bind(db).scalar() or 0) + int(said.bind(db).scalar() or 0)


def add(db: Database, node_id: str, *, artifacts: int, size: int) -> None:
    """Count what a node told of artifacts."""
    if artifacts or size:
        Node.update(artifacts=Node.artifacts + artifacts, artifact_bytes=Node.artifact_bytes + size).where(
            Node.id == node_id
        ).execute(db)


def _full(db: Database, node_id: str) -> dict[str, float] | None:
    rows = tuples(Node.select(Node.full).where(Node.id == node_id), db)
    return json.loads(rows[0][0]) if rows else None


def _name(db: Database, node_id: str) -> str:
    return str(Node.select(Node.name).where(Node.id == node_id).bind(db).scalar())
