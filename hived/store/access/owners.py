"""What those may by now who left something that is done in their name later."""

from __future__ import annotations

from hived.records.access import STEER, Role
from hived.store.access import tokens, users
from hived.store.engine.database import Database


def may_steer_as(db: Database, name: str, by_token: bool, at: float) -> Role | None:
    """Return the role in which a user, or a program with a token of this name, may steer; None: it may not any more."""
    if not by_token:
        return users.role_of(db, name)
    valid = (one for one in tokens.listing(db) if one.name == name and one.valid(at) and STEER in one.scopes)
    return next((one.role for one in valid), None)
