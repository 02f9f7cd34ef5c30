"""`hivectl alerts maintenance`: when nobody is told."""

from __future__ import annotations

from typing import Any

from hived.cli.alert_rules import scope_of, scope_words
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import clean
from hived.documents.alerts import AlertWindowDocument
from hived.errors import BadRequest, NotFound
from hived.records.plans import DAYS
from hived.records.times import rfc3339
from hived.services.alerts import windows
from hived.store import Database
from hived.store.alerts import windows as rows


def _when(one: AlertWindowDocument) -> str:
    when = one["when"]
    if "from" not in when:
        return f"{when['at']} until {when['until']}"
    days = "every day" if len(when["days"]) == len(DAYS) else ",".join(when["days"])
    return f"{days} {when['from']} to {when['to']}"


def _state(one: AlertWindowDocument) -> Cell:
    if one["next"] is None:
        return Cell("over", "dim")
    return Cell(f"now, until {one['next_at']}", "good") if one["open"] else Cell(f"next {one['next_at']}")


def _for(one: AlertWindowDocument) -> str:
    return f"up to {one['severity']}" if one["kind"] == "quiet" else scope_words(one["scope"])


WINDOWS = (
    Column("ID", lambda one, _: str(one["id"]), right=True, leaves=2),
    Column("NAME", lambda one, _: one["name"], least=12),
    Column("KIND", lambda one, _: one["kind"]),
    Column("WHEN", lambda one, _: _when(one), least=20),
    Column("FOR", lambda one, _: _for(one)),
    Column("STATE", lambda one, _: _state(one)),
    Column("BY", lambda one, _: one["by"], leaves=1),
)


async def maintenance(context: CommandContext) -> int:
    """List, announce or take back. WrongUsage for what makes no window."""
    args = context.args
    if args.name is None:
        return await _list(context)
    return await (_remove(context) if args.remove else _add(context))


async def _list(context: CommandContext) -> int:
    async with context.store() as store:
        found = await store.read(windows.listing, context.clock())
    nothing = "none: hivectl alerts maintenance NAME --until 2h, or --from 22:00 --to 06:00 --quiet warn"
    return context.listed(found, lambda one: one, WINDOWS, nothing)


async def _add(context: CommandContext) -> int:
    wish = _wish(context)

    def add(db: Database) -> AlertWindowDocument:
        return windows.document(windows.add(db, wish, context.by()), context.clock())

    async with context.store() as store:
        try:
            added = await store.write(add)
        except BadRequest as err:
            raise WrongUsage(str(err)) from err
    return context.answer(added, f"{clean(added['name'])}: {_when(added)}, {clean(_for(added))}")


def _wish(context: CommandContext) -> dict[str, Any]:
    args, now = context.args, context.clock()
    if args.from_ is None and args.until is None:
        raise WrongUsage("say when: --until TIME, or --from 22:00 --to 06:00")
    once = {name: rfc3339(value(now)) for name in ("at", "until") if (value := getattr(args, name)) is not None}
    weekly = {"from": args.from_, "to": args.to, "days": args.days}
    when = once | {name: value for name, value in weekly.items() if value is not None}
    kind = {"kind": "quiet", "severity": args.quiet} if args.quiet else {}
    scope = scope_of(context)
    return {"name": args.name, "when": when, **kind, **({"scope": scope} if scope else {})}


async def _remove(context: CommandContext) -> int:
    def remove(db: Database) -> None:
        found = next((one for one in rows.listing(db) if context.args.name in (one.name, str(one.id))), None)
        if found is None:
            raise NotFound(f"there is no maintenance {context.args.name[:60]!r}: see `hivectl alerts maintenance`")
        windows.remove(db, found.id, context.by())

    async with context.store() as store:
        await store.write(remove)
    context.screen.say(f"{clean(context.args.name)} is taken back")
    return 0
