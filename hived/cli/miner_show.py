"""`hivectl miners show`: all that is known of one miner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hived.cli import daemons, lookup
from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago, clean, counted, hashrate, number, percent, span, terahash
from hived.documents import appliance
from hived.documents import miners as documents
from hived.documents.shared import Json
from hived.records.condition import Condition, condition
from hived.records.events import Event, sentence, tone
from hived.records.events import settings as settings_in_words
from hived.records.miner import HASHING_STATES, HashboardChips, HashboardReading
from hived.records.miner_view import MinerView, ModelView, SettingsVersion, StoredStatus
from hived.store import Database, events
from hived.store.miners import models, settings, telemetry, views

NEWEST_EVENTS = 5
MOST_BOARDS = 16  # no miner has more than four
CHIPS_OLD_S = 90.0  # chips are read once a minute: older ones belong to another status

_BOARDS = (
    Column("BOARD", right=True), Column("STATE"), Column("TH/s", right=True), Column("%", right=True),
    Column("W", right=True, leaves=3), Column("MHz", right=True, leaves=5), Column("V", right=True, leaves=6),
    Column("CHIP °C", right=True), Column("PCB °C", right=True, leaves=2), Column("HW ERRORS", right=True, leaves=4),
    Column("WEAK", right=True, leaves=7), Column("BAD", right=True, leaves=7), Column("SAYS", leaves=1, least=16),
)  # fmt: skip
_FANS = (Column("FAN", right=True), Column("rpm", right=True), Column("STATE"))
_POOLS = (
    Column("POOL", right=True), Column("KIND"), Column("URL", least=20), Column("WORKER", least=12), Column("STATE"),
    Column("ACCEPTED", right=True, leaves=1), Column("REJECTED", right=True, leaves=2),
    Column("STALE", right=True, leaves=4), Column("ms", right=True, leaves=3),
)  # fmt: skip
_EVENTS = (Column("AGO", right=True), Column("WHAT", least=30))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is read from the database, of one moment."""

    view: MinerView
    how: Condition
    model: ModelView | None
    settings: SettingsVersion | None
    boards: tuple[HashboardChips, ...]
    events: list[Event]


async def show(context: CommandContext) -> int:
    """Print one miner."""
    async with context.store() as store:
        facts = await store.read(_read, context)
    if context.json:
        context.screen.document(_document(facts))
        return 0
    now = context.clock()
    for line in _head(context, facts, now):
        context.screen.say(line)
    if facts.view.status is not None:
        for line in _numbers(context, facts, facts.view.status, now):
            context.screen.say(line)
        _tables(context, facts.view.status)
    if facts.events:
        _section(context, "Newest events")
        told: list[Row] = [[ago(e.at, now), Cell(sentence(e), tone(e))] for e in facts.events]
        draw(context.screen, _EVENTS, told, indent="  ")
    return 0


def _read(db: Database, context: CommandContext) -> Facts:
    known = lookup.find(db, context.args.miner)
    view = views.miners(db, mac=known.mac)[0]
    found = models.views(db, view.model_alias) if view.model_alias else []
    chips = telemetry.newest(db, known.num, limit=MOST_BOARDS)
    newest = chips[0][0] if chips else None
    fits = newest is not None and view.status is not None and abs(view.status.at - newest) <= CHIPS_OLD_S
    return Facts(
        view=view, how=condition(view, daemons.moment(db, context)), model=found[0] if found else None,
        settings=settings.newest(db, known.num),
        boards=tuple(board for at, board in chips if at == newest) if fits else (),
        events=events.newest(db, limit=NEWEST_EVENTS, num=known.num),
    )  # fmt: skip


def _document(facts: Facts) -> Json:
    view = facts.view
    return {
        **documents.listed(view, facts.model, facts.how, facts.boards),
        "settings": documents.settings(facts.settings) if facts.settings else None,
        "events": [appliance.event(one, view.ip, view.hostname) for one in facts.events],
    }


