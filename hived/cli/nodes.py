"""`hivectl nodes` and `hivectl enroll-code`: which nodes belong to this master, and who is let in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import UNKNOWN, ago, clean, counted, local_time
from hived.documents import nodes as documents
from hived.errors import BadRequest
from hived.records.bounds import BOUNDS
from hived.records.node import ALIVE, PENDING, REVOKED, SUSPECT, NodeView
from hived.runtime.config import Config
from hived.services.nodes import admission
from hived.store import Database
from hived.store.nodes import contacts, nodes

_TONES = {ALIVE: "good", SUSPECT: "warn", PENDING: "warn"}


def _state(node: NodeView, _: float) -> Cell:
    state = node.status if node.status in (PENDING, REVOKED) else node.state
    if node.full:
        return Cell(f"{state}, full", "warn")
    return Cell(state, _TONES.get(state or "", "dim" if node.state is None else "bad"))


def _online(node: NodeView, _: float) -> str:
    return f"{UNKNOWN if node.gone else f'{node.online:,}'}/{node.miners:,}"


def _behind(node: NodeView, _: float) -> str | None:
    return f"{sum(rows for rows, _ in node.lag.values()):,}" if node.lag and not node.gone else None


COLUMNS = (
    Column("NAME", lambda node, _: node.name, least=10),
    Column("SITE", lambda node, _: node.site, leaves=4, least=6),
    Column("ROLE", lambda node, _: node.role, leaves=3),
    Column("STATE", _state),
    Column("LAST CONTACT", lambda node, now: ago(node.contact_at, now), right=True),
    Column("MINERS", _online, right=True),
    Column("BEHIND", _behind, right=True, leaves=2),
    Column("VERSION", lambda node, _: node.version, leaves=5),
    Column("ADDRESS", lambda node, _: node.address, leaves=6),
    Column("NODE ID", lambda node, _: Cell(node.node_id, "dim")),
)


async def list_nodes(context: CommandContext) -> int:
    """Print a line for each node; of those that wait, the phrase to compare."""
    async with context.store() as store:
        found = await store.read(contacts.listing)
    context.listed(found, documents.node, COLUMNS, "there is no node: hive-apid has not run yet")
    for node in found if not context.json else ():
        for bound in (BOUNDS[name] for name in node.full if name in BOUNDS):
            context.screen.say(clean(f"{node.name} has sent {bound.most:,} {bound.words}: more is not taken"))
        for key in (key for key in node.keys if key.status == PENDING):
            where = f" from {key.address}" if key.address else ""
            known = "" if node.status == PENDING else ": it is known already, and asks with another key"
            context.screen.say(clean(f"{node.name} ({node.node_id}) asks{where} with the phrase {key.phrase}{known}"))
    return 0


async def approve(context: CommandContext) -> int:
    """Admit the node whose phrase is the one that it logs."""
    return await _change(context, admission.approve, "is approved: it sends with its next contact", context.args.phrase)


async def revoke(context: CommandContext) -> int:
    """Accept nothing more from a node."""
    return await _change(context, admission.revoke, "is revoked: nothing that it sends is accepted any more")


async def refuse(context: CommandContext) -> int:
    """Refuse who waits to be admitted: one node, or all."""
    if context.args.all == (context.args.node is not None):
        raise WrongUsage("name a node, or --all")
    if not context.args.all:
        return await _change(
            context, admission.refuse, "is refused: it may ask again with another key", context.args.phrase
        )
    async with context.store() as store:
        count = await store.write(admission.refuse_all, context.by())
    return context.answer({"refused": count}, f"{counted(count, 'wish', 'wishes')} to join forgotten")


async def remove(context: CommandContext) -> int:
    """Forget a node with its keys and the miners that it brought."""
    return await _change(
        context, admission.remove, "is removed, with the miners that it brought; bubbles and events stay"
    )


async def _change(context: CommandContext, change: Callable[..., str], done: str, *args: Any) -> int:
    def changed(db: Database) -> tuple[str, str]:
        node_id = nodes.find(db, context.args.node)
        return node_id, change(db, node_id, *args, context.by())

    async with context.store() as store:
        node_id, name = await store.write(changed)
    return context.answer({"node_id": node_id, "ok": True}, f"{clean(name)} {done}")


async def add(context: CommandContext) -> int:
    """Let a collector in that is not ours, and print its key, once."""
    try:
        node_id, name = admission.node_id_of(context.args.node), admission.name_of(context.args.name)
    except BadRequest as err:
        raise WrongUsage(str(err)) from err
    async with context.store() as store:
        key = await store.write(admission.add, node_id, name, context.by())
    if not context.json:
        context.note("this key is shown once: give it to the collector as its bearer token for POST /master/ingest")
    return context.answer(documents.added(node_id, key.text), key.text)


async def enroll_code(context: CommandContext) -> int:
    """Print a code with which one node joins."""
    wanted = context.args.node

    def made(db: Database) -> tuple[str, float]:
        node_id = None if wanted is None else nodes.find(db, wanted)
        return admission.new_code(db, context.by(), key=key, node_id=node_id)

    async with context.store() as store:
        key = await asyncio.to_thread(_own_key, context.config)
        code, expires_at = await store.write(made)
    whom = "one node" if wanted is None else f"the node {clean(wanted)}"
    line = f"{code}   until {local_time(expires_at)}, for {whom}: hivectl join URL {code}"
    return context.answer(documents.code(code, expires_at), line)


def _own_key(config: Config) -> str:
    """Return the SHA-256 of the public key that this master answers with. BadConfig."""
    from hived.services.appliance.tls import tls_of  # the makers of certificates take 4 MiB

    return tls_of(config).current().pin
