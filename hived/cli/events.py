"""`hivectl events`: what happened, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from hived.cli import lookup
from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago, local_time
from hived.documents import appliance as documents
from hived.records.events import Event, sentence, tone, who
from hived.records.miner_view import KnownMiner
from hived.store import Database
from hived.store import events as stored
from hived.store.miners import miners
from hived.store.nodes import nodes

COLUMNS = (
    Column("TIME", leaves=2),
    Column("AGO", right=True),
    Column("MINER"),
    Column("MAC", leaves=3),
    Column("WHAT", least=30),
)


async def events(context: CommandContext) -> int:
    """Print events; `--miner` only one miner's."""
    async with context.store() as store:
        found, known = await store.read(_read, context.args.miner, context.args.node, context.args.limit)
    if context.json:
        context.screen.document([documents.event(one, *_whereabouts(one, known)) for one in found])
    elif found:
        draw_events(context, found, known)
    else:
        context.note("nothing happened so far")
    return 0


def _read(db: Database, miner: str | None, node: str | None, limit: int) -> tuple[list[Event], dict[str, KnownMiner]]:
    num = None if miner is None else lookup.find(db, miner).num
    node_id = None if node is None else nodes.find(db, node)
    found = stored.newest(db, limit=limit, num=num, node_id=node_id, own_id=nodes.own_id(db))
    return found, {one.mac: one for one in miners.known(db, everywhere=True)}


def draw_events(context: CommandContext, found: Sequence[Event], known: dict[str, KnownMiner]) -> None:
    """Write a table of events."""
    now = context.clock()
    rows: list[Row] = []
    for one in found:
        ip, _ = _whereabouts(one, known)
        when = Cell(local_time(one.at), "dim")
        what = Cell(sentence(one), tone(one))
        rows.append([when, ago(one.at, now), who(one, ip), Cell(one.mac or UNKNOWN, "dim"), what])
    draw(context.screen, COLUMNS, rows)


def _whereabouts(one: Event, known: dict[str, KnownMiner]) -> tuple[str | None, str | None]:
    miner = known.get(one.mac or "")
    return (miner.ip, miner.hostname) if miner else (None, None)
