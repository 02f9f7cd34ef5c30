"""`hivectl nodes` and `hivectl enroll-code`: which nodes belong to this master, and who is let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago, clean, local_time
from hived.documents import nodes as documents
from hived.errors import BadRequest
from hived.records.node import ALIVE, APPROVED, PENDING, REVOKED, SUSPECT, NodeView
from hived.services.nodes import admission
from hived.store import Database
from hived.store.nodes import contacts, nodes

COLUMNS = (
    Column("NAME", least=10),
    Column("SITE", leaves=4, least=6),
    Column("ROLE", leaves=3),
    Column("STATE"),
    Column("LAST CONTACT", right=True),
    Column("MINERS", right=True),
    Column("BEHIND", right=True, leaves=2),
    Column("VERSION", leaves=5),
    Column("ADDRESS", leaves=6),
    Column("NODE ID"),
)
_TONES = {ALIVE: "good", SUSPECT: "warn", PENDING: "warn"}


async def list_nodes(context: CommandContext) -> int:
    """Print a line for each node; of those that wait, the phrase to compare."""
    async with context.store() as store:
        found = await store.read(contacts.listing)
    if context.json:
        context.screen.document([documents.node(one) for one in found])
        return 0
    if not found:
        context.note("there is no node: hive-apid has not run yet")
        return 0
    draw(context.screen, COLUMNS, [_row(one, context.clock()) for one in found])
    for one in found:
        for key in one.keys:
            if key.status == PENDING:
                where = f" from {clean(key.address)}" if key.address else ""
                context.screen.say(f"{clean(one.name)} ({clean(one.node_id)}) asks{where} with the phrase {key.phrase}")
    return 0


async def approve(context: CommandContext) -> int:
    """Let a node in whose phrase is the one that it logs."""
    args = context.args
    async with context.store() as store:
        node_id, name = await store.write(_changed, admission.approve, args.node, args.phrase, context.by())
    return _told(context, node_id, f"{clean(name)} is approved: it sends with its next contact")


async def revoke(context: CommandContext) -> int:
    """Shut a node out."""
    async with context.store() as store:
        node_id, name = await store.write(_changed, admission.revoke, context.args.node, context.by())
    return _told(context, node_id, f"{clean(name)} is revoked: nothing that it sends is taken any more")


async def remove(context: CommandContext) -> int:
    """Forget a node with its keys and miners."""
    async with context.store() as store:
        node_id, name = await store.write(_changed, admission.remove, context.args.node, context.by())
    return _told(context, node_id, f"{clean(name)} is removed, and its miners with it; bubbles and events stay")


async def add(context: CommandContext) -> int:
    """Let a collector in that is not ours, and print its key, once."""
    try:
        node_id, name = admission.node_id_of(context.args.node), admission.name_of(context.args.name)
    except BadRequest as err:
        raise WrongUsage(str(err)) from err
    async with context.store() as store:
        key = await store.write(admission.add, node_id, name, context.by())
    if context.json:
        context.screen.document(documents.added(node_id, key.text))
    else:
        context.screen.say(key.text)
        context.note("this key is shown once: give it to the collector as its bearer token for POST /master/ingest")
    return 0


async def enroll_code(context: CommandContext) -> int:
    """Print a code with which one node joins."""
    async with context.store() as store:
        code, expires_at = await store.write(admission.new_code, context.by())
    if context.json:
        context.screen.document(documents.code(code, expires_at))
    else:
        context.screen.say(f"{code}   until {local_time(expires_at)}, for one node: hivectl join URL {code}")
    return 0


def _changed(db: Database, change: Callable[..., str], node: str, *args: Any) -> tuple[str, str]:
    """Change the node with this id or name and return both."""
    node_id = nodes.find(db, node)
    return node_id, change(db, node_id, *args)


def _told(context: CommandContext, node_id: str, text: str) -> int:
    if context.json:
        context.screen.document({"node_id": node_id, "ok": True})
    else:
        context.screen.say(text)
    return 0


def _row(one: NodeView, now: float) -> Row:
    state = one.status if one.status in (PENDING, REVOKED) else one.state or UNKNOWN
    behind = sum(count for count, _ in one.lag.values())
    return [
        one.name, one.site or UNKNOWN, one.role, Cell(state, _TONES.get(state, "dim" if one.state is None else "bad")),
        ago(one.contact_at, now), f"{one.online:,}/{one.miners:,}",
        f"{behind:,}" if one.lag and one.status == APPROVED else UNKNOWN, one.version or UNKNOWN,
        one.address or UNKNOWN, Cell(one.node_id, "dim"),
    ]  # fmt: skip
