"""`hivectl alerts`: what is wrong, and who has it in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import ago, clean, counted, span
from hived.documents.alerts import AlertDocument, AlertMemberDocument, NoticeDocument, WholeAlertDocument
from hived.errors import BadRequest
from hived.records import alert_wishes
from hived.records.alerts import Alert
from hived.records.times import from_text
from hived.services.alerts import attention, listing
from hived.services.alerts.amounts import amount, rate
from hived.store import Database

SNOOZE_S = 3600.0
TERA = 1e12
_TONES = {"bad": "bad", "warn": "warn"}


def severity(word: str) -> Cell:
    """Return a severity with its tone."""
    return Cell(word, _TONES.get(word))


def _state(alert: AlertDocument) -> Cell:
    if not alert["open"]:
        return Cell("over", "dim")
    if alert["acknowledged_at"]:
        return Cell(f"{alert['acknowledged_by']} has it", "dim")
    return Cell(f"snoozed by {alert['snoozed_by']}", "dim") if alert["quiet"] else Cell("open")


def _lost(alert: AlertDocument) -> str | None:
    """Return "1.2 PH/s now, 0.4 PH·h so far"."""
    now, so_far = alert["lost_ths"] or 0.0, alert["lost_th_hours"] or 0.0
    parts = [f"{rate(now * TERA)} now"] if now else []
    parts += [f"{amount(so_far * TERA * 3600)}{' so far' if alert['open'] else ''}"] if so_far >= 1 else []
    return ", ".join(parts) or None


ALERTS = (
    Column("ID", lambda alert, _: str(alert["id"]), right=True),
    Column("IS", lambda alert, _: severity(alert["severity"])),
    Column("WHAT", lambda alert, _: alert["what"], least=24),
    Column("SINCE", lambda alert, now: ago(from_text(alert["since"]), now), right=True),
    Column("LOST", lambda alert, _: _lost(alert), leaves=2),
    Column("STATE", lambda alert, _: _state(alert), leaves=1),
    Column("EXPLAINS", lambda alert, _: str(alert["explains_count"]) if alert["explains_count"] else "", True, 3),
)


async def list_alerts(context: CommandContext) -> int:
    """Print a line for each open alert, and if asked for each that is over."""

    def read(db: Database) -> list[AlertDocument]:
        found = listing.open_ones(db, context.clock())
        return found + (listing.over(db, context.clock(), limit=context.args.limit) if context.args.all else [])

    async with context.store() as store:
        found = await store.read(read)
    return context.listed(found, lambda alert: alert, ALERTS, "no alert is open")


async def show(context: CommandContext) -> int:
    """Print an alert whole."""
    async with context.store() as store:
        found = await store.read(listing.one, context.args.id, context.clock())
    return context.answer(found, *_lines(context, found))


async def acknowledge(context: CommandContext) -> int:
    """Take an alert in hand."""
    return await _change(context, lambda db: attention.acknowledge(db, context.args.id, context.by()), "in hand")


async def snooze(context: CommandContext) -> int:
    """Hear no more of an alert for a while. WrongUsage for one that is too long."""
    now = context.clock()
    until = now + SNOOZE_S if context.args.until is None else context.args.until(now)
    try:
        until = alert_wishes.until({"seconds": until - now}, now)
    except BadRequest as err:
        raise WrongUsage(str(err)) from err
    words = f"snoozed for {span(until - now)}"
    return await _change(context, lambda db: attention.snooze(db, context.args.id, until, context.by()), words)


async def _change(context: CommandContext, work: Callable[[Database], Alert], words: str) -> int:
    def change(db: Database) -> WholeAlertDocument:
        return listing.one(db, work(db).id, context.clock())

    async with context.store() as store:
        found = await store.write(change)
    return context.answer(found, f"alert {found['id']} is {words}: {clean(found['what'])}; its end is told")


def _lines(context: CommandContext, alert: WholeAlertDocument) -> Iterator[str]:
    now, paint = context.clock(), context.screen.paint
    word = alert["severity"] if alert["open"] else "over"
    yield f"{paint(clean(alert['what']), 'bold')}  {paint(word, _TONES.get(word, 'dim'))}"
    told = {
        "where": alert["where"], "since": _time(alert["since"], now), "ended": _time(alert["ended_at"], now),
        "lost": _lost(alert), "rule": alert["rule"], "in hand": _hand(alert, now), "next": alert["next_step"],
        "explained": f"by alert {alert['under']}" if alert["under"] else None,
    }  # fmt: skip
    for name, text in told.items():
        if text:
            yield f"  {name:<10}{clean(text)}"
    yield from _members("Wrong" if alert["open"] else "Was wrong", alert["members"], now)
    yield from _members("It explains", alert["explains"], now)
    if alert["told"]:
        yield "Told"
        for notice in alert["told"]:
            yield f"  {_time(notice['at'], now):<14}{clean(notice['title'])}{_arrived(notice)}"


def _members(title: str, members: list[AlertMemberDocument], now: float) -> Iterator[str]:
    if members:
        yield title
    for one in members:
        back = f", back {_time(one['back_at'], now)}" if one["back_at"] else ""
        yield f"  {clean(one['name'])}: {clean(one['what'])}, since {_time(one['since'], now)}{back}"


def _arrived(notice: NoticeDocument) -> str:
    words = []
    for one in notice["deliveries"]:
        tries = f" not after {counted(one['attempts'], 'try', 'tries')}"
        how = "" if one["sent_at"] else " given up" if one["given_up"] else tries
        words.append(f"{one['channel']}{how}")
    return f" ({', '.join(map(clean, words))})" if words else ""


def _hand(alert: AlertDocument, now: float) -> str | None:
    if alert["acknowledged_at"]:
        return f"{alert['acknowledged_by']}, {_time(alert['acknowledged_at'], now)}"
    until = alert["snoozed_until"]
    return f"snoozed by {alert['snoozed_by']} until {until}" if alert["quiet"] and until else None


def _time(text: str | None, now: float) -> str:
    return "" if text is None else ago(from_text(text), now)
