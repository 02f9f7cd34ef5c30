"""What the master lent to this node: kept apart from its own artifacts, until the master knows what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hived.records.artifact import AWAITING, Description
from hived.records.canonical import url_key
from hived.records.lending import AT_ONCE, Lent, readable, told
from hived.records.times import to_text
from hived.store.collecting import artifacts, collector
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Artifact, Borrowed


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask the master for, and what to tell it."""

    by: str
    room: int
    holding: tuple[str, ...]
    told: tuple[dict[str, Any], ...]


def wish(db: Database, master_id: str, now: float) -> Wish | None:
    """Return what there is to ask of a master, and to tell it; None: nothing. What is overdue is let go.

    More is wanted while a model works that has nothing of this node's own to describe, and half of what it had is done.
    """
    overdue = Borrowed.told.is_null() & (Borrowed.until < now)
    Borrowed.delete().where(overdue | (Borrowed.master_id != master_id)).execute(db)
    rows = tuples(Borrowed.select(Borrowed.url, Borrowed.told).order_by(Borrowed.url_key), db)
    holding = tuple(url for url, said in rows if said is None)
    done = tuple(json.loads(said) for _, said in rows if said is not None)
    by = collector.state(db).describer
    has_time = by is not None and not _has_own(db, by, now)
    room = AT_ONCE - len(holding) if has_time and len(holding) <= AT_ONCE // 2 else 0
    if not (room or done or (holding and has_time)):
        return None
    return Wish(by or "", room, holding, done)


def keep(db: Database, master_id: str, lent: Sequence[Lent], taken: Collection[str], *, until: float) -> None:
    """Keep what the master lends, and forget what it knows the outcome of; what this node is at stays its own."""
    Borrowed.delete().where(
        Borrowed.url_key.in_([url_key(url) for url in taken]), Borrowed.told.is_null(False)
    ).execute(db)
    Borrowed.update(until=until).where(Borrowed.told.is_null()).execute(db)
    for one in lent:
        document = json.dumps({"title": one.object.title, "input_hash": one.input_hash, "facts": told(one.object)})
        Borrowed.insert(
            url_key=url_key(one.url), master_id=master_id, url=one.url, document=document, until=until
        ).on_conflict_ignore().execute(db)


def next_one(db: Database, now: float) -> Lent | None:
    """Return the next object to describe for the master."""
    due = Borrowed.select().where(Borrowed.told.is_null(), Borrowed.until >= now).order_by(Borrowed.url_key).limit(1)
    for row in dicts(due, db):
        document = json.loads(row["document"])
        obj = readable(row["url"], document["title"], document["facts"])
        return Lent(row["url"], document["input_hash"], obj)
    return None


def described(db: Database, lent: Lent, text: Description, *, at: float) -> None:
    """Keep a description until the master has it."""
    content, _ = artifacts.said(text)
    _tell(db, lent.url, {
        "input_hash": lent.input_hash, "content": content, "model": text.model, "model_digest": text.model_digest,
        "prompt_version": text.prompt_version, "collected_at": to_text(at),
    })  # fmt: skip


def useless(db: Database, url: str, reason: str, *, is_hopeless: bool) -> None:
    """Keep that the model said nothing of use, until the master knows."""
    _tell(db, url, {"reason": reason, "is_hopeless": is_hopeless})


def _tell(db: Database, url: str, document: dict[str, Any]) -> None:
    Borrowed.update(told=json.dumps({"url": url, **document})).where(Borrowed.url_key == url_key(url)).execute(db)


def _has_own(db: Database, by: str, now: float) -> bool:
    own = Artifact.select(Artifact.id).where(
        Artifact.state == AWAITING, Artifact.told_by.is_null(), Artifact.describe_at <= now,
        Artifact.given_up_by.is_null() | (Artifact.given_up_by != by),
    )  # fmt: skip
    return bool(tuples(own.limit(1), db))
