"""`hivectl config check`: what is in effect, as every daemon would print it with --check."""

from __future__ import annotations

from hived.cli.context import CommandContext
from hived.runtime.config import show


async def check(context: CommandContext) -> int:
    """Print the effective configuration without secrets; a bad one never gets here, its line and 78 are the answer."""
    config = context.config
    if context.json:
        document = {"config": config.public(), "origin": dict(config.origin), "warnings": list(config.ignored)}
        context.screen.document(document)
    else:
        for line in config.ignored:
            context.note(line)
        for line in show(config).splitlines():
            context.screen.say(line)
    return 0
