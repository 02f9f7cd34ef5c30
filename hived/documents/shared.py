"""What every document needs: how a time is written, and that no secret is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hived.records.times import rfc3339 as rfc3339

Json = dict[str, Any]

_SECRETS = frozenset({"pass", "password", "pw", "unlock_pass", "unlock_password", "api_key", "apikey", "token"})


def without_secrets(value: Any) -> Any:
    """Return a JSON value without the fields that would hold a password, and without what changed in such a field.

    The parser drops them before they are stored; this is the second lock.
    """
    if isinstance(value, Mapping):
        return {k: without_secrets(v) for k, v in value.items() if str(k).lower() not in _SECRETS}
    if isinstance(value, list | tuple):
        return [without_secrets(v) for v in value if not _is_secret_change(v)]
    return value


def _is_secret_change(value: Any) -> bool:
    path = value.get("path") if isinstance(value, Mapping) else None
    return isinstance(path, str) and not _SECRETS.isdisjoint(path.lower().split("."))
