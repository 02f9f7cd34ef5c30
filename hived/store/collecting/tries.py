"""How often an object is tried of which a model says nothing of use, and when again."""

from __future__ import annotations

from hived.runtime import backoff
from hived.store.collecting import artifacts
from hived.store.engine.database import Database

MOST = 3
RETRY_S, RETRY_LONGEST_S = 300.0, 3600.0


def failed(db: Database, artifact_id: int, reason: str, *, by: str, is_hopeless: bool, now: float) -> None:
    """Note that the model `by` said nothing of use. After a few times, or at once, the object waits for another one."""
    tried = artifacts.attempts(db, artifact_id)
    again_at, given_up_by = now + backoff.pause(tried, RETRY_S, RETRY_LONGEST_S), None
    if tried + 1 >= MOST:
        reason, given_up_by, again_at = f"{reason}, {MOST} times: it waits for another model", by, 0.0
    elif is_hopeless:
        given_up_by, again_at = by, 0.0
    artifacts.not_described(db, artifact_id, reason, again_at=again_at, given_up_by=given_up_by)
