"""The frontier: objects to fetch, with their due times, leases and validators. Lost processes lose only a lease."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import peewee as pw

from hived.records.artifact import Lease, ObjectRef, Validators
from hived.runtime import backoff
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Frontier, Host

DAY_S = 86_400.0
FIRST_REVISIT_S = 7 * DAY_S
SHORTEST_REVISIT_S, LONGEST_REVISIT_S = DAY_S, 90 * DAY_S
RETRY_FIRST_S, RETRY_LONGEST_S = 60.0, DAY_S
GONE_AGAIN_S = 7 * DAY_S
"""A page that is not found is looked for once more after a week before it counts as gone."""
BATCH = 200  # rows of one INSERT: SQLite bounds the number of values


def add(db: Database, source_id: int, refs: Iterable[ObjectRef], at: float, *, changed: bool) -> int:
    """Store objects that a source lists; return how many are new. `changed`: listed because they changed since."""
    rows = [
        (source_id, ref.object_id, ref.url, (urlsplit(ref.url).netloc or "?").lower(), ref.priority, at) for ref in refs
    ]
    fields = [Frontier.source, Frontier.object_id, Frontier.url, Frontier.host, Frontier.priority, Frontier.due_at]
    before = _count(db, source_id)
    for i in range(0, len(rows), BATCH):
        insert = Frontier.insert_many(rows[i : i + BATCH], fields=fields)
        if changed:
            again = {Frontier.due_at: at, Frontier.state: "waiting"}
            insert = insert.on_conflict(conflict_target=[Frontier.source, Frontier.object_id], update=again)
        else:
            insert = insert.on_conflict_ignore()
        insert.execute(db)
    return _count(db, source_id) - before


def lease(db: Database, source_id: int, now: float, *, hold_s: float) -> Lease | None:
    """Take the next due object of a source whose host may be asked, for `hold_s` seconds; None when there is none.

    Picked and leased in one transaction (the caller's); an expired lease is picked again.
    """
    free = Frontier.host.not_in(Host.select(Host.name).where(Host.next_ok_at > now, Host.next_ok_at < now + DAY_S))
    never = (Frontier.due_at > now + LONGEST_REVISIT_S) & (Frontier.state != "gone")  # set by a clock that was ahead
    query = (
        Frontier.select()
        .where(Frontier.source == source_id, (Frontier.due_at <= now) | never, free)
        .where((Frontier.leased_until <= now) | (Frontier.leased_until > now + DAY_S))
        .order_by(Frontier.priority.desc(), Frontier.due_at, Frontier.id)
        .limit(1)
    )
    rows = dicts(query, db)
    if not rows:
        return None
    row = rows[0]
    Frontier.update(leased_until=now + hold_s, attempts=Frontier.attempts + 1).where(Frontier.id == row["id"]).execute(
        db
    )
    return Lease(
        id=row["id"], source_id=source_id, object_id=row["object_id"], url=row["url"], host=row["host"],
        attempts=row["attempts"] + 1, until=now + hold_s,
        validators=Validators(row["etag"], row["last_modified"]), content_hash=row["content_hash"],
    )  # fmt: skip


def done(
    db: Database, held: Lease, at: float, *, validators: Validators, content_hash: str | None, result: str
) -> None:
    """Note what an object was; it is looked at again sooner when it changes, later when it does not."""
    row = dicts(Frontier.select(Frontier.revisit_s).where(Frontier.id == held.id), db)
    if not row:
        return
    revisit = row[0]["revisit_s"] or FIRST_REVISIT_S
    if held.content_hash is not None:
        unchanged = content_hash is None or content_hash == held.content_hash
        revisit *= 1.5 if unchanged else 0.5
    revisit = min(max(revisit, SHORTEST_REVISIT_S), LONGEST_REVISIT_S)
    Frontier.update(
        state="done", attempts=0, leased_until=0.0, due_at=at + revisit, revisit_s=revisit, last_result=result,
        etag=validators.etag or held.validators.etag,
        last_modified=validators.last_modified or held.validators.last_modified,
        content_hash=content_hash or held.content_hash,
    ).where(Frontier.id == held.id).execute(db)  # fmt: skip


def refused(db: Database, held: Lease, at: float, reason: str) -> None:
    """Note that an object may not be stored; it is looked at again after the longest time."""
    Frontier.update(
        state="refused", attempts=0, leased_until=0.0, due_at=at + LONGEST_REVISIT_S, last_result=reason[:500]
    ).where(Frontier.id == held.id).execute(db)


def gone(db: Database, held: Lease, at: float, reason: str, *, for_good: bool) -> None:
    """Note that an object is not there; the second time, or `for_good`, it is not looked for any more."""
    last = dicts(Frontier.select(Frontier.state).where(Frontier.id == held.id), db)
    final = for_good or bool(last and last[0]["state"] == "missing")
    Frontier.update(
        state="gone" if final else "missing", attempts=0, leased_until=0.0, last_result=reason[:500],
        due_at=at + (3650 * DAY_S if final else GONE_AGAIN_S),
    ).where(Frontier.id == held.id).execute(db)  # fmt: skip


def failed(db: Database, held: Lease, at: float, reason: str, *, retry_after_s: float | None = None) -> None:
    """Note a failure from outside: tried again after growing pauses, or when the host said."""
    pause = backoff.pause(held.attempts - 1, RETRY_FIRST_S, RETRY_LONGEST_S)
    Frontier.update(leased_until=0.0, due_at=at + max(pause, retry_after_s or 0.0), last_result=reason[:500]).where(
        Frontier.id == held.id
    ).execute(db)


def give_back(db: Database, held: Lease) -> None:
    """End a lease without a verdict: the work was stopped, nothing was wrong."""
    Frontier.update(leased_until=0.0, attempts=max(0, held.attempts - 1)).where(Frontier.id == held.id).execute(db)


def free_all(db: Database) -> None:
    """End every lease: the process that held them has died, for there is one auto-miner to a database."""
    Frontier.update(leased_until=0.0).where(Frontier.leased_until > 0).execute(db)


def _count(db: Database, source_id: int) -> int:
    return int(Frontier.select().where(Frontier.source == source_id).bind(db).count())


def counts(db: Database, source_id: int) -> dict[str, int]:
    """Return how many objects of a source are in which state."""
    query = Frontier.select(Frontier.state, pw.fn.COUNT(Frontier.id)).where(Frontier.source == source_id)
    return dict(tuples(query.group_by(Frontier.state), db))
