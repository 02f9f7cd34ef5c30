"""`hivectl miners set`: whether hived steers a miner, and the password that opens it."""

from __future__ import annotations

from collections.abc import Sequence

from hived.cli import daemons, lookup, passwords
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.text import clean
from hived.documents import miners as documents
from hived.errors import BadRequest
from hived.records.access import By
from hived.records.condition import Moment, condition
from hived.records.daemon import DISCOVERD
from hived.records.miner_view import KnownMiner, MinerView, ModelView
from hived.services.miners import steering
from hived.store import Database
from hived.store.miners import models, views

LONGEST_PASSWORD = 256  # characters; far beyond what a miner's own page takes


async def change(context: CommandContext) -> int:
    """Change every miner named, or none when one of them does not exist."""
    args = context.args
    if args.managed is None and not (args.password_stdin or args.password_prompt):
        raise WrongUsage("nothing to change: give --managed, --unmanaged, --password-stdin or --password-prompt")
    async with context.store() as store:
        found = await store.read(lookup.find_all, args.miners)  # before anybody types a password
        password = _password(context, len(found))
        await store.write(_change, [miner.mac for miner in found], args.managed, password, context.by())
        after, ladder, moment, looked_for = await store.read(_read, found, context)
    if context.json:
        context.screen.document(
            [documents.listed(v, ladder.get(v.model_alias or ""), condition(v, moment)) for v in after]
        )
        return 0
    for view in after:
        if view.remote:
            context.screen.say(_asked(view, args.managed, password is not None))
            continue
        done = ["managed" if view.managed else "not managed"] if args.managed is not None else []
        if password is not None:
            done.append(f"the password is kept{_when(view, looked_for)}")
        context.screen.say(f"{_named(view)}: {', '.join(done)}")
    if password is not None and not looked_for and not all(view.has_key or view.remote for view in after):
        context.note(f"{DISCOVERD} is not running: nothing is tried until it is")
    return 0


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


def _change(db: Database, macs: Sequence[str], managed: bool | None, password: str | None, by: By) -> None:
    for mac in macs:
        steering.set_miner(db, mac, by, managed=managed, password=password)


def _read(
    db: Database, found: Sequence[KnownMiner], context: CommandContext
) -> tuple[list[MinerView], dict[str, ModelView], Moment, bool]:
    after = [view for known in found for view in views.miners(db, mac=known.mac)]
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
