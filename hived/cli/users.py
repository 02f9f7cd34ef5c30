"""`hivectl users`: who may log in."""

from __future__ import annotations

from hived.cli import passwords
from hived.cli.context import CommandContext
from hived.cli.output.tables import Column
from hived.cli.output.text import ago
from hived.documents import access as documents
from hived.errors import BadRequest
from hived.records.access import User
from hived.records.logins import LONGEST_PASSWORD, as_password, as_user
from hived.services.access import accounts
from hived.services.access.passwords import Passwords
from hived.store.access import users

COLUMNS = (
    Column("NAME", lambda user, _: user.name, least=10),
    Column("ROLE", lambda user, _: user.role),
    Column("MADE", lambda user, now: ago(user.created_at, now), leaves=2),
    Column("LAST LOGIN", lambda user, now: user.login_at and ago(user.login_at, now), leaves=1),
)


async def list_users(context: CommandContext) -> int:
    """Print a line for each user."""
    async with context.store() as store:
        everyone = await store.read(users.listing)
    nothing = "there is no user yet: hivectl users add NAME --role admin --password-prompt"
    return context.listed(everyone, documents.user, COLUMNS, nothing)


async def add(context: CommandContext) -> int:
    """Make a user."""
    name = as_user(context.args.name)
    hashed = await Passwords().hash(_password(context, name))
    async with context.store() as store:
        made = await store.write(accounts.add_user, name, hashed, context.args.role, context.by())
    return _answer(context, made, f"user {made.name} was added as {made.role}")


async def passwd(context: CommandContext) -> int:
    """Give a user another password."""
    name = as_user(context.args.name)
    async with context.store() as store:
        await store.read(users.one, name)  # before anybody types a password
        hashed = await Passwords().hash(_password(context, name))
        changed = await store.write(accounts.change_user, name, None, hashed, context.by())
    return _answer(context, changed, f"user {name} has a new password; all sessions of {name} were ended")


async def change(context: CommandContext) -> int:
    """Give a user another role."""
    name = as_user(context.args.name)
    async with context.store() as store:
        changed = await store.write(accounts.change_user, name, context.args.role, None, context.by())
    return _answer(context, changed, f"user {changed.name}: {changed.role}")


async def remove(context: CommandContext) -> int:
    """Remove a user."""
    async with context.store() as store:
        gone = await store.write(accounts.remove_user, as_user(context.args.name), context.by())
        tokens = await store.read(accounts.tokens_of, gone.name, context.clock())
    for token in tokens:
        made = f"token {token.name} ({token.role}), which {gone.name} made"
        context.note(f"{made}, still works: hivectl token revoke {token.id}")
    return _answer(context, gone, f"user {gone.name} is removed and logged out")


def _answer(context: CommandContext, user: User, text: str) -> int:
    return context.answer(documents.user(user), text)


def _password(context: CommandContext, name: str) -> str:
    """Return the new password, as it is hashed."""
    try:
        return as_password(passwords.read(context, f"Password of {name}", longest=LONGEST_PASSWORD * 4, twice=True))
    except BadRequest as err:
        raise BadRequest(f"{err}: nothing was changed") from err
