"""Browsers that logged in: only hashes of their cookies are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import peewee as pw

from hived.records.access import Role
from hived.records.joining import hash_of
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Node, Session, User

IDLE_S = 7 * 86_400.0  # without a request: a browser that was left behind
LONGEST_S = 30 * 86_400.0  # then the password is asked for again
AHEAD_S = 86_400.0  # a clock that was set back by less keeps everybody logged in
SEEN_EVERY_S = 60.0  # how exactly the last request is known; each note of it is a write
MAX_OF_USER = 50
MAX_SESSIONS = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """A session that counts. `local`: of a browser on this machine that a login link let in."""

    token_hash: str
    user: str
    role: Role
    local: bool
    created_at: float
    seen_at: float
    expires_at: float


def begin(
    db: Database, cookie: str, *, user: str, at: float, role: Role | None = None, address: str | None = None,
    agent: str | None = None, instead_of: str | None = None,
) -> float:  # fmt: skip
    """Open a session and end the one that the browser came with; return when it ends at the latest.

    `role`: for a session without a user's row. The list is bounded: those unseen for longest leave.
    """
    if instead_of is not None:
        end(db, instead_of)
    Session.delete().where((Session.expires_at <= at) | (Session.seen_at <= at - IDLE_S)).execute(db)
    _make_room(db, Session.user == user, MAX_OF_USER)
    _make_room(db, None, MAX_SESSIONS)
    Session.insert(
        token_hash=hash_of(cookie), user=user, role=role, created_at=at, seen_at=at, expires_at=at + LONGEST_S,
        address=address, agent=agent[:200] if agent else agent,
    ).execute(db)  # fmt: skip
    return at + LONGEST_S


def find(db: Database, cookie: str, at: float) -> Found | None:
    """Return the session of a cookie; None when it is unknown, ended, or its user is gone."""
    query = (
        Session.select(Session, User.role.alias("user_role"))
        .join(User, pw.JOIN.LEFT_OUTER, on=(User.name == Session.user))
        .where(Session.token_hash == hash_of(cookie))
    )
    for row in dicts(query, db):
        role = row["role"] or row["user_role"]
        made_ahead = row["created_at"] > at + AHEAD_S
        if role is None or made_ahead or at >= row["expires_at"] or at >= row["seen_at"] + IDLE_S:
            return None
        return Found(
            row["token_hash"], row["user"], role, row["role"] is not None, row["created_at"], row["seen_at"],
            row["expires_at"],
        )  # fmt: skip
    return None


def seen(db: Database, token_hash: str, at: float) -> None:
    """Note that a session was used."""
    Session.update(seen_at=at).where(Session.token_hash == token_hash).execute(db)


def end(db: Database, cookie: str) -> bool:
    """End the session of a cookie; False when there was none."""
    return bool(Session.delete().where(Session.token_hash == hash_of(cookie)).execute(db))


def addresses(db: Database, at: float) -> list[str]:
    """Return from where browsers that are logged in, and approved nodes, were last heard; the newest last."""
    logged_in = Session.select(Session.seen_at, Session.address).where(
        Session.expires_at > at, Session.seen_at > at - IDLE_S, Session.address.is_null(False)
    )
    nodes = Node.select(Node.contact_at, Node.address).where(
        Node.status == "approved", Node.contact_at.is_null(False), Node.address.is_null(False)
    )
    return [address for _, address in sorted(tuples(logged_in, db) + tuples(nodes, db))]


def end_all(db: Database) -> int:
    """Log everybody out; return how many sessions there were."""
    return int(Session.delete().execute(db))


def end_of(db: Database, user: str, *, but: str | None = None) -> int:
    """End every session of a user, all but the one with this hash; return how many."""
    query = Session.delete().where(Session.user == user, Session.role.is_null())
    return int((query if but is None else query.where(Session.token_hash != but)).execute(db))


def _make_room(db: Database, which: Any, most: int) -> None:
    query = Session.select(Session.token_hash).order_by(Session.seen_at.desc()).offset(most - 1).limit(1000)
    surplus = [row["token_hash"] for row in dicts(query if which is None else query.where(which), db)]
    if surplus:
        Session.delete().where(Session.token_hash.in_(surplus)).execute(db)
