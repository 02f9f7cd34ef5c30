"""`hivectl pools`: where miners mine, and where they may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import ago, clean, counted, span
from hived.documents import pools as documents
from hived.errors import NotFound
from hived.records.access import By
from hived.records.pools import GRACE_S, AllowedPool, in_words
from hived.services.miners import pools
from hived.services.miners.pools import PoolInUse
from hived.store import Database
from hived.store.miners import allowed_pools, views

MOST_NAMED = 5
"""Pools that are named one by one."""
ALLOWED = (
    Column("ID", lambda entry, _: str(entry.id), right=True),
    Column("POOL", lambda entry, _: entry.url, least=20),
    Column("WORKER", lambda entry, _: entry.worker or Cell("anybody", "dim"), least=10),
    Column("ADDED", lambda entry, now: ago(entry.added_at, now), right=True, leaves=1),
    Column("BY", lambda entry, _: entry.added_by, leaves=2),
)
_WORDS = {True: Cell("allowed", "good"), False: Cell("not allowed", "bad"), None: Cell("not judged", "dim")}
IN_USE = (
    Column("IS", lambda used, _: _WORDS[used.allowed]),
    Column("MINERS", lambda used, _: f"{len(used.miners):,}", right=True),
    Column("POOL", lambda used, _: used.url, least=20),
    Column("ACCOUNT", lambda used, _: used.account, least=10),
    Column("AT", lambda used, _: ", ".join(view.name for view in used.miners[:3]), leaves=1, least=16),
)


async def list_pools(context: CommandContext) -> int:
    """Print the pools that are allowed, and those that miners have in a slot."""
    async with context.store() as store:
        entries, used = await store.read(_read)
    if context.json:
        context.screen.document({
            "allowed": [documents.allowed(entry) for entry in entries],
            "in_use": [documents.in_use(u.url, u.account, is_allowed=u.allowed, miners=u.miners) for u in used],
        })  # fmt: skip
        return 0
    if entries:
        draw(context.screen, ALLOWED, entries, context.clock())
        context.screen.say()
    else:
        context.note("no pool is allowed yet, so none is judged: hivectl pools allow URL")
    draw(context.screen, IN_USE, used, context.clock())
    return 0


async def allow(context: CommandContext) -> int:
    """Allow a pool, and say which pools of miners are not allowed by now."""
    async with context.store() as store:
        entry = await store.write(pools.allow, context.args.url, context.args.worker, context.by())
        wrong = await store.read(_not_allowed)
    lines = [f"{_named(entry)} is allowed (entry {entry.id})", *_warning(wrong)]
    return context.answer(documents.allowed(entry), *lines)


async def remove(context: CommandContext) -> int:
    """Allow it no longer, and say which pools of miners are not allowed by now."""
    async with context.store() as store:
        entry, left = await store.write(_remove, context.args.entry, context.by())
        wrong = await store.read(_not_allowed)
    rest = counted(left, "entry", "entries") + (" left" if left else " left: nothing is judged any more")
    return context.answer(documents.allowed(entry), f"{_named(entry)} is no longer allowed; {rest}", *_warning(wrong))


def _warning(wrong: Sequence[PoolInUse]) -> Iterator[str]:
    if not wrong:
        return
    miners = len({view.num for one in wrong for view in one.miners})
    verb = "uses what is" if miners == 1 else "use what is"
    yield f"{counted(miners, 'miner')} {verb} not allowed; unless that changes, it is an alert in {span(GRACE_S)}:"
    for one in wrong[:MOST_NAMED]:
        yield f"  {clean(in_words(one.url, one.account))}: {counted(len(one.miners), 'miner')}"
    if len(wrong) > MOST_NAMED:
        yield f"  and {len(wrong) - MOST_NAMED:,} more: hivectl pools list"
    yield "next: hivectl pools allow URL, or put it right: hivectl do pools FILE --miner MINER"


def _named(entry: AllowedPool) -> str:
    return clean(in_words(entry.url, entry.worker or "anybody"))


def _read(db: Database) -> tuple[tuple[AllowedPool, ...], list[PoolInUse]]:
    entries = allowed_pools.listing(db)
    return entries, pools.in_use(views.miners(db), entries)


def _not_allowed(db: Database) -> list[PoolInUse]:
    return pools.not_allowed(views.miners(db), allowed_pools.listing(db))


def _remove(db: Database, text: str, by: By) -> tuple[AllowedPool, int]:
    entries = allowed_pools.listing(db)
    meant = [one for one in entries if text in (str(one.id), one.url)]
    if len(meant) > 1:
        raise WrongUsage(f"{len(meant)} entries are of {text}: give the number, as `hivectl pools list` has it")
    if not meant:
        raise NotFound(f"there is no entry {text[:60]!r}: see `hivectl pools list`")
    return pools.remove(db, meant[0].id, by), len(entries) - 1
