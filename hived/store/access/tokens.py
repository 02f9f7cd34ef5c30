"""API tokens of programs: only hashes are kept."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any, cast

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import AREAS, ROLES, ApiSecret, Role, Token
from hived.store.engine.database import Database, dicts
from hived.store.schema import ApiToken

USED_EVERY_S = 60.0  # how exactly the last use is known; each note of it is a write
MAX_TOKENS = 1000  # valid ones; a program needs one
KEEP_ENDED = 200
MAX_NAME = 100


def add(
    db: Database, made: ApiSecret, *, name: str, role: str, scopes: Sequence[str] = (), created_by: str | None,
    at: float, expires_at: float | None = None,
) -> Token:  # fmt: skip
    """Keep a new token. BadRequest for words that make none, Conflict for a name that a valid one has."""
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise BadRequest(f"name: expected 1 to {MAX_NAME} characters that can be printed")
    if role not in ROLES:
        raise BadRequest(f"role: expected {', '.join(ROLES)}")
    if unknown := sorted(set(scopes) - set(AREAS)):
        raise BadRequest(f"scopes: {unknown[0][:40]!r} is none, known are {', '.join(AREAS)}")
    if expires_at is not None and expires_at <= at:
        raise BadRequest("expires_at: this time is past")
    every = listing(db)
    if sum(token.valid(at) for token in every) >= MAX_TOKENS:
        raise Conflict(f"there are {MAX_TOKENS} tokens: revoke some first")
    if any(token.name == name and token.valid(at) for token in every):
        raise Conflict(f"there is a token named {name!r}")
    _forget(db, [token for token in every if not token.valid(at)], name)
    ApiToken.insert(
        id=made.id, name=name, secret_hash=made.secret_hash, role=role, created_by=created_by, created_at=at,
        scopes=json.dumps([area for area in AREAS if area in scopes]), expires_at=expires_at,
    ).execute(db)  # fmt: skip
    return _one(db, made.id)


def find(db: Database, shown: ApiSecret, at: float) -> Token | None:
    """Return the token that a secret proves, None for one that is unknown, wrong, expired or revoked."""
    rows = dicts(ApiToken.select().where(ApiToken.id == shown.id), db)
    known = _token(rows[0]) if rows else None
    right = hmac.compare_digest(known.secret_hash if known else "0" * 64, shown.secret_hash)
    return known if known is not None and right and known.valid(at) else None


def used(db: Database, token_id: str, at: float) -> None:
    """Note that a token was used."""
    ApiToken.update(used_at=at).where(ApiToken.id == token_id).execute(db)


def listing(db: Database) -> list[Token]:
    """Return every token, newest first."""
    return [_token(row) for row in dicts(ApiToken.select().order_by(ApiToken.created_at.desc(), ApiToken.id), db)]


def revoke(db: Database, which: str, at: float) -> Token:
    """End a token, given by id or name. NotFound when there is none that still works."""
    named = [token for token in listing(db) if which in (token.id, token.name) and token.revoked_at is None]
    if not named:
        raise NotFound(f"there is no token {which[:40]!r}")
    ApiToken.update(revoked_at=at).where(ApiToken.id == named[0].id).execute(db)
    return _one(db, named[0].id)


def _forget(db: Database, ended: list[Token], name: str) -> None:
    """Make room for a name, and keep no more than the newest of those that ended."""
    gone = [token.id for token in ended if token.name == name] + [token.id for token in ended[KEEP_ENDED:]]
    for start in range(0, len(gone), 500):
        ApiToken.delete().where(ApiToken.id.in_(gone[start : start + 500])).execute(db)


def _one(db: Database, token_id: str) -> Token:
    return _token(dicts(ApiToken.select().where(ApiToken.id == token_id), db)[0])


def _token(row: dict[str, Any]) -> Token:
    return Token(**{**row, "role": cast(Role, row["role"]), "scopes": tuple(json.loads(row["scopes"]))})
