"""`hivectl config check`: what is in effect, as every daemon would print it with --check."""

from __future__ import annotations

from hived.cli.context import Desk
from hived.runtime.config import show


async def check(desk: Desk) -> int:
    """Print the effective configuration without secrets; a bad one never gets here, its line and 78 are the answer."""
    if desk.json:
        desk.screen.document({"config": desk.config.public(), "origin": dict(desk.config.origin)})
    else:
        for line in show(desk.config).splitlines():
            desk.screen.say(line)
    return 0
