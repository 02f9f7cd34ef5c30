"""Users, tokens and audit rows as JSON: no hash of anything is in them."""

from __future__ import annotations

from typing import Any

from hived.documents.shared import Json, rfc3339
from hived.records.access import Token, User


def user(found: User) -> Json:
    return {
        "name": found.name, "role": found.role, "created_at": rfc3339(found.created_at),
        "login_at": rfc3339(found.login_at),
    }  # fmt: skip


def token(found: Token, at: float) -> Json:
    """`valid`: whether it opens anything now."""
    return {
        "id": found.id, "name": found.name, "role": found.role, "scopes": list(found.scopes),
        "created_by": found.created_by, "created_at": rfc3339(found.created_at),
        "expires_at": rfc3339(found.expires_at),
        "used_at": rfc3339(found.used_at), "revoked_at": rfc3339(found.revoked_at), "valid": found.valid(at),
    }  # fmt: skip


def audit(row: dict[str, Any]) -> Json:
    return {**row, "at": rfc3339(row["at"])}
