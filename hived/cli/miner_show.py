"""`hivectl miners show`: all that is known of one miner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hived.cli import daemons, lookup
from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import UNKNOWN, ago, clean, counted, hashrate, local_time, number, percent, span, terahash
from hived.documents import appliance
from hived.documents import miners as documents
from hived.documents.shared import Json
from hived.records.condition import Condition, board_condition, condition, lost_fans
from hived.records.events import Event, sentence, tone
from hived.records.events import settings as settings_in_words
from hived.records.miner import HASHING_STATES, HashboardChips, HashboardReading
from hived.records.miner_rules import Hold
from hived.records.miner_view import MinerView, ModelView, SettingsVersion, StoredStatus
from hived.store import Database, events
from hived.store.miners import models, settings, telemetry, views

NEWEST_EVENTS = 5
MOST_BOARDS = 16  # no miner has more than four
CHIPS_OLD_S = 90.0  # chips are read once a minute: older ones belong to another status


def _graded(board: HashboardReading, chips: int | None) -> str:
    """Return a count of chips: a board that does not hash yet shows every chip as red, which says nothing of them."""
    return number(chips if board.state in HASHING_STATES else None)


def _volts(millivolts: float | None) -> str:
    return number(None if millivolts is None else millivolts / 1000, 2)


def _range(least: float | None, most: float | None) -> str:
    if least is None or most is None or round(least) == round(most):
        return number(most if most is not None else least)
    return f"{least:.0f} to {most:.0f}"


_BOARDS = (
    Column("BOARD", lambda board, _: str(board.index), right=True),
    Column("STATE", lambda board, _: Cell(*board_condition(board))),
    Column("TH/s", lambda board, _: terahash(board.hashrate_hs), right=True),
    Column("%", lambda board, _: percent(board.hashrate_hs, board.expected_hashrate_hs), right=True),
    Column("W", lambda board, _: number(board.power_w), right=True, leaves=3),
    Column("MHz", lambda board, _: number(board.frequency_mhz), right=True, leaves=5),
    Column("V", lambda board, _: _volts(board.voltage_mv), right=True, leaves=6),
    Column("CHIP °C", lambda board, _: _range(board.chip_temp_min_c, board.chip_temp_max_c), right=True),
    Column("PCB °C", lambda board, _: _range(board.pcb_temp_min_c, board.pcb_temp_max_c), right=True, leaves=2),
    Column(
        "WATER °C", lambda board, _: _range(board.inlet_water_temp_c, board.outlet_water_temp_c), right=True, leaves=2
    ),
    Column("HW ERRORS", lambda board, _: number(board.hardware_errors), right=True, leaves=4),
    Column("WEAK", lambda board, _: _graded(board, board.chips_orange), right=True, leaves=7),
    Column("BAD", lambda board, _: _graded(board, board.chips_red), right=True, leaves=7),
    Column("SAYS", lambda board, _: board.description, leaves=1, least=16),
)
_FANS = (
    Column("FAN", lambda fan, _: str(fan[0].index), right=True),
    Column("rpm", lambda fan, _: number(fan[0].rpm), right=True),
    Column("STATE", lambda fan, _: Cell(fan[0].status, "bad" if fan[1] else None)),
)
_POOLS = (
    Column("POOL", lambda pool, _: str(pool.index + 1), right=True),
    Column("KIND", lambda pool, _: pool.kind),
    Column("URL", lambda pool, _: pool.url, least=20),
    Column("WORKER", lambda pool, _: pool.user, least=12),
    Column("STATE", lambda pool, _: pool.status),
    Column("ACCEPTED", lambda pool, _: number(pool.accepted), right=True, leaves=1),
    Column("REJECTED", lambda pool, _: number(pool.rejected), right=True, leaves=2),
    Column("STALE", lambda pool, _: number(pool.stale), right=True, leaves=4),
    Column("ms", lambda pool, _: number(pool.ping_ms), right=True, leaves=3),
)
_EVENTS = (
    Column("AGO", lambda event, now: ago(event.at, now), right=True),
    Column("WHAT", lambda event, _: Cell(sentence(event), tone(event)), least=30),
)


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
    now, status = context.clock(), facts.view.status
    lines = [*_head(context, facts, now), *(_numbers(context, facts, status, now) if status else ())]
    for line in lines:
        context.screen.say(line)
    if status is not None:
        _table(context, "Boards", _BOARDS, status.hashboards)
        lost = lost_fans(status)
        _table(context, "Fans", _FANS, [(fan, fan.index in lost) for fan in status.fans])
        _table(context, "Pools", _POOLS, status.pools)
    _table(context, "Newest events", _EVENTS, facts.events)
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
        "events": [appliance.event(event, view.last_ip, view.hostname) for event in facts.events],
    }


def _head(context: CommandContext, facts: Facts, now: float) -> Iterator[str]:
    view, paint = facts.view, context.screen.paint
    how = facts.how
    model = view.model_name or view.model_alias or "unknown model"
    yield f"{paint(clean(view.name), 'bold')}  {clean(model)}  {paint(clean(how.word), how.tone)}"
    yield _named("MAC", view.mac)
    yield _named("host name", clean(view.hostname or UNKNOWN))
    lowest = max(filter(None, (view.rules.min_preset, view.min_preset)), key=_place_in(facts.model), default=None)
    limit = f", at most preset {view.max_preset}" if view.max_preset else ""
    limit += f", at least preset {lowest}" if lowest else ""
    yield _named("model", clean(f"{model} ({view.model_alias or UNKNOWN}){limit}"))
    firmware = f"{view.firmware or UNKNOWN} {view.firmware_version or ''}".rstrip()
    yield _named(
        "firmware", clean(f"{firmware}, control board {view.platform or UNKNOWN}, serial {view.serial or UNKNOWN}")
    )
    if view.ip is None:
        yield _named("address", f"none, was at {clean(view.last_ip or UNKNOWN)}")
    yield _named("managed", "yes" if view.managed else "no, hived only reads it")
    if how.rules.group is not None:
        yield _named("group", clean(how.rules.group))
    if how.rules.tags:
        yield _named("tags", clean(", ".join(how.rules.tags)))
    for name, hold in (("locked", how.rules.locked), ("protected", how.rules.protected)):
        if hold is not None:
            yield _named(name, paint(clean(hold_in_words(hold)), "warn"))
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


def _place_in(model: ModelView | None) -> Callable[[str], int]:
    order = [preset["name"] for preset in model.presets] if model else []
    return lambda name: order.index(name) if name in order else -1


def hold_in_words(hold: Hold) -> str:
    """Return who keeps orders from a miner, until when, and why."""
    until = "until it is taken away" if hold.until is None else f"until {local_time(hold.until)}"
    return f"by {hold.by} {until}: {hold.why}"


def _numbers(context: CommandContext, facts: Facts, s: StoredStatus, now: float) -> Iterator[str]:
    yield ""
    old = "" if facts.how.fresh else ", old"
    yield context.screen.paint(f"Status, {ago(s.at, now)}{old}", "bold")
    yield _named("state", clean(f"{s.state or UNKNOWN} for {span(s.state_s)}"))
    yield _named(
        "hashrate",
        f"{hashrate(s.hashrate_hs, facts.how.expected_hs)}, {terahash(s.average_hashrate_hs)} TH/s on average",
    )
    yield _named("power", f"{number(s.power_w)} W, {number(s.efficiency_j_per_th, 1)} J/TH")
    heat = f"chips up to {number(s.chip_temp_max_c)} °C, boards up to {number(s.pcb_temp_max_c)} °C"
    if s.psu_temp_max_c is not None:
        heat += f", power supply {number(s.psu_temp_max_c)} °C"
    outlets = [b.outlet_water_temp_c for b in s.hashboards if b.outlet_water_temp_c is not None]
    if outlets:
        heat += f", water up to {max(outlets):.0f} °C"
    yield _named("temperature", f"{heat}, fans at {number(s.fan_duty_percent)} %")
    yield _named("cooling", clean(s.extra.get("cooling_mode") or UNKNOWN))
    asked = facts.settings.document.get("requested_preset") if facts.settings else None
    yield _named("preset", clean(f"{s.preset or UNKNOWN}" + (f", {asked} asked for" if asked else "")))
    if facts.settings is not None:
        last = facts.settings.changes
        change = settings_in_words(last) if last else "never seen to change"
        yield _named(
            "settings", clean(f"version {facts.settings.version}, read {ago(facts.settings.checked_at, now)}: {change}")
        )


def _table(context: CommandContext, title: str, columns: Sequence[Column], things: Sequence[Any]) -> None:
    if things:
        context.screen.say()
        context.screen.say(context.screen.paint(title, "bold"))
        draw(context.screen, columns, things, context.clock(), indent="  ")


def _named(name: str, text: str) -> str:
    return f"  {name:<12}{text}"
