"""`hivectl legend`: what the words mean that miners and losses are counted under."""

from __future__ import annotations

import textwrap

from hived.cli.context import CommandContext
from hived.documents.fleet import legend

_MEANING = 21  # columns before it


async def print_legend(context: CommandContext) -> int:
    """Print both tables."""
    words = legend()
    if context.json:
        context.screen.document(words)
        return 0
    width = max(context.screen.width or 100, 2 * _MEANING)
    for title, rows in (("Miners", words["marks"]), ("Why hashrate is missing", words["reasons"])):
        context.screen.say(context.screen.paint(title, "bold"))
        for row in rows:
            first, rest = f"  {row['words']:<{_MEANING - 2}}", " " * _MEANING
            context.screen.say(textwrap.fill(row["meaning"], width, initial_indent=first, subsequent_indent=rest))
    return 0
