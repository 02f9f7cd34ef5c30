"""`hivectl events`: what happened."""

from __future__ import annotations

import asyncio
import difflib
import json
from typing import Any

from hived.cli import lookup
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import ago, clean, local_time
from hived.documents import appliance as documents
from hived.records.events import EVENTS, Event, sentence, tone, who
from hived.records.miner_view import KnownMiner
from hived.store import Database
from hived.store import events as stored
from hived.store.miners import miners
from hived.store.nodes import nodes

LOOK_S = 1.0
MOST_AT_ONCE = 1000
_FILTERS = ("num", "node_id", "kind", "since")

Known = dict[str, KnownMiner]
"""The miners of the fleet by MAC."""


async def events(context: CommandContext) -> int:
    """Print the events that fit, newest first; with --follow oldest first, and those that come."""
    async with context.store() as store:
        wanted, known = await store.read(_wanted, context)
        found = await store.read(stored.newest, limit=context.args.limit, **wanted)
        if context.args.kind is not None and context.args.kind not in EVENTS and not found:
            raise WrongUsage(_no_kind(context.args.kind))
        if not context.args.follow:
            nothing = "no such event so far" if any(wanted[name] for name in _FILTERS) else "nothing happened so far"
            return context.listed(found, lambda event: _document(event, known), _columns(known), nothing)
        last = 0
        try:
            while True:
                for event in reversed(found):
                    last = event.id or last
                    context.screen.say(_line(context, event, known))
                context.screen.flush()
                await asyncio.sleep(LOOK_S)
                found = await store.read(stored.newest, limit=MOST_AT_ONCE, **wanted | {"after": last})
                known = await store.read(_known) if found else known
        except asyncio.CancelledError:  # Ctrl-C is how it ends
            return 0


def _wanted(db: Database, context: CommandContext) -> tuple[dict[str, Any], Known]:
    args = context.args
    wanted = {
        "num": None if args.miner is None else lookup.find(db, args.miner).num,
        "node_id": None if args.node is None else nodes.find(db, args.node), "own_id": nodes.own_id(db),
        "kind": args.kind, "since": None if args.since is None else args.since(context.clock()),
    }  # fmt: skip
    return wanted, _known(db)


def _known(db: Database) -> Known:
    return {miner.mac: miner for miner in miners.known(db, everywhere=True)}


def _no_kind(kind: str) -> str:
    near = difflib.get_close_matches(kind[:64], list(EVENTS), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(EVENTS))}"
    return f"there is no kind of event {kind[:64]!r}: {hint}"


def _columns(known: Known) -> tuple[Column, ...]:
    return (
        Column("TIME", lambda event, _: Cell(local_time(event.at), "dim"), leaves=2),
        Column("AGO", lambda event, now: ago(event.at, now), right=True),
        Column("MINER", lambda event, _: who(event, _address(event, known))),
        Column("MAC", lambda event, _: Cell(event.mac, "dim"), leaves=3),
        Column("WHAT", lambda event, _: Cell(sentence(event), tone(event)), least=30),
    )


def _line(context: CommandContext, event: Event, known: Known) -> str:
    """Return an event as one line: JSON for programs."""
    if context.json:
        return json.dumps(_document(event, known))
    what = context.screen.paint(clean(sentence(event)), tone(event))
    return f"{local_time(event.at)}  {clean(who(event, _address(event, known)))}  {what}"


def _document(event: Event, known: Known) -> documents.EventDocument:
    miner = known.get(event.mac or "")
    return documents.event(event, _address(event, known), miner.hostname if miner else None)


def _address(event: Event, known: Known) -> str | None:
    miner = known.get(event.mac or "")
    return miner.last_ip if miner else None
