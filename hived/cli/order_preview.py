"""What an order would do, told before it is given: for `hivectl do` and `hivectl orders undo`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage
from hived.cli.order_words import headline, left_out, preview_columns
from hived.cli.output.tables import draw
from hived.documents import orders as documents
from hived.errors import BadRequest
from hived.records.orders import Order, Target

NONE_FITS = "no miner fits: hivectl miners list"


class Preview(NamedTuple):
    """An order as it would be, with its miners; `names`: the address, or the last one, of each by its MAC."""

    order: Order
    targets: Sequence[Target]
    names: Mapping[str, str]


def must_be_asked(context: CommandContext) -> None:
    """Raise WrongUsage where nobody can be asked, and nobody said yes beforehand."""
    if not (context.args.yes or context.args.dry_run or sys.stdin.isatty()):
        raise WrongUsage("nobody can be asked here: add --yes, or --dry-run to see what would happen")


def would(context: CommandContext, found: Preview) -> int:
    """Print what would happen to each miner: the end of a dry run."""
    if context.json:
        context.screen.document(documents.whole(found.order, found.targets, found.names.get))
        return 0 if found.targets else EXIT_FAILED
    if not found.targets:
        raise BadRequest(NONE_FITS)
    context.screen.say(f"would {headline(found.order)}")
    for line in found.order.doubts:
        context.note(f"warning: {line}")
    miners = sorted(found.targets, key=lambda one: one.state == "skipped")
    for line in left_out(found.targets, found.names):
        if line.startswith("next: "):
            context.note(line)
    draw(context.screen, preview_columns(found.names), miners, context.clock())
    return 0


def nothing(context: CommandContext, found: Preview) -> int:
    """Say why no miner would do it: no order is given. 0 when all are so already."""
    if not found.targets:
        raise BadRequest(NONE_FITS)
    if context.json:
        context.screen.document(documents.whole(found.order, found.targets, found.names.get))
    else:
        for line in left_out(found.targets, found.names):
            context.screen.say(line)
    context.note("nothing to do, so no order was given")
    return 0 if all(one.reason == "same_already" for one in found.targets) else EXIT_FAILED


def confirmed(context: CommandContext, found: Preview, question: str = "Do it?") -> bool:
    """Tell of the effect and of who is left out, and ask."""
    for line in (*left_out(found.targets, found.names), *(f"warning: {line}" for line in found.order.doubts)):
        context.note(line)
    return context.confirm(f"{headline(found.order)}. {question}")
