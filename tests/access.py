"""A token that lets a test in, and what it takes to let it."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from argon2 import PasswordHasher

from hived.records.access import AREAS, ApiSecret, Role, new_cookie
from hived.store import Database, database_of
from hived.store.access import sessions, tokens
from hived.store.schema import User

TOKEN = ApiSecret("7e57" * 4, "0123456789abcdef" * 4)
BEARER = {"Authorization": f"Bearer {TOKEN.text}"}
HEADER = f"Authorization: {BEARER['Authorization']}\r\n"
"""For tests that write their requests by hand."""
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Argon2 as light as it can be: what a test tries is not how slow it is."""


def admit(db: Database, role: Role = "admin", at: float = 0.0, name: str = "tests") -> None:
    """Store the token, for all there is; without it every request would be 401."""
    tokens.add(db, TOKEN, name=name, role=role, scopes=AREAS, created_by="tests", at=at or time.time())
    tokens.used(db, TOKEN.id, time.time() + 10 * 365 * 86_400)  # no request of a test has to write that down


def another(db: Database, name: str, role: Role = "viewer") -> str:
    """Store one more token; return the line of a request that shows it."""
    made = ApiSecret.new()
    tokens.add(db, made, name=name, role=role, created_by="tests", at=time.time())
    tokens.used(db, made.id, time.time() + 10 * 365 * 86_400)
    return f"Authorization: Bearer {made.text}\r\n"


def admit_into(path: Path) -> None:
    """Store the token in the database of a daemon."""
    database = database_of(f"sqlite:///{path}")
    with closing(database), database.connection_context(), database.atomic():
        admit(database)


def session(db: Database, role: Role, at: float) -> str:
    """Store a user of a role, who has logged in; return the cookie."""
    User.insert(name=role, password_hash="", role=role, created_at=at, changed_at=at).on_conflict_ignore().execute(db)
    cookie = new_cookie()
    sessions.begin(db, cookie, user=role, at=at)
    return cookie
