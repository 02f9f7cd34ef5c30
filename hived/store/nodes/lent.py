"""What nodes say of objects that they had on loan: it counts while an object is theirs, and waits for words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hived.records.artifact import AWAITING
from hived.records.bounds import BYTES
from hived.records.ingest import SentWords
from hived.records.lending import Lent
from hived.store.collecting import lending, tries
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, dicts
from hived.store.nodes import ingest_artifacts, shares
from hived.store.schema import Artifact

LENT = "lent"
"""The epoch of such descriptions: they are no part of a node's streams, and numbered as they come."""


@dataclass(frozen=True, slots=True)
class Useless:
    """An object of which a node's model said nothing of use."""

    url_key: str
    reason: str
    is_hopeless: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a node with time to spare tells its master."""

    by: str
    room: int
    holding: tuple[str, ...]
    """URL keys."""
    words: tuple[SentWords, ...]
    useless: tuple[Useless, ...]


def take(db: Database, node_id: str, asked: Asked, now: float) -> list[Lent]:
    """Store what came of what a node had, and lend it more. What it had not, or has no more, changes nothing."""
    keys = [one.url_key for one in asked.words] + [one.url_key for one in asked.useless]
    query = Artifact.select(Artifact.id, Artifact.url_key, Artifact.content_hash).where(
        Artifact.url_key.in_(keys), Artifact.lent_to == node_id, Artifact.state == AWAITING
    )
    had = {row["url_key"]: row for row in dicts(query, db)} if keys else {}
    wanted = [
        (had[one.url_key]["id"], replace(one, seq=next_number(db, LENT)))
        for one in asked.words
        if one.url_key in had and had[one.url_key]["content_hash"] == one.input_hash
    ]
    if shares.room(db, node_id, BYTES):
        size = shares.bytes_about(db, node_id, keys)
        ingest_artifacts.say(db, node_id, LENT, wanted, now)
        lending.described(db, [number for number, _ in wanted], node_id=node_id, at=now)
        shares.add(db, node_id, artifacts=0, size=shares.bytes_about(db, node_id, keys) - size)
    for one in asked.useless:
        if one.url_key in had:
            number = had[one.url_key]["id"]
            tries.failed(db, number, one.reason, by=asked.by, is_hopeless=one.is_hopeless, now=now)
    room = asked.room if asked.by and shares.room(db, node_id, BYTES) else 0
    return [lent for _, lent in lending.lend(db, node_id, by=asked.by, room=room, holding=asked.holding, now=now)]
