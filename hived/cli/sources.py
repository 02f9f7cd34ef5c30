"""`hivectl sources`: where the auto-miner collects, and whether it does."""

from __future__ import annotations

from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import ago, clean, counted, number
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


def _error(source: Source, now: float) -> Cell | None:
    failed = source.last_error is not None and source.last_error_at is not None
    return Cell(f"{source.last_error} ({ago(source.last_error_at, now)})", "warn") if failed else None


COLUMNS = (
    Column("ID", lambda source, _: str(source.id), right=True),
    Column("NAME", lambda source, _: source.name, least=10),
    Column("KIND", lambda source, _: source.kind, leaves=2),
    Column("ARTIFACTS", lambda source, _: number(source.artifacts), right=True),
    Column("WAITING", lambda source, _: number(source.waiting), right=True, leaves=3),
    Column("REFUSED", lambda source, _: number(source.refused), right=True, leaves=4),
    Column("LAST RUN", lambda source, now: ago(source.last_run_at, now), leaves=5),
    Column("LAST ERROR", _error, leaves=6, least=12),
    Column("BASE URL", lambda source, _: source.base_url, leaves=7, least=20),
)


async def list_sources(context: CommandContext) -> int:
    """Print a line for each source, and what the auto-miner does."""
    async with context.store() as store:
        found, condition = await store.read(_read)
    refusals = {source.id: why for source, why in found}
    context.listed(
        [source for source, _ in found], lambda source: documents.source(source, refusals[source.id]), COLUMNS,
        "there is no source yet: hivectl sources add NAME URL",
    )  # fmt: skip
    if not context.json:
        context.screen.say(_doing(condition, context.clock()))
    return 0


async def add(context: CommandContext) -> int:
    """Add a source."""
    try:
        new = new_source(context.args.name, context.args.url, context.args.kind)
    except BadRequest as err:
        raise WrongUsage(str(err)) from err
    async with context.store() as store:
        made = await store.write(auto_miner.add_source, new, context.by())
    line = f"source {made.id}: {clean(made.name)}, kind {made.kind}, at {clean(made.base_url)}"
    return context.answer(documents.source(made), line)


async def remove(context: CommandContext) -> int:
    """Remove a source; what it brought stays."""
    async with context.store() as store:
        gone = await auto_miner.remove_source(store, context.args.id, context.by())
    stay = f"; its {counted(gone.artifacts, 'artifact')} stay" if gone.artifacts else ""
    return context.answer(documents.source(gone), f"source {gone.id} ({clean(gone.name)}) is removed{stay}")


async def start(context: CommandContext) -> int:
    """Start the auto-miner, or one source's run; 1 when it runs already."""
    wanted = context.args.id
    async with context.store() as store:
        taken = await store.write(auto_miner.start, context.by(), wanted)
        condition = await store.read(auto_miner.condition)
    runs = alive(condition.beat_at, context.clock())
    if not taken:
        if not context.json:
            context.note(f"hivectl: {auto_miner.RUNS_ALREADY}")
        context.answer(documents.message(auto_miner.RUNS_ALREADY, ok=False))
        return EXIT_FAILED
    if not runs:
        context.note(f"{documents.NO_DAEMON}: nothing happens until it is: systemctl start {MINERD}")
    started = "the auto-miner starts" if wanted is None else f"source {wanted} is visited once"
    return context.answer(documents.started(wanted, runs=runs), started)


async def stop(context: CommandContext) -> int:
    """Stop the auto-miner."""
    async with context.store() as store:
        text = await store.write(auto_miner.stop, context.by())
    return context.answer(documents.message(text, ok=True), text)


def _read(db: Database) -> tuple[list[tuple[Source, list[Json]]], Condition]:
    found = [(source, sources.refusals(db, source.id) if source.refused else []) for source in sources.every(db)]
    return found, auto_miner.condition(db)


def _doing(condition: Condition, now: float) -> str:
    """Return what the auto-miner does, in one line."""
    state: CollectorState = condition.state
    wanted = "is to run" if state.wanted or state.only_source is not None else "is off"
    if not alive(condition.beat_at, now):
        return f"auto-miner: {wanted}, but {documents.NO_DAEMON}"
    where = f" ({clean(state.current_source)})" if state.current_source else ""
    model = f"; {clean(state.model_state)}" if state.model_state else ""
    return f"auto-miner: {clean(state.status)}{where}{model}"
