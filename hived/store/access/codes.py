"""Codes that open something once before they expire: only their hashes are kept."""

from __future__ import annotations

from hived.store.engine.db import Database, dicts
from hived.store.schema import OneTimeCode

AHEAD_S = 3600.0  # one made while the clock was farther ahead would be good for as long
KEEP = 500  # of each kind, used and expired ones included


def add(db: Database, code_hash: str, *, kind: str, at: float, expires_at: float, by: str | None, most: int) -> None:
    """Keep a code of a kind. At most so many of it can be used at a time: the oldest leave."""
    open_ = (OneTimeCode.kind == kind) & OneTimeCode.used_at.is_null()
    _leave(db, open_, most - 1)
    _leave(db, OneTimeCode.kind == kind, KEEP - 1)
    OneTimeCode.insert(code_hash=code_hash, kind=kind, created_at=at, created_by=by, expires_at=expires_at).execute(db)


def use(db: Database, code_hash: str, *, kind: str, at: float, by: str) -> bool:
    """Use a code up; False when it is unknown, expired or used. Of two who try at once one gets it."""
    return bool(
        OneTimeCode.update(used_at=at, used_by=by)
        .where(
            OneTimeCode.code_hash == code_hash, OneTimeCode.kind == kind, OneTimeCode.used_at.is_null(),
            OneTimeCode.expires_at > at, OneTimeCode.created_at < at + AHEAD_S,
        )
        .execute(db)
    )  # fmt: skip


def is_open(db: Database, code_hash: str, at: float) -> bool:
    """Tell whether a code can still be used."""
    return bool(
        OneTimeCode.select()
        .where(OneTimeCode.code_hash == code_hash, OneTimeCode.used_at.is_null(), OneTimeCode.expires_at > at)
        .bind(db)
        .count()
    )


def any_open(db: Database, kind: str, at: float) -> bool:
    """Tell whether any code of a kind can still be used."""
    which = (OneTimeCode.kind == kind) & OneTimeCode.used_at.is_null() & (OneTimeCode.expires_at > at)
    return bool(OneTimeCode.select().where(which).bind(db).count())


def forget(db: Database, kind: str) -> int:
    """Take back every code of a kind that was not used."""
    return int(OneTimeCode.delete().where(OneTimeCode.kind == kind, OneTimeCode.used_at.is_null()).execute(db))


def _leave(db: Database, which: object, most: int) -> None:
    newest = OneTimeCode.select(OneTimeCode.code_hash).where(which).order_by(OneTimeCode.created_at.desc())
    gone = [row["code_hash"] for row in dicts(newest.offset(most).limit(1000), db)]
    if gone:
        OneTimeCode.delete().where(OneTimeCode.code_hash.in_(gone)).execute(db)
