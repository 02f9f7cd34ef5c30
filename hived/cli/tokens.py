"""`hivectl token`: what programs show in place of a login."""

from __future__ import annotations

from hived.api import dto_access
from hived.cli.context import Desk
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago
from hived.records.access import new_token
from hived.services.access import accounts
from hived.store.access import tokens
from hived.store.access.tokens import Token

COLUMNS = (
    Column("NAME", least=10), Column("ROLE"), Column("FOR", leaves=4), Column("STATE"), Column("LAST USED", leaves=1),
    Column("MADE", leaves=2), Column("BY", leaves=3), Column("ID", leaves=5),
)  # fmt: skip


async def list_tokens(desk: Desk) -> int:
    """Print a line for each token."""
    async with desk.store() as store:
        found = await store.read(tokens.listing)
    now = desk.clock()
    if desk.json:
        desk.screen.document([dto_access.token(one, now) for one in found])
    elif found:
        draw(desk.screen, COLUMNS, [_row(one, now) for one in found])
    else:
        desk.note("there is no token yet: hivectl token create NAME --role viewer")
    return 0


async def create(desk: Desk) -> int:
    """Make a token and print it, this once."""
    made, now = new_token(), desk.clock()
    ends = None if desk.args.expires is None else now + desk.args.expires
    async with desk.store() as store:
        kept = await store.write(
            accounts.add_token, made, desk.args.name, desk.args.role, desk.args.scope or (), ends, desk.by()
        )
    if desk.json:
        desk.screen.document({**dto_access.token(kept, now), "token": made.text})
    else:
        desk.screen.say(made.text)
        desk.note("this is shown once: only its hash is kept")
    return 0


async def revoke(desk: Desk) -> int:
    """End a token at once."""
    async with desk.store() as store:
        gone = await store.write(accounts.revoke_token, desk.args.token, desk.by())
    if desk.json:
        desk.screen.document(dto_access.token(gone, desk.clock()))
    else:
        desk.screen.say(f"token {gone.name} opens nothing any more")
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
