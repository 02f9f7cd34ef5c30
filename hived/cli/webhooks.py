"""`hivectl webhooks`: programs that are told of events."""

from __future__ import annotations

import sys

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import ago, counted
from hived.documents import alerts
from hived.documents import webhooks as documents
from hived.records.webhooks import Webhook
from hived.services.alerts.outgoing import Outgoing
from hived.services.integrations import webhooks


def _state(told: Webhook, _now: float) -> Cell:
    if not told.enabled:
        return Cell("off", "dim")
    if told.failures:
        return Cell(f"failed {told.failures} times: {told.said}", "bad")
    return Cell("works" if told.sent_at else "nothing sent yet", "good" if told.sent_at else "dim")


COLUMNS = (
    Column("NAME", lambda told, _: told.name, least=10),
    Column("URL", lambda told, _: told.url, least=20),
    Column("KINDS", lambda told, _: ", ".join(told.kinds) or "all", leaves=2, least=10),
    Column("IS", _state, least=12),
    Column("LAST SENT", lambda told, now: told.sent_at and ago(told.sent_at, now), leaves=1),
    Column("BY", lambda told, _: told.by, leaves=3),
)


async def list_webhooks(context: CommandContext) -> int:
    """Print a line for each webhook."""
    async with context.store() as store:
        found = await store.read(webhooks.listing)
    nothing = "there is no webhook yet: hivectl webhooks add NAME URL"
    return context.listed(found, documents.webhook, COLUMNS, nothing)


async def add(context: CommandContext) -> int:
    """Add a webhook and print its secret, this once."""
    args = context.args
    url = sys.stdin.readline().strip() if args.url == "-" else args.url
    async with context.store() as store:
        added = await store.write(webhooks.add, args.name, url, context.by(), tuple(args.kind or ()))
    if not context.json:
        context.note("its requests are signed with this secret, which is shown once")
    return context.answer(documents.webhook(added) | {"secret": added.secret}, added.secret or "")


async def change(context: CommandContext) -> int:
    """Change what a webhook gets."""
    args = context.args
    wanted = True if args.on else False if args.off else None
    chosen = [] if args.all_kinds else args.kind
    async with context.store() as store:
        changed = await store.write(webhooks.change, args.name, context.by(), chosen, wanted)
    gets = f"gets {counted(len(changed.kinds), 'kind', 'kinds') if changed.kinds else 'all kinds'} of event"
    return context.answer(documents.webhook(changed), f"{changed.name} {gets if changed.enabled else 'is off'}")


async def remove(context: CommandContext) -> int:
    """Forget a webhook."""
    async with context.store() as store:
        await store.write(webhooks.remove, context.args.name, context.by())
    return context.answer({"name": context.args.name}, f"{context.args.name} is told nothing any more")


async def test(context: CommandContext) -> int:
    """Send a signed test now."""
    name = context.args.name
    async with context.store() as store:
        answered = await webhooks.test(store, Outgoing.of(context.config), name, context.by())
    words = f"{name} {'took it' if answered.ok else 'did not take it'}: {answered.words or 'no answer'}"
    context.answer(alerts.answered(answered), words)
    return 0 if answered.ok else 1
