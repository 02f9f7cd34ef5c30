"""Users, tokens and audit rows as JSON: no hash of anything is in them."""

from __future__ import annotations

from typing import Any, TypedDict, cast

from hived.documents.shared import Json, rfc3339
from hived.records.access import Token, User


class UserDocument(TypedDict):
    name: str
    role: str
    created_at: str | None
    login_at: str | None


class TokenDocument(TypedDict):
    """`valid`: it opens something now."""

    id: str
    name: str
    role: str
    scopes: list[str]
    created_by: str | None
    created_at: str | None
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None
    valid: bool


class NewTokenDocument(TokenDocument):
    """`token`: its text, shown this once."""

    token: str


class AuditDocument(TypedDict):
    """Who changed what; `via`: session, token, command or daemon."""

    id: int
    at: str | None
    who: str
    via: str
    address: str | None
    action: str
    target: str | None
    before: Any
    after: Any


class SessionDocument(TypedDict):
    """Who asks; `user` null: nobody who is known. `setup_needed`: no user was made yet; `local`: by a login link."""

    user: str | None
    role: str | None
    setup_needed: bool
    expires_at: str | None
    local: bool


def user(shown: User) -> UserDocument:
    return {
        "name": shown.name, "role": shown.role, "created_at": rfc3339(shown.created_at),
        "login_at": rfc3339(shown.login_at),
    }  # fmt: skip


def token(shown: Token, at: float) -> TokenDocument:
    return {
        "id": shown.id, "name": shown.name, "role": shown.role, "scopes": list(shown.scopes),
        "created_by": shown.created_by, "created_at": rfc3339(shown.created_at),
        "expires_at": rfc3339(shown.expires_at),
        "used_at": rfc3339(shown.used_at), "revoked_at": rfc3339(shown.revoked_at), "valid": shown.valid(at),
    }  # fmt: skip


def login_link(link: str, expires_at: float) -> Json:
    """Return a link that is shown this once."""
    return {"link": link, "expires_at": rfc3339(expires_at)}


def audit(row: dict[str, Any]) -> AuditDocument:
    return cast(AuditDocument, {**row, "at": rfc3339(row["at"])})
