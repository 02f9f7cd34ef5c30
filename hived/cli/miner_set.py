"""`hivectl miners set`: whether hived steers a miner, what it may do to it, and the password that opens it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hived.cli import daemons, lookup, passwords
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.miner_show import hold_in_words
from hived.cli.output.text import clean
from hived.documents import miners as documents
from hived.errors import BadRequest, NotFound
from hived.records import miner_rules as rules
from hived.records.access import By
from hived.records.condition import Moment, condition
from hived.records.daemon import DISCOVERD
from hived.records.miner_view import MinerView, ModelView
from hived.records.times import to_text
from hived.services.miners import choosing, steering
from hived.services.miners.rules import RULES
from hived.store import Database
from hived.store.miners import models, views

OPTIONS = (
    "--managed, --unmanaged, --group, --ungroup, --tag, --untag, --lock, --unlock, --protect, --unprotect,"
    " --min-preset, --no-min-preset"
)
MOST_LINES = 20
"""Up to so many miners each have a line of what is now."""
MOST_NAMED = 3
"""Of more, so many have one."""
LONGEST_PASSWORD = 256  # characters; far beyond what a miner's own page takes


async def change(context: CommandContext) -> int:
    """Change every miner named, or none when one of them does not exist."""
    args = context.args
    wishes = _wishes(context)
    if not (wishes or args.tag or args.untag or args.password_stdin or args.password_prompt):
        raise WrongUsage(f"nothing to change: give {OPTIONS}, --password-stdin or --password-prompt")
    where = _where(args)
    async with context.store() as store:
        found = await store.read(_chosen, args.miners, where)  # before anybody types a password
        password = _password(context, len(found))
        if password is not None:
            wishes["unlock_pass"] = password
        await store.write(_change, found, wishes, args, context.by())
        after, ladder, moment, looked_for = await store.read(_read, found, context)
    if context.json:
        context.screen.document(
            [documents.listed(v, ladder.get(v.model_alias or ""), condition(v, moment)) for v in after]
        )
        return 0
    for view in after[: MOST_NAMED if len(after) > MOST_LINES else None]:
        if view.remote:
            context.screen.say(_asked(view, args.managed, password is not None))
            continue
        done = list(_done(view, wishes, args))
        if password is not None:
            done.append(f"the password is kept{_when(view, looked_for)}")
        context.screen.say(f"{_named(view)}: {', '.join(done)}")
    if len(after) > MOST_LINES:
        context.screen.say(f"and {len(after) - MOST_NAMED:,} more miners alike")
    if password is not None and not looked_for and not all(view.has_key or view.remote for view in after):
        context.note(f"{DISCOVERD} is not running: nothing is tried until it is")
    return 0


def _where(args: Namespace) -> dict[str, str]:
    """Return what has to fit. WrongUsage where it is not said which miners are meant, or twice."""
    named = {"model": args.model, "node": args.node, "group": args.in_group}
    where = {name: value for name, value in named.items() if value is not None}
    if bool(args.miners) + args.all + bool(where) != 1:
        raise WrongUsage("say which miners: their addresses, or --all, or what has to fit: --model, --node, --in-group")
    return where


def _chosen(db: Database, named: Sequence[str], where: Mapping[str, str]) -> list[str]:
    """Return the MACs of the miners that are meant. NotFound where there is none."""
    if named:
        return [one.mac for one in lookup.find_all(db, named)]
    found = [view.mac for view in choosing.chosen(db, None, where)]
    if not found:
        raise NotFound("no miner fits: hivectl miners list")
    return found


def _asked(view: MinerView, managed: bool | None, password: bool) -> str:
    """Say what another node is to do with its miner: it hears of it with its next contact."""
    words = [] if managed is None else ["managed" if managed else "not managed"]
    words += ["the password"] if password else []
    node = clean(view.node_name or view.node_id or "its node")
    return f"{_named(view)}: waits for node {node}: {', '.join(words)}"


def _named(view: MinerView) -> str:
    return f"{lookup.place(view)} ({view.mac}, {clean(view.hostname or 'no host name')})"


def _when(view: MinerView, looked_for: bool) -> str:
    """Say when the password is tried: a key that works needs none."""
    if view.has_key:
        return " for when its key stops working"
    return " and tried at once" if looked_for and view.ip else " and tried when it is seen"


def _wishes(context: CommandContext) -> dict[str, Any]:
    """Return what is asked for of every miner, but for tags, which depend on those that it has."""
    args = context.args
    until = None if args.until is None else args.until(context.clock())
    if until is not None and not (args.lock or args.protect):
        raise WrongUsage("--until goes with --lock or --protect")
    wishes: dict[str, Any] = {} if args.managed is None else {"managed": args.managed}
    for name, given, taken in (
        ("group", args.group, args.ungroup), ("locked", args.lock, args.unlock),
        ("protected", args.protect, args.unprotect), ("min_preset", args.min_preset, args.no_min_preset),
    ):  # fmt: skip
        if given is not None:
            hold = {"why": given, "until": None if until is None else to_text(until)}
            wishes[name] = RULES[name](f"--{name}", hold if RULES[name] is rules.hold else given)
        elif taken:
            wishes[name] = None
    return wishes


def _change(db: Database, macs: Sequence[str], wishes: Mapping[str, Any], args: Namespace, by: By) -> None:
    for mac in macs:
        steering.set_miner(db, mac, {**wishes, **_tags(db, mac, args)}, by, "admin")


def _tags(db: Database, mac: str, args: Namespace) -> dict[str, Any]:
    if not (args.tag or args.untag):
        return {}
    kept = set(views.miners(db, mac=mac)[0].rules.tags)
    return {"tags": rules.tags("--tag", sorted(kept - set(args.untag or ()) | set(args.tag or ())))}


def _done(view: MinerView, wishes: Mapping[str, Any], args: Namespace) -> Iterator[str]:
    """Yield how a miner is now, in what was changed."""
    laid = view.rules
    if "managed" in wishes:
        yield "managed" if view.managed else "not managed"
    if "group" in wishes:
        yield "in no group" if laid.group is None else f"in group {clean(laid.group)}"
    if args.tag or args.untag:
        yield f"tagged {clean(', '.join(laid.tags))}" if laid.tags else "without tags"
    for name, hold in (("locked", laid.locked), ("protected", laid.protected)):
        if name in wishes:
            yield f"not {name}" if hold is None else f"{name} {clean(hold_in_words(hold))}"
    if "min_preset" in wishes:
        yield "no lowest preset of its own" if laid.min_preset is None else f"at least preset {clean(laid.min_preset)}"


def _read(
    db: Database, macs: Sequence[str], context: CommandContext
) -> tuple[list[MinerView], dict[str, ModelView], Moment, bool]:
    after = choosing.chosen(db, macs, {})
    when = daemons.moment(db, context)
    return after, {model.alias: model for model in models.views(db)}, when, daemons.runs(db, DISCOVERD, when.now)


def _password(context: CommandContext, count: int) -> str | None:
    """Return the password, None when none is to be set."""
    if not (context.args.password_prompt or context.args.password_stdin):
        return None
    which = "the miner" if count == 1 else f"these {count} miners"
    text = passwords.read(context, f"Unlock password of {which}", longest=LONGEST_PASSWORD)
    wrong = None
    if not text:
        wrong = "the password is empty"
    elif len(text) > LONGEST_PASSWORD:
        wrong = f"the password is longer than {LONGEST_PASSWORD} characters"
    elif not text.isprintable():
        wrong = "the password has characters that cannot be typed"
    if wrong:
        raise BadRequest(f"{wrong}: nothing was changed")
    return text
