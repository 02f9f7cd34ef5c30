"""What came of fetching one object, stored in one transaction: artifact, frontier and counts agree or none is there."""

from __future__ import annotations

from hived.records.artifact import Fetched, Lease, Source
from hived.store.collecting import artifacts, facts, frontier, sources
from hived.store.engine.database import Database

UNKNOWN_LICENCE = "licence not stated"


def settle(db: Database, source: Source, held: Lease, fetched: Fetched, at: float, *, node_id: str) -> str:
    """Store an outcome and return what it was: "new", "changed", "unchanged", "refused" or "gone".

    What is new or changed is told of by this node, `node_id`.
    """
    if fetched.more:
        frontier.add(db, source.id, fetched.more, at, changed=False)
    if fetched.gone is not None:
        frontier.gone(db, held, at, fetched.gone, for_good=fetched.gone != "404")
        return "gone"
    if fetched.unchanged or fetched.object is None:
        frontier.done(db, held, at, validators=fetched.validators, content_hash=None, result="unchanged")
        return "unchanged"
    obj = fetched.object
    if obj.licence is None:
        reason = obj.rights_text or UNKNOWN_LICENCE
        sources.refused(db, source.id, reason, obj.url, at)
        frontier.refused(db, held, at, reason)
        return "refused"
    number, fresh = artifacts.save(db, obj, source_id=source.id, source_name=source.name, at=at)
    frontier.done(
        db, held, at, validators=fetched.validators, content_hash=artifacts.content_hash(obj), result="stored"
    )
    if not fresh:
        return "unchanged"
    facts.tell(db, [number], node_id=node_id, at=at)
    return "new" if held.content_hash is None else "changed"


def refuse(db: Database, source: Source, held: Lease, reason: str, at: float) -> None:
    """Store that an object cannot be had by any repetition: forbidden, blocked, of a wrong type."""
    sources.refused(db, source.id, reason, held.url, at)
    frontier.refused(db, held, at, reason)
