"""Who may do what: roles, who is asking, and the texts that prove it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from hived.records.joining import BearerSecret

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
"""Each may what those before it may."""


def is_enough(role: Role, least: Role) -> bool:
    """Tell whether a role may what another may."""
    return ROLES.index(role) >= ROLES.index(least)


STEER = "steer"
"""Orders to miners: never a token's that does not name it."""

AREAS = ("miners", "collecting", "nodes", "site", "access", STEER, "metrics", "alerts")
"""Parts of the API that a token can be bound to."""

NARROWS: Mapping[str, Callable[[Any], bool]] = {
    "managed": lambda wanted: wanted is False,
    "max_preset": lambda is_lower: is_lower is True,
    "min_preset": lambda _: False,
    "locked": lambda _: False,
    "protected": lambda _: False,
}
"""What bounds hived's steering, by setting: whether a value narrows what it may do. An operator may do no more.

Of a highest preset it is told whether it is lower than the one before.
"""


def least_role(setting: str, value: Any) -> Role:
    """Return who may give a setting of a miner or a model this value."""
    return "operator" if NARROWS.get(setting, lambda _: True)(value) else "admin"


LOCAL_USER = "local"
"""Whom a browser is that a login link let in."""


MQTT_USER = "mqtt"
"""Whoever may publish at the broker. It has no password and no token: what it may is `records.mqtt.SCOPE`."""


class By(TypedDict):
    """Who makes a change and when, as an audit row says it: `audit.note(db, **by, action=..., ...)`."""

    at: float
    who: str
    via: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent a request. `role` is None for a node, whose `node_id` and key `scope` say what it may."""

    kind: Literal["user", "local", "token", "node"]
    name: str
    role: Role | None
    via: Literal["session", "token", "node"]
    address: str | None = None
    node_id: str | None = None
    scope: str | None = None
    """Of a node's key: node or ingest."""
    areas: frozenset[str] = frozenset()
    """Where a token may be used; nothing: everywhere."""
    ref: str = field(default="", repr=False)
    """The row that let it in: hash of the session's cookie, id of the token or of the node's key."""

    def may(self, least: Role) -> bool:
        """Tell whether this role is enough."""
        return self.role is not None and is_enough(self.role, least)

    def by(self, at: float) -> By:
        """Return this principal as an audit row names it."""
        return By(at=at, who=self.name, via=self.via, address=self.address)


@dataclass(frozen=True, slots=True)
class User:
    name: str
    role: Role
    created_at: float
    changed_at: float
    login_at: float | None


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret."""

    id: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created_by: str | None
    created_at: float
    expires_at: float | None
    used_at: float | None
    revoked_at: float | None
    secret_hash: str = field(repr=False)

    def valid(self, at: float) -> bool:
        """Tell whether it opens anything at a time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True)
class ApiSecret(BearerSecret):
    """A program's token."""

    PREFIX = "hived"


new_token, read_token = ApiSecret.new, ApiSecret.read


def new_cookie() -> str:
    """Return the secret of a new session."""
    return secrets.token_urlsafe(32)
