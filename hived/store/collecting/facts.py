"""What this box read of the objects that it collected, as a contribution of its own beside any description."""

from __future__ import annotations

import json
from collections.abc import Collection

import peewee as pw

from hived.records import streams
from hived.records.bubbles import FACTS, contribution_id, facts_content, hash_of
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Artifact, Contribution, Counter

BEFORE = "facts_before"
"""The counter of what an update left to do: artifacts up to this number may not be told of yet."""
AT_ONCE = 50  # artifacts of one transaction: other daemons want to write meanwhile


def tell(db: Database, numbers: Collection[int], *, node_id: str, at: float | None = None) -> None:
    """Tell of artifacts that were read here, as they are now; the same facts again are not told again.

    `at`: when they were read; None: when they were collected. Those of other nodes are left out.
    """
    rows = dicts(Artifact.select().where(Artifact.id.in_(list(numbers)), Artifact.told_by.is_null()), db)
    for row in sorted(rows, key=lambda row: -row["id"]):
        facts = json.loads(row["facts"])
        facts.pop("text", None)  # the page's own words: for a prompt, never shown as fact
        content = facts_content(row | {"facts": facts}, row["licence_uri"])
        hashed = hash_of(content)
        read_at = row["collected_at"] if at is None else at
        told = {
            "id": contribution_id(row["url_key"], node_id, FACTS, None, hashed), "content": json.dumps(content),
            "content_hash": hashed, "collected_at": read_at, "seq": next_number(db, streams.FACTS),
        }  # fmt: skip
        Contribution.insert(
            artifact=row["id"], node_id=node_id, kind=FACTS, received_at=read_at, search="", **told
        ).on_conflict(
            conflict_target=[Contribution.artifact, Contribution.node_id, Contribution.kind],
            update={getattr(Contribution, name): getattr(pw.EXCLUDED, name) for name in told},
            where=Contribution.id != pw.EXCLUDED.id,
        ).execute(db)


def tell_of_before(db: Database, *, node_id: str, at_once: int = AT_ONCE) -> bool:
    """Tell of a part of what was collected before facts travelled, newest first; False when nothing is left."""
    upto = Counter.select(Counter.value).where(Counter.name == BEFORE).bind(db).scalar()
    if upto is None:
        return False
    part = Artifact.select(Artifact.id).where(Artifact.id <= upto).order_by(Artifact.id.desc()).limit(at_once)
    numbers = [number for (number,) in tuples(part, db)]
    tell(db, numbers, node_id=node_id)
    if numbers:
        Counter.update(value=numbers[-1] - 1).where(Counter.name == BEFORE).execute(db)
    else:
        Counter.delete().where(Counter.name == BEFORE).execute(db)
    return bool(numbers)
