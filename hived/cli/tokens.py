"""`hivectl token`: what programs show in place of a login."""

from __future__ import annotations

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago
from hived.documents import access as documents
from hived.records.access import Token, new_token
from hived.services.access import accounts
from hived.store.access import tokens

COLUMNS = (
    Column("NAME", least=10), Column("ROLE"), Column("FOR", leaves=4), Column("STATE"), Column("LAST USED", leaves=1),
    Column("MADE", leaves=2), Column("BY", leaves=3), Column("ID", leaves=5),
)  # fmt: skip


async def list_tokens(context: CommandContext) -> int:
    """Print a line for each token."""
    async with context.store() as store:
        found = await store.read(tokens.listing)
    now = context.clock()
    if context.json:
        context.screen.document([documents.token(one, now) for one in found])
    elif found:
        draw(context.screen, COLUMNS, [_row(one, now) for one in found])
    else:
        context.note("there is no token yet: hivectl token create NAME --role viewer")
    return 0


async def create(context: CommandContext) -> int:
    """Make a token and print it, this once."""
    made, now = new_token(), context.clock()
    ends = None if context.args.expires is None else now + context.args.expires
    async with context.store() as store:
        kept = await store.write(
            accounts.add_token, made, context.args.name, context.args.role, context.args.scope or (), ends, context.by()
        )
    if context.json:
        context.screen.document({**documents.token(kept, now), "token": made.text})
    else:
        context.screen.say(made.text)
        context.note("this is shown once: only its hash is kept")
    return 0


async def revoke(context: CommandContext) -> int:
    """End a token at once."""
    async with context.store() as store:
        gone = await store.write(accounts.revoke_token, context.args.token, context.by())
    if context.json:
        context.screen.document(documents.token(gone, context.clock()))
    else:
        context.screen.say(f"token {gone.name} opens nothing any more")
    return 0


def _row(one: Token, now: float) -> Row:
    if one.revoked_at is not None:
        state = Cell(f"revoked {ago(one.revoked_at, now)}", "bad")
    elif one.expires_at is None:
        state = Cell("valid", "good")
    elif one.valid(now):
        state = Cell(f"valid for {(one.expires_at - now) / 86_400:.0f} days", "good")
    else:
        state = Cell(f"expired {ago(one.expires_at, now)}", "bad")
    return [
        one.name, one.role, ", ".join(one.scopes) or "everything", state,
        ago(one.used_at, now) if one.used_at is not None else UNKNOWN, ago(one.created_at, now),
        one.created_by or UNKNOWN, one.id,
    ]  # fmt: skip
