"""`hivectl plans`: orders that hive-controld gives by the clock of this box. `hivectl do ... --plan NAME` makes one."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from hived.cli import daemons
from hived.cli import orders as shown
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.option_names import in_options
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import clean, counted, wall
from hived.documents import plans as documents
from hived.errors import BadRequest, NotFound
from hived.records.plans import DAYS, Plan
from hived.records.steering import VERBS
from hived.records.times import rfc3339
from hived.services.miners import plans
from hived.store import Database, Store
from hived.store.miners import plans as rows

Result = TypeVar("Result")

_NEXT = {"do": "", "back": "back "}
MOST_MACS = 2


def _when(one: Plan) -> str:
    told = documents.when(one.schedule)
    if one.schedule.at is not None:
        until = one.schedule.until
        return wall(one.schedule.at) + ("" if until is None else f" to {wall(until)}")
    days = "every day" if len(told["days"]) == len(DAYS) else ",".join(told["days"])
    return f"{days} {told['from']}" + (f" to {told['to']}" if "to" in told else "")


def _next(one: Plan) -> Cell:
    if not one.enabled and not one.owes:
        return Cell("off", "dim")
    if one.next_at is None:
        return Cell("over", "dim")
    rests = "" if one.enabled else "off, "
    return Cell(f"{rests}{_NEXT[one.next_what]}{wall(one.next_at)}")


def _whom(one: Plan) -> str:
    """Return whom a plan's order names: "all miners", "group row 3", or so many."""
    macs, where = one.body.get("miners"), one.body.get("where") or {}
    if macs is not None:
        return ", ".join(macs) if len(macs) <= MOST_MACS else counted(len(macs), "miner")
    return ", ".join(f"{name} {value}" for name, value in where.items()) or "all miners"


PLANS = (
    Column("ID", lambda one, _: str(one.id), right=True),
    Column("PLAN", lambda one, _: one.name, least=12),
    Column("ORDER", lambda one, _: str(one.body.get("verb"))),
    Column("MINERS", lambda one, _: _whom(one), least=10),
    Column("WHEN", lambda one, _: _when(one), least=20),
    Column("NEXT", lambda one, _: _next(one)),
    Column("LAST ORDER", lambda one, _: None if one.order is None else str(one.order), right=True, leaves=2),
    Column("BY", lambda one, _: one.by, leaves=1),
)


async def list_plans(context: CommandContext) -> int:
    """Print a line for each plan."""
    async with context.store() as store:
        found = await store.read(rows.listing)
    nothing = "there is no plan: hivectl do pause --all --plan night --from 22:00 --to 06:00"
    return context.listed(found, documents.plan, PLANS, nothing)


async def remove(context: CommandContext) -> int:
    """Forget a plan. What it has ordered goes on."""
    async with context.store() as store:
        await store.write(lambda db: plans.remove(db, _number(db, context), shown.giver(context)))
    context.screen.say(f"plan {context.args.plan} is removed")
    return 0


async def switch_on(context: CommandContext) -> int:
    """Let a plan go on with what comes next."""
    return await _switch(context, enabled=True)


async def switch_off(context: CommandContext) -> int:
    """Let a plan rest."""
    return await _switch(context, enabled=False)


async def _switch(context: CommandContext, *, enabled: bool) -> int:
    def work(db: Database) -> None:
        plans.switch(db, _number(db, context), enabled, shown.giver(context), context.clock(), None)

    async with context.store() as store:
        await store.write(work)
    context.screen.say(f"plan {context.args.plan} is {'on' if enabled else 'off'}")
    return 0


def _number(db: Database, context: CommandContext) -> int:
    name = context.args.plan
    found = [one.id for one in rows.listing(db) if name in (one.name, str(one.id))]
    if not found:
        raise NotFound(f"there is no plan {name!r}")
    return found[0]


def is_wanted(context: CommandContext) -> bool:
    """Tell whether an order is to be a plan. WrongUsage for a time without a plan."""
    args = context.args
    timed = any(getattr(args, name) is not None for name in ("at", "until", "from_", "to", "days")) or args.late
    if timed and args.plan is None:
        raise WrongUsage("an order at a time is a plan: give it a name with --plan")
    if args.plan is not None and args.until is None and args.at is None and args.from_ is None:
        raise WrongUsage("say when: --from 22:00 [--to 06:00], --at TIME or --until TIME")
    return args.plan is not None


async def add(context: CommandContext, order: Mapping[str, Any]) -> int:
    """Make a plan of an order; one that only has an end is done now."""
    asked = _asked(context, order)

    def work(db: Database) -> tuple[int | None, Plan]:
        giver, rules, moment = shown.giver(context), shown.rules(context), daemons.moment(db, context)
        number = None
        if asked["when"].keys() == {"until"}:
            storm = {"name": asked["name"], "until": asked["when"]["until"], "order": order}
            number = plans.storm(db, storm, giver, rules, moment, None)
        else:
            plans.add(db, asked, giver, rules, moment, None)
        return number, next(one for one in rows.listing(db) if one.name == context.args.plan)

    async with context.store() as store:
        number, plan = await _told(store.write(work))
        if not context.json:
            context.screen.say(_sentence(plan))
        if number is not None:
            return await shown.follow(context, store, number)
    if context.json:
        context.screen.document(documents.plan(plan))
    return 0


async def say(context: CommandContext, store: Store, order: Mapping[str, Any]) -> None:
    """Say what a plan would be, for a dry run; programs are told of the order alone."""
    asked = _asked(context, order)

    def work(db: Database) -> Plan:
        giver, rules, moment = shown.giver(context), shown.rules(context), daemons.moment(db, context)
        return plans.draft(db, asked, giver, rules, moment, None)

    plan = await _told(store.read(work))
    if not context.json:
        context.screen.say(f"would be {_sentence(plan)}")


def _asked(context: CommandContext, order: Mapping[str, Any]) -> dict[str, Any]:
    args, now = context.args, context.clock()
    until = None if args.until is None else rfc3339(args.until(now))
    at = None if args.at is None else rfc3339(args.at(now))
    when = {"at": at, "until": until} if args.from_ is None else {"from": args.from_, "to": args.to, "days": args.days}
    told = {name: value for name, value in when.items() if value is not None}
    return {"name": args.plan, "when": told, "late": args.late, "order": order}


async def _told(work: Awaitable[Result]) -> Result:
    try:
        return await work
    except BadRequest as err:
        raise WrongUsage(in_options(str(err))) from err


def _sentence(plan: Plan) -> str:
    """Return a plan in a line; without any way back that is said, for nobody brings back what it changed."""
    verb = VERBS[str(plan.body["verb"])]
    comes = "" if plan.next_at is None else f"; next {_NEXT[plan.next_what]}{wall(plan.next_at)}"
    ends = plan.schedule.until is not None or plan.schedule.ends is not None
    lasts = "" if ends or verb.undo is None else "; nothing brings it back"
    return clean(f"plan {plan.name}: {verb.name} {_whom(plan)}, {_when(plan)}{comes}{lasts}")
