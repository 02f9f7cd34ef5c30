"""`hivectl users`: who may log in."""

from __future__ import annotations

import getpass
import sys

from hived.cli.context import CommandContext, WrongUsage, interruptible
from hived.cli.output.tables import Column, draw
from hived.cli.output.text import UNKNOWN, ago
from hived.documents import access as documents
from hived.errors import BadRequest
from hived.records.access import User
from hived.records.logins import LONGEST_PASSWORD, as_password, as_user
from hived.services.access import accounts
from hived.services.access.passwords import Passwords
from hived.store.access import users

COLUMNS = (Column("NAME", least=10), Column("ROLE"), Column("MADE", leaves=2), Column("LAST LOGIN", leaves=1))


async def list_users(context: CommandContext) -> int:
    """Print a line for each user."""
    async with context.store() as store:
        found = await store.read(users.listing)
    if context.json:
        context.screen.document([documents.user(one) for one in found])
        return 0
    if not found:
        context.note("there is no user yet: hivectl users add NAME --role admin --password-prompt")
        return 0
    now = context.clock()
    draw(context.screen, COLUMNS, [[one.name, one.role, ago(one.created_at, now), _login(one, now)] for one in found])
    return 0


async def add(context: CommandContext) -> int:
    """Make a user."""
    name = as_user(context.args.name)
    password = _password(context, name)
    hashed = await Passwords().hash(password)
    async with context.store() as store:
        made = await store.write(accounts.add_user, name, hashed, context.args.role, context.by())
    return _tell(context, made, f"user {made.name} is made: {made.role}")


async def passwd(context: CommandContext) -> int:
    """Give a user another password."""
    name = as_user(context.args.name)
    async with context.store() as store:
        await store.read(users.one, name)  # before anybody types a password
        hashed = await Passwords().hash(_password(context, name))
        changed = await store.write(accounts.change_user, name, None, hashed, context.by())
    return _tell(context, changed, f"user {name} has another password; whoever was logged in as {name} is logged out")


async def change(context: CommandContext) -> int:
    """Give a user another role."""
    name = as_user(context.args.name)
    async with context.store() as store:
        changed = await store.write(accounts.change_user, name, context.args.role, None, context.by())
    return _tell(context, changed, f"user {changed.name}: {changed.role}")


async def remove(context: CommandContext) -> int:
    """Remove a user."""
    async with context.store() as store:
        gone = await store.write(accounts.remove_user, as_user(context.args.name), context.by())
        made = await store.read(accounts.tokens_of, gone.name, context.clock())
    for one in made:
        context.note(
            f"token {one.name} ({one.role}), which {gone.name} made, still works: hivectl token revoke {one.id}"
        )
    return _tell(context, gone, f"user {gone.name} is removed and logged out")


def _tell(context: CommandContext, who: User, text: str) -> int:
    if context.json:
        context.screen.document(documents.user(who))
    else:
        context.screen.say(text)
    return 0


def _login(who: User, now: float) -> str:
    return ago(who.login_at, now) if who.login_at is not None else UNKNOWN


def _password(context: CommandContext, name: str) -> str:
    """Return the new password from where it cannot be seen, as it is hashed."""
    with interruptible():
        if context.args.password_stdin:
            typed = sys.stdin.readline(LONGEST_PASSWORD * 4 + 2).rstrip("\r\n")
        elif not sys.stdin.isatty():
            raise WrongUsage("--password-prompt needs a terminal; scripts give --password-stdin")
        else:
            typed = getpass.getpass(f"Password of {name}: ")
            if getpass.getpass("Once more: ") != typed:
                raise BadRequest("these were two different passwords: nothing was changed")
    try:
        return as_password(typed)
    except BadRequest as err:
        raise BadRequest(f"{err}: nothing was changed") from err