def _head(context: CommandContext, facts: Facts, now: float) -> Iterator[str]:
    view, paint = facts.view, context.screen.paint
    how = facts.how
    model = view.model_name or view.model_alias or "unknown model"
    yield f"{paint(view.ip or view.mac, 'bold')}  {clean(model)}  {paint(clean(how.word), how.tone)}"
    yield _named("MAC", view.mac)
    yield _named("host name", clean(view.hostname or UNKNOWN))
    limit = f", at most preset {view.max_preset}" if view.max_preset else ""
    yield _named("model", clean(f"{model} ({view.model_alias or UNKNOWN}){limit}"))
    firmware = f"{view.firmware or UNKNOWN} {view.firmware_version or ''}".rstrip()
    yield _named(
        "firmware", clean(f"{firmware}, control board {view.platform or UNKNOWN}, serial {view.serial or UNKNOWN}")
    )
    yield _named("managed", "yes" if view.managed else "no, hived only reads it")
    if not view.has_key:
        yield _named("key", paint("none: it cannot be polled", "warn"))
    yield _named("seen", f"{ago(view.seen_at, now)}, first {ago(view.created_at, now)}")
    if view.last_error is not None:
        error = (
            f"{clean(view.last_error)} ({ago(view.last_error_at, now)}, {counted(view.error_count, 'error')} in all)"
        )
        yield _named("last error", paint(error, "bad" if view.failures else "dim"))
    if how.why is not None:
        if how.why != view.last_error:
            yield _named("trouble", paint(clean(how.why), how.tone))
        yield _named("", f"next: {clean(how.next_step or UNKNOWN)}")
    for loss in how.lost:
        yield _named("lost", f"{terahash(loss.hashrate_hs)} TH/s: {loss.reason}")


def _numbers(context: CommandContext, facts: Facts, now_told: StoredStatus, now: float) -> Iterator[str]:
    s = now_told
    yield ""
    old = "" if facts.how.fresh else ", old"
    yield context.screen.paint(f"Status, {ago(s.at, now)}{old}", "bold")
    yield _named("state", clean(f"{s.state or UNKNOWN} for {span(s.state_s)}"))
    yield _named(
        "hashrate",
        f"{hashrate(s.hashrate_hs, s.expected_hashrate_hs)}, {terahash(s.average_hashrate_hs)} TH/s on average",
    )
    yield _named("power", f"{number(s.power_w)} W, {number(s.efficiency_j_per_th, 1)} J/TH")
    heat = f"chips up to {number(s.chip_temp_max_c)} °C, boards up to {number(s.pcb_temp_max_c)} °C"
    if s.psu_temp_max_c is not None:
        heat += f", power supply {number(s.psu_temp_max_c)} °C"
    yield _named("temperature", f"{heat}, fans at {number(s.fan_duty_percent)} %")
    asked = facts.settings.document.get("requested_preset") if facts.settings else None
    yield _named("preset", clean(f"{s.preset or UNKNOWN}" + (f", {asked} asked for" if asked else "")))
    if facts.settings is not None:
        last = facts.settings.changes
        said = settings_in_words(last) if last else "never seen to change"
        yield _named(
            "settings", clean(f"version {facts.settings.version}, read {ago(facts.settings.checked_at, now)}: {said}")
        )


def _tables(context: CommandContext, s: StoredStatus) -> None:
    if s.hashboards:
        _section(context, "Boards")
        draw(context.screen, _BOARDS, [_board(b) for b in s.hashboards], indent="  ")
    if s.fans:
        _section(context, "Fans")
        fans: list[Row] = [
            [str(f.index), number(f.rpm), Cell(f.status or UNKNOWN, "bad" if f.lost else None)] for f in s.fans
        ]
        draw(context.screen, _FANS, fans, indent="  ")
    if s.pools:
        _section(context, "Pools")
        pools: list[Row] = [
            [
                str(p.index), p.kind, p.url or UNKNOWN, p.user or UNKNOWN, p.status or UNKNOWN, number(p.accepted),
                number(p.rejected), number(p.stale), number(p.ping_ms),
            ]
            for p in s.pools
        ]  # fmt: skip
        draw(context.screen, _POOLS, pools, indent="  ")


def _board(b: HashboardReading) -> list[Cell | str]:
    # A board that does not hash yet shows every chip as red: that says nothing of the chips.
    graded = b.state in HASHING_STATES
    return [
        str(b.index),
        Cell(b.state or UNKNOWN, None if b.works else "bad"),
        terahash(b.hashrate_hs),
        percent(b.hashrate_hs, b.expected_hashrate_hs),
        number(b.power_w),
        number(b.frequency_mhz),
        number(None if b.voltage_mv is None else b.voltage_mv / 1000, 2),
        _range(b.chip_temp_min_c, b.chip_temp_max_c),
        _range(b.pcb_temp_min_c, b.pcb_temp_max_c),
        number(b.hardware_errors),
        number(b.chips_orange if graded else None),
        number(b.chips_red if graded else None),
        b.description or UNKNOWN,
    ]


def _section(context: CommandContext, title: str) -> None:
    context.screen.say()
    context.screen.say(context.screen.paint(title, "bold"))


def _named(name: str, text: str) -> str:
    return f"  {name:<12}{text}"


def _range(least: float | None, most: float | None) -> str:
    if least is None or most is None or round(least) == round(most):
        return number(most if most is not None else least)
    return f"{least:.0f} to {most:.0f}"
