"""`hivectl orders`: what was ordered, and what became of each miner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hived.cli import daemons
from hived.cli.context import EXIT_FAILED, CommandContext
from hived.cli.order_preview import Preview, confirmed, must_be_asked, nothing, would
from hived.cli.order_words import headline, left_out, state_of, tally
from hived.cli.output.progress import Progress
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import ago, watts
from hived.documents import orders as documents
from hived.errors import NotFound
from hived.records.daemon import CONTROLD
from hived.records.orders import OPEN, Order, Target, in_words
from hived.records.pools import in_words as in_pool_words
from hived.records.steering import Seen
from hived.services.miners import orders
from hived.services.miners.orders import Giver, Rules
from hived.store import Database, Store
from hived.store.miners import miners
from hived.store.miners import orders as rows

LOOK_EVERY_S = 0.5
EXIT_PARTLY = 3
"""All that were asked did it; others were left out."""

_TONES = {
    "confirmed": "good", "done": "good", "refused": "bad", "unconfirmed": "bad", "stopped": "bad", "expired": "warn",
    "running": "warn", "skipped": "dim", "cancelled": "dim",
}  # fmt: skip


def _state(word: str) -> Cell:
    return Cell(word, _TONES.get(word))


def _changed(one: Target) -> str:
    before, after = ((seen or {}).get("power_w") for seen in (one.before, one.after))
    return watts(before) if after is None else f"{watts(before)} -> {watts(after)}"


def _pools(one: Target) -> str | None:
    """Return the pools that a miner showed last, by slot from 1."""
    told = Seen.from_json(one.after or one.before or {"at": 0.0}).pools or ()
    return "; ".join(
        f"{pool['slot'] + 1}: {in_pool_words(pool['url'], pool.get('user'))}" for pool in told if pool.get("url")
    )


_POWER = Column("POWER", lambda one, _: _changed(one), right=True, leaves=3)
_POOLS = Column("POOLS", lambda one, _: _pools(one), leaves=3, least=24)

ORDERS = (
    Column("ID", lambda one, _: str(one.id), right=True),
    Column("ORDER", lambda one, _: one.words, least=20),
    Column("STATE", lambda one, _: _state(one.state)),
    Column("MINERS", lambda one, _: tally(one.counts), least=16),
    Column("BY", lambda one, _: one.by, leaves=2),
    Column("GIVEN", lambda one, now: ago(one.created_at, now), right=True, leaves=1),
)


def _targets(names: Mapping[str, str], *, of_pools: bool) -> Sequence[Column]:
    return (
        Column("ADDRESS", lambda one, _: names.get(one.mac)),
        Column("MAC", lambda one, _: one.mac, leaves=2),
        Column("STATE", lambda one, _: _state(one.state)),
        _POOLS if of_pools else _POWER,
        Column("SINCE", lambda one, now: ago(one.at, now), right=True, leaves=4),
        Column("WHY", lambda one, _: in_words(one.reason, one.said), least=24),
    )


def giver(context: CommandContext) -> Giver:
    """Return the person at the box: whoever may write its database may allow every pool, too, so nothing is asked."""
    return Giver(context.by(), "admin", confirmed=True)


def rules(context: CommandContext) -> Rules:
    """Return how this site carries orders out."""
    return Rules.of(context.config.controld)


async def list_orders(context: CommandContext) -> int:
    """Print a line for each order."""
    async with context.store() as store:
        found = await store.read(rows.listing, limit=context.args.limit)
    return context.listed(found, documents.order, ORDERS, "no order was given yet: hivectl do pause --miner ADDRESS")


async def show(context: CommandContext) -> int:
    """Print what became of each miner of an order."""
    async with context.store() as store:
        found = await store.read(_whole, context.args.id)
    _say(context, found)
    if not context.json:
        table(context, found.targets, found.names)
    return 0


async def cancel(context: CommandContext) -> int:
    """Ask no more miners; 1 where it had ended already."""
    async with context.store() as store:
        if (order := (await store.read(rows.one, context.args.id))[0]).finished_at is not None:
            context.note(f"order {order.id} had ended already: there is nothing to cancel")
            return EXIT_FAILED
        await store.write(orders.cancel, context.args.id, giver(context), context.clock())
        _say(context, await store.read(_whole, context.args.id))
    return 0


async def undo(context: CommandContext) -> int:
    """Say what it would bring back of what an order has changed, ask, and leave that for hive-controld."""
    must_be_asked(context)

    def preview(db: Database) -> Preview:
        found = orders.preview_undo(db, context.args.id, giver(context), rules(context), daemons.moment(db, context))
        return Preview(*found, places(db))

    def give(db: Database) -> int:
        return orders.undo(db, context.args.id, giver(context), rules(context), daemons.moment(db, context))

    async with context.store() as store:
        found = await store.read(preview)
        if context.args.dry_run:
            return would(context, found)
        if not found.order.miners:
            return nothing(context, found)
        if not context.args.yes and not confirmed(context, found):
            context.note("nothing was done")
            return EXIT_FAILED
        return await follow(context, store, await store.write(give))


async def follow(context: CommandContext, store: Store, number: int) -> int:
    """Tell of an order that was just given, after its end with --wait; the exit code says what became of it then."""
    if (why := await store.read(idle, context)) is not None:
        context.note(f"{why}: order {number} waits for it, until it expires")
    if context.args.wait and why is None:
        await _ended(context, store, number)
    found = await store.read(_whole, number)
    _say(context, found)
    failed = [one for one in found.targets if not _is_so(one)]
    if not context.json:
        _say_more(context, found, failed)
    if not (context.args.wait and failed):
        return 0
    left = all(one.state == "skipped" for one in failed)
    return EXIT_PARTLY if left and len(failed) < len(found.targets) else EXIT_FAILED


def _say_more(context: CommandContext, found: Whole, failed: Sequence[Target]) -> None:
    """Print which miners need a look after the end of an order, or before it which are left out."""
    if not context.args.wait:
        for line in left_out(found.targets, found.names):
            context.screen.say(line)
        context.screen.say(f"what becomes of each miner: hivectl orders show {found.order.id}")
    elif failed:
        table(context, failed, found.names)


def _is_so(one: Target) -> bool:
    return one.state == "confirmed" or (one.state, one.reason) == ("skipped", "same_already")


async def _ended(context: CommandContext, store: Store, number: int) -> None:
    """Show how far an order is until it has its end, or nobody carries it out any more."""
    with Progress(f"order {number}") as progress:
        try:
            while (order := await store.read(_order, number)).finished_at is None:
                if (why := await store.read(idle, context)) is not None:
                    context.note(f"{why}: order {number} is not done")
                    return
                progress.show(f": {tally(order.counts)}")
                await asyncio.sleep(LOOK_EVERY_S)
        except asyncio.CancelledError:
            context.note(f"order {number} goes on: hivectl orders cancel {number}")
            raise


def _order(db: Database, number: int) -> Order:
    """Return an order without its targets, of which there may be thousands."""
    for one in rows.listing(db, limit=1, before=number + 1):
        if one.id == number:
            return one
    raise NotFound(f"there is no order {number} any more")


def idle(db: Database, context: CommandContext) -> str | None:
    """Return why nobody carries orders out now, None when somebody does."""
    if not daemons.runs(db, CONTROLD, context.clock()):
        return f"{CONTROLD} is not running (systemctl start {CONTROLD})"
    if not context.config.controld.enabled:
        return f"{context.config.origin.get('controld.enabled', 'controld.enabled')} switches {CONTROLD} off"
    return None


@dataclass(frozen=True, slots=True)
class Whole:
    """An order with its miners; `names`: the address, or the last one, of each by its MAC."""

    order: Order
    targets: Sequence[Target]
    names: Mapping[str, str]


def _whole(db: Database, number: int) -> Whole:
    return Whole(*rows.one(db, number), places(db))


def _say(context: CommandContext, found: Whole) -> None:
    """Print an order, as JSON with its miners, for people without them."""
    order = found.order
    lines = [f"order {order.id}: {headline(order)}", tally(order.counts), state_of(order, context.clock())]
    context.answer(documents.whole(order, found.targets, found.names.get), *lines)


def table(context: CommandContext, targets: Sequence[Target], names: Mapping[str, str]) -> None:
    """Print a line for each miner, those that need a look last, where they are seen."""
    order = ("skipped", "confirmed", "cancelled", "expired", "unconfirmed", "refused", *OPEN)
    draw(
        context.screen,
        _targets(names, of_pools=all(one.verb == "pools" for one in targets)),
        sorted(targets, key=lambda one: order.index(one.state)),
        context.clock(),
    )


def places(db: Database) -> dict[str, str]:
    """Return the address, or the last one, of each miner by its MAC."""
    return {one.mac: at for one in miners.known(db, everywhere=True) if (at := one.ip or one.last_ip)}
