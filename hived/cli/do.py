"""`hivectl do`: an order to miners, with its effect told before it is given."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from hived.cli import daemons, lookup, plans
from hived.cli import orders as shown
from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage
from hived.cli.option_names import in_options
from hived.cli.order_preview import Preview, confirmed, must_be_asked, nothing, would
from hived.errors import BadRequest
from hived.records.order_request import Request, read
from hived.records.steering import MAX_SLOTS
from hived.runtime import written
from hived.runtime.written import Unusable, Written
from hived.services.miners import orders
from hived.store import Database

MAX_BYTES = 64 * 1024
"""Of a file with pools: eight of them are 6 KiB."""

_SLOTS = tuple(str(slot + 1) for slot in range(MAX_SLOTS))

_ARGUMENTS: dict[str, Callable[[CommandContext], dict[str, Any]]] = {
    "pause": lambda _: {},
    "resume": lambda _: {},
    "restart": lambda _: {},
    "reboot": lambda _: {},
    "locate": lambda context: {"on": not context.args.off, **_given(context, "seconds")},
    "preset": lambda context: _given(context, "name", "untuned"),
    "power": lambda context: _given(context, "watts", "untuned"),
    "dimmer": lambda context: _given(context, "percent"),
    "pools": lambda context: {"pools": _pools(context)},
    "cooling": lambda context: _given(context, "mode", "percent", "target_c"),
    "restore": lambda context: _given(context, "version"),
}


def __getattr__(verb: str) -> Callable[[CommandContext], Coroutine[Any, Any, int]]:
    """Return what the command line calls `do:pause`, for each verb."""
    if verb in _ARGUMENTS:
        return partial(_do, verb)
    raise AttributeError(verb)


async def _do(verb: str, context: CommandContext) -> int:
    """Say what an order would do, ask, and leave it for hive-controld."""
    args, where = context.args, _where(context)
    planned = plans.is_wanted(context)
    must_be_asked(context)
    arguments = _ARGUMENTS[verb](context)
    async with context.store() as store:
        macs = [one.mac for one in await store.read(lookup.find_all, args.miner)] if args.miner else None
        request = _request(context, verb, arguments, macs, where)
        found = await store.read(_preview, request, context)
        if planned and not args.dry_run:
            if not args.yes and not confirmed(context, found, "Plan it?"):
                context.note("nothing was planned")
                return EXIT_FAILED
            return await plans.add(context, _body(context, verb, arguments, macs, where, planned=True))
        if args.dry_run:
            if planned:
                await plans.say(context, store, _body(context, verb, arguments, macs, where, planned=True))
            return would(context, found)
        if not found.order.miners:
            return nothing(context, found)
        if not args.yes and not confirmed(context, found):
            context.note("nothing was done")
            return EXIT_FAILED
        number = await store.write(_give, request, context)
        return await shown.follow(context, store, number)


def _where(context: CommandContext) -> dict[str, str]:
    """Return by what miners are chosen; nothing is all of them, or those that are named."""
    args = context.args
    where = {name: value for name in ("model", "node", "group", "tag", "state") if (value := getattr(args, name))}
    given = [*(["--miner"] if args.miner else []), *(["--all"] if args.all else []), *(f"--{name}" for name in where)]
    if not given:
        raise WrongUsage(
            "say which miners: --miner, --all, or what has to fit: --model, --node, --group, --tag, --state"
        )
    if len(given) > max(1, len(where)):
        raise WrongUsage(f"{given[0]} and {given[-1]}: not both")
    return where


def _given(context: CommandContext, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(context.args, name)) is not None}


def _pools(context: CommandContext) -> list[dict[str, Any]]:
    """Return the pools of the file, all but the slot as texts: a worker may be called 0123. No error shows a value."""
    name = "standard input" if context.args.file == "-" else context.args.file
    raw = context.file.read(MAX_BYTES + 1)
    try:
        if len(raw) > MAX_BYTES:
            raise Unusable(f"larger than {MAX_BYTES // 1024} KiB")
        told = written.parse(raw.decode())
        if told is None or told.kind != "list" or any(one.kind != "mapping" for one in told.items):
            raise Unusable("expected a list of pools such as [{url: stratum+tcp://pool.example.com:3333, user: me}]")
        return [{key.text: _value(key, value) for key, value in written.entries(one)} for one in told.items]
    except UnicodeDecodeError as err:
        raise WrongUsage(f"{name}: not UTF-8") from err
    except Unusable as err:
        raise WrongUsage(f"{name}{f', line {err.line}' if err.line else ''}: {err}") from err


def _value(key: Written, value: Written) -> Any:
    if value.kind in ("list", "mapping"):
        raise Unusable(f"{written.one_line(key.text)}: expected a text", value.line)
    if value.kind == "null":
        return None
    return _slot(value) if key.text == "slot" else value.text


def _slot(value: Written) -> int:
    """Return a slot as orders count them, from 0; people count from 1, as all that is shown to them does."""
    if value.text not in _SLOTS:
        raise Unusable(f"slot: expected 1 to {MAX_SLOTS}, as `hivectl miners show` counts them", value.line)
    return _SLOTS.index(value.text)


def _request(
    context: CommandContext, verb: str, arguments: dict[str, Any], macs: list[str] | None, where: dict[str, str]
) -> Request:
    try:
        return read(_body(context, verb, arguments, macs, where))
    except BadRequest as err:
        raise WrongUsage(in_options(str(err))) from err


def _body(
    context: CommandContext, verb: str, arguments: dict[str, Any], macs: list[str] | None, where: dict[str, str], *,
    planned: bool = False,
) -> dict[str, Any]:  # fmt: skip
    args = context.args
    return {
        "verb": verb, "args": arguments, "packet": args.packet,
        **({"where": where} if macs is None else {"miners": macs}),
        **({} if args.expires is None else {"expires_seconds": args.expires}),
        **({} if planned else {"force": args.force, "dry_run": args.dry_run}),
    }  # fmt: skip


def _preview(db: Database, request: Request, context: CommandContext) -> Preview:
    when = daemons.moment(db, context)
    order, targets = orders.preview(db, request, shown.giver(context), shown.rules(context), when)
    return Preview(order, targets, shown.places(db))


def _give(db: Database, request: Request, context: CommandContext) -> int:
    return orders.give(db, request, shown.giver(context), shown.rules(context), daemons.moment(db, context))[0]
