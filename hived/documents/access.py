"""Users, tokens and audit rows as JSON: no hash of anything is in them."""

from __future__ import annotations

from typing import Any, TypedDict

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


def user(found: User) -> UserDocument:
    return {
        "name": found.name, "role": found.role, "created_at": rfc3339(found.created_at),
        "login_at": rfc3339(found.login_at),
    }  # fmt: skip


def token(found: Token, at: float) -> TokenDocument:
    return {
        "id": found.id, "name": found.name, "role": found.role, "scopes": list(found.scopes),
        "created_by": found.created_by, "created_at": rfc3339(found.created_at),
        "expires_at": rfc3339(found.expires_at),
        "used_at": rfc3339(found.used_at), "revoked_at": rfc3339(found.revoked_at), "valid": found.valid(at),
    }  # fmt: skip


def audit(row: dict[str, Any]) -> Json:
    return {**row, "at": rfc3339(row["at"])}
