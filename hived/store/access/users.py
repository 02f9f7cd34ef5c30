"""People who may log in."""

from __future__ import annotations

from typing import cast

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import ROLES, Role, User
from hived.store.access import sessions
from hived.store.engine.db import Database, dicts
from hived.store.schema import User as UserRow

MAX_USERS = 500  # a company's worth


def listing(db: Database) -> list[User]:
    """Return every user by name."""
    kept = (UserRow.name, UserRow.role, UserRow.created_at, UserRow.changed_at, UserRow.login_at)
    return [User(**row) for row in dicts(UserRow.select(*kept).order_by(UserRow.name), db)]


def one(db: Database, name: str) -> User:
    """Return a user. NotFound."""
    found = [user for user in listing(db) if user.name == name]
    if not found:
        raise NotFound(f"there is no user {name[:64]!r}")
    return found[0]


def role_of(db: Database, name: str) -> Role | None:
    """Return what a user may, None for nobody."""
    return cast("Role | None", UserRow.select(UserRow.role).where(UserRow.name == name).bind(db).scalar())


def any_there(db: Database) -> bool:
    """Tell whether there is a user at all."""
    return bool(UserRow.select(UserRow.name).limit(1).bind(db).count())


def password_hash(db: Database, name: str) -> str | None:
    """Return what is kept of a user's password, None for nobody."""
    return cast("str | None", UserRow.select(UserRow.password_hash).where(UserRow.name == name).bind(db).scalar())


def add(db: Database, name: str, hashed: str, role: str, at: float) -> User:
    """Make a user. Conflict when there is one of this name."""
    known = listing(db)
    if any(user.name == name for user in known):
        raise Conflict(f"there is a user {name!r}")
    if len(known) >= MAX_USERS:
        raise Conflict(f"there are {MAX_USERS} users: remove some first")
    UserRow.insert(name=name, password_hash=hashed, role=as_role(role), created_at=at, changed_at=at).execute(db)
    return one(db, name)


def set_role(db: Database, name: str, role: str, at: float) -> User:
    """Change what a user may do; a change ends all sessions of theirs. Conflict for the last admin."""
    known = one(db, name)
    if known.role == as_role(role):
        return known
    _is_not_the_last_admin(db, known)
    UserRow.update(role=role, changed_at=at).where(UserRow.name == name).execute(db)
    sessions.end_of(db, name)
    return one(db, name)


def set_password(db: Database, name: str, hashed: str, at: float, *, but: str | None = None) -> User:
    """Change a password; that ends all sessions of the user, all but the one with the hash `but`."""
    one(db, name)
    UserRow.update(password_hash=hashed, changed_at=at).where(UserRow.name == name).execute(db)
    sessions.end_of(db, name, but=but)
    return one(db, name)


def remove(db: Database, name: str) -> User:
    """Remove a user and end their sessions; return who it was. Conflict for the last admin."""
    known = one(db, name)
    _is_not_the_last_admin(db, known)
    UserRow.delete().where(UserRow.name == name).execute(db)
    sessions.end_of(db, name)
    return known


def logged_in(db: Database, name: str, at: float, *, checked: str, rehashed: str | None = None) -> bool:
    """Note a login whose password was checked against a hash; False when that is not the hash any more."""
    new = {} if rehashed is None else {"password_hash": rehashed}
    query = UserRow.update(login_at=at, **new).where(UserRow.name == name, UserRow.password_hash == checked)
    return bool(query.execute(db))


def as_role(role: object) -> Role:
    """Return a role. BadRequest for anything else."""
    for known in ROLES:
        if role == known:
            return known
    raise BadRequest(f"role: expected {', '.join(ROLES)}")


def _is_not_the_last_admin(db: Database, user: User) -> None:
    admins = [admin.name for admin in listing(db) if admin.role == "admin"]
    if admins == [user.name]:
        raise Conflict(f"{user.name} is the only admin: make another one first")
