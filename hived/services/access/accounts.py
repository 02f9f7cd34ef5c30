"""Users and tokens as an admin changes them, by API or by command: each change with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hived.records.access import ApiSecret, By, Token, User
from hived.store import Database, audit
from hived.store.access import tokens, users


def add_user(db: Database, name: str, hashed: str, role: str, by: By) -> User:
    """Make a user."""
    made = users.add(db, name, hashed, role, by["at"])
    audit.note(db, **by, action="user.add", target=name, after={"role": made.role})
    return made


def change_user(db: Database, name: str, role: str | None, hashed: str | None, by: By) -> User:
    """Change the role and/or the password of a user; their sessions end."""
    before = after = users.one(db, name)
    if role is not None:
        after = users.set_role(db, name, role, by["at"])
        if after.role != before.role:
            audit.note(
                db, **by, action="user.role", target=name, before={"role": before.role}, after={"role": after.role}
            )
    if hashed is not None:
        after = users.set_password(db, name, hashed, by["at"])
        audit.note(db, **by, action="user.password", target=name)
    return after


def remove_user(db: Database, name: str, by: By) -> User:
    """Remove a user and return who it was; their sessions end.

    Tokens they made stay, for programs depend on them; the audit row names them, because whoever made one knows it.
    """
    gone = users.remove(db, name)
    made = [token.name for token in tokens_of(db, name, by["at"])]
    before = {"role": gone.role} | ({"tokens_that_stay": made} if made else {})
    audit.note(db, **by, action="user.remove", target=name, before=before)
    return gone


def tokens_of(db: Database, name: str, at: float) -> list[Token]:
    """Return the tokens that a user made and that open something."""
    return [token for token in tokens.listing(db) if token.created_by == name and token.valid(at)]


def add_token(
    db: Database, made: ApiSecret, name: str, role: str, scopes: Sequence[str], expires_at: float | None, by: By
) -> Token:
    """Keep a new token."""
    kept = tokens.add(
        db, made, name=name, role=role, scopes=scopes, created_by=by["who"], at=by["at"], expires_at=expires_at
    )
    audit.note(db, **by, action="token.add", target=name, after=_told(kept))
    return kept


def revoke_token(db: Database, which: str, by: By) -> Token:
    """End a token, given by id or name."""
    gone = tokens.revoke(db, which, by["at"])
    audit.note(db, **by, action="token.revoke", target=gone.name, before=_told(gone))
    return gone


def _told(kept: Token) -> dict[str, Any]:
    return {"id": kept.id, "role": kept.role, "scopes": list(kept.scopes), "expires_at": kept.expires_at}
