"""`hivectl config check`: what is in effect, as every daemon would print it with --check."""

from __future__ import annotations

from hived.cli.context import CommandContext
from hived.runtime.config import show


async def check(context: CommandContext) -> int:
    """Print the effective configuration without secrets; a bad one never gets here, its line and 78 are the answer."""
    if context.json:
        context.screen.document({"config": context.config.public(), "origin": dict(context.config.origin)})
    else:
        for line in show(context.config).splitlines():
            context.screen.say(line)
    return 0
