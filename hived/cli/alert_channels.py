"""`hivectl alerts channels`, `test` and the like: the ways to people."""

from __future__ import annotations

import getpass
import sys

from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage, interruptible
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import clean, counted
from hived.documents import alerts as documents
from hived.documents.alerts import ChannelDocument
from hived.records.outgoing import MAX_URL
from hived.services.alerts import channel_listing, channels
from hived.services.alerts.outgoing import Outgoing

_GETS = {"warn": "everything", "bad": "what is bad"}


def _state(one: ChannelDocument) -> Cell:
    if not one["enabled"]:
        return Cell("off", "dim")
    failed = one["undelivered"]
    if not failed:
        return Cell("on", "good")
    return Cell(f"{counted(len(failed), 'notice')} not arrived: {failed[0]['said'] or 'no answer'}", "warn")


CHANNELS = (
    Column("NAME", lambda one, _: one["name"]),
    Column("TO", lambda one, _: one["url"] or Cell("its address is gone", "bad"), least=20),
    Column("GETS", lambda one, _: _GETS.get(one["least"], one["least"])),
    Column("STATE", lambda one, _: _state(one), least=16),
    Column("BY", lambda one, _: "the configuration" if one["configured"] else one["by"], leaves=1),
)


async def list_channels(context: CommandContext) -> int:
    """Print a line for each channel."""
    async with context.store() as store:
        found = await store.read(channel_listing.documents_of, context.config.alerts.channels)
    nothing = "none, so nobody is told: hivectl alerts add-channel NAME --url-prompt"
    return context.listed(found, lambda one: one, CHANNELS, nothing)


async def add(context: CommandContext) -> int:
    """Add a channel. Its address is typed where nobody sees it."""
    args, url = context.args, _url(context)
    async with context.store() as store:
        added = await channels.add(store, _outgoing(context), args.name, url, context.by(), args.least)
    words = f"{added.name} is added: {added.url}; try it: hivectl alerts test {added.name}"
    return context.answer(documents.channel(added), clean(words))


def _url(context: CommandContext) -> str:
    with interruptible():
        if context.args.url_stdin:
            return sys.stdin.readline(MAX_URL + 2).strip()
        if not sys.stdin.isatty():
            raise WrongUsage("--url-prompt needs a terminal; scripts give --url-stdin")
        return getpass.getpass("Address, as apprise writes it: ").strip()


async def remove(context: CommandContext) -> int:
    """Forget a channel."""
    async with context.store() as store:
        await store.write(channels.remove, _outgoing(context).channels, context.args.name, context.by())
    context.screen.say(f"{clean(context.args.name)} is removed: nothing goes there any more")
    return 0


async def test(context: CommandContext) -> int:
    """Send a message to one channel or all that are on; 1 where one did not take it."""
    outgoing, name, told = _outgoing(context), context.args.name, {}
    async with context.store() as store:
        every = await store.read(channels.listing, outgoing.channels)
        wanted = [one.name for one in every if one.enabled] if name is None else [name]
        for one in wanted:
            answered = await channels.test(store, outgoing, one, context.by(), context.config.node.effective_name)
            told[one] = answered
            if not context.json:
                words, tone = ("took it", "good") if answered.ok else ("did not take it", "bad")
                context.screen.say(f"{clean(one)} {context.screen.paint(words, tone)}: {clean(answered.words)}")
    if context.json:
        context.screen.document({one: documents.answered(answer) for one, answer in told.items()})
    if not told:
        context.note("there is no channel that is on: hivectl alerts channels")
    return 0 if told and all(answer.ok for answer in told.values()) else EXIT_FAILED


def _outgoing(context: CommandContext) -> Outgoing:
    return Outgoing.of(context.config)
