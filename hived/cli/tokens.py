"""`hivectl token`: what programs show in place of a login."""

from __future__ import annotations

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import ago
from hived.documents import access as documents
from hived.records.access import Token, new_token
from hived.services.access import accounts
from hived.store.access import tokens


def _state(token: Token, now: float) -> Cell:
    if token.revoked_at is not None:
        return Cell(f"revoked {ago(token.revoked_at, now)}", "bad")
    if token.expires_at is None:
        return Cell("valid", "good")
    if token.valid(now):
        return Cell(f"valid for {(token.expires_at - now) / 86_400:.0f} days", "good")
    return Cell(f"expired {ago(token.expires_at, now)}", "bad")


COLUMNS = (
    Column("NAME", lambda token, _: token.name, least=10),
    Column("ROLE", lambda token, _: token.role),
    Column("FOR", lambda token, _: ", ".join(token.scopes) or "everything but orders", leaves=4),
    Column("STATE", _state),
    Column("LAST USED", lambda token, now: token.used_at and ago(token.used_at, now), leaves=1),
    Column("MADE", lambda token, now: ago(token.created_at, now), leaves=2),
    Column("BY", lambda token, _: token.created_by, leaves=3),
    Column("ID", lambda token, _: token.id, leaves=5),
)


async def list_tokens(context: CommandContext) -> int:
    """Print a line for each token."""
    async with context.store() as store:
        found = await store.read(tokens.listing)
    nothing = "there is no token yet: hivectl token create NAME --role viewer"
    return context.listed(found, lambda token: documents.token(token, context.clock()), COLUMNS, nothing)


async def create(context: CommandContext) -> int:
    """Make a token and print it, this once."""
    args, made, now = context.args, new_token(), context.clock()
    ends = None if args.expires is None else now + args.expires
    async with context.store() as store:
        kept = await store.write(accounts.add_token, made, args.name, args.role, args.scope or (), ends, context.by())
    if not context.json:
        context.note("this is shown once: only its hash is kept")
    return context.answer({**documents.token(kept, now), "token": made.text}, made.text)


async def revoke(context: CommandContext) -> int:
    """End a token at once."""
    async with context.store() as store:
        gone = await store.write(accounts.revoke_token, context.args.token, context.by())
    return context.answer(documents.token(gone, context.clock()), f"token {gone.name} is revoked: it no longer works")
