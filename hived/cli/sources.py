"""`hivectl sources`: where the auto-miner collects, and whether it does."""

from __future__ import annotations

from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago, clean, counted, number
from hived.documents import collecting as documents
from hived.documents.shared import Json
from hived.errors import BadRequest
from hived.records.artifact import CollectorState, Source
from hived.records.daemon import MINERD, alive
from hived.records.sources import new_source
from hived.services.collecting import auto_miner
from hived.services.collecting.auto_miner import Condition
from hived.store import Database
from hived.store.collecting import sources

COLUMNS = (
    Column("ID", right=True),
    Column("NAME", least=10),
    Column("KIND", leaves=2),
    Column("ARTIFACTS", right=True),
    Column("WAITING", right=True, leaves=3),
    Column("REFUSED", right=True, leaves=4),
    Column("LAST RUN", leaves=5),
    Column("LAST ERROR", leaves=6, least=12),
    Column("BASE URL", leaves=7, least=20),
)


async def list_sources(context: CommandContext) -> int:
    """Print a line for each source, and what the auto-miner does."""
    async with context.store() as store:
        found, condition = await store.read(_read)
    if context.json:
        context.screen.document([documents.source(one, why) for one, why in found])
        return 0
    now = context.clock()
    if found:
        draw(context.screen, COLUMNS, [_row(one, now) for one, _ in found])
    else:
        context.note("there is no source yet: hivectl sources add NAME URL")
    context.screen.say(_doing(condition, now))
    return 0


async def add(context: CommandContext) -> int:
    """Add a source."""
    try:
        new = new_source(context.args.name, context.args.url, context.args.kind)
    except BadRequest as err:
        raise WrongUsage(str(err)) from err
    async with context.store() as store:
        made = await store.write(auto_miner.add_source, new, context.by())
    if context.json:
        context.screen.document(documents.source(made))
    else:
        context.screen.say(f"source {made.id}: {clean(made.name)}, kind {made.kind}, at {clean(made.base_url)}")
    return 0


async def remove(context: CommandContext) -> int:
    """Remove a source; what it brought stays."""
    async with context.store() as store:
        gone = await auto_miner.remove_source(store, context.args.id, context.by())
    if context.json:
        context.screen.document(documents.source(gone))
    else:
        stay = f"; its {counted(gone.artifacts, 'artifact')} stay" if gone.artifacts else ""
        context.screen.say(f"source {gone.id} ({clean(gone.name)}) is removed{stay}")
    return 0


async def start(context: CommandContext) -> int:
    """Start the auto-miner, or one source's run; 1 when it runs already."""
    wanted = context.args.id
    async with context.store() as store:
        taken = await store.write(auto_miner.start, context.by(), wanted)
        condition = await store.read(auto_miner.condition)
    runs = alive(condition.beat_at, context.clock())
    if not taken:
        return _tell(context, auto_miner.RUNS_ALREADY, ok=False)
    if context.json:
        context.screen.document(documents.started(wanted, runs=runs))
    else:
        context.screen.say("the auto-miner starts" if wanted is None else f"source {wanted} is visited once")
    if not runs:
        context.note(f"{documents.NO_DAEMON}: nothing happens before it does: systemctl start {MINERD}")
    return 0


async def stop(context: CommandContext) -> int:
    """Stop the auto-miner."""
    async with context.store() as store:
        said = await store.write(auto_miner.stop, context.by())
    return _tell(context, said, ok=True)


def _tell(context: CommandContext, text: str, *, ok: bool) -> int:
    if context.json:
        context.screen.document(documents.message(text, ok=ok))
    elif ok:
        context.screen.say(text)
    else:
        context.note(f"hivectl: {text}")
    return 0 if ok else EXIT_FAILED


def _read(db: Database) -> tuple[list[tuple[Source, list[Json]]], Condition]:
    found = [(one, sources.refusals(db, one.id) if one.refused else []) for one in sources.every(db)]
    return found, auto_miner.condition(db)


def _row(one: Source, now: float) -> Row:
    failed = one.last_error is not None and one.last_error_at is not None
    return [
        str(one.id), one.name, one.kind, number(one.artifacts), number(one.waiting), number(one.refused),
        ago(one.last_run_at, now),
        Cell(f"{one.last_error} ({ago(one.last_error_at, now)})", "warn") if failed else UNKNOWN, one.base_url,
    ]  # fmt: skip


def _doing(condition: Condition, now: float) -> str:
    """Return what the auto-miner does, in one line."""
    state: CollectorState = condition.state
    wanted = "is to run" if state.wanted or state.only_source is not None else "is off"
    if not alive(condition.beat_at, now):
        return f"auto-miner: {wanted}, but {documents.NO_DAEMON}"
    where = f" ({clean(state.current_source)})" if state.current_source else ""
    model = f"; {clean(state.model_state)}" if state.model_state else ""
    return f"auto-miner: {clean(state.status)}{where}{model}"
