"""`hivectl login-link`: a browser on this machine is logged in by it, once."""

from __future__ import annotations

from hived.cli.context import CommandContext
from hived.documents import access as documents
from hived.services.access import login_link


async def print_link(context: CommandContext) -> int:
    """Print a new link on standard output, and nowhere else."""
    page = login_link.page(context.config.http)
    async with context.store() as store:
        code, expires_at = await store.write(login_link.make, context.by())
    if not context.json:
        context.note("for one browser on this machine, within ten minutes; it logs in as admin:")
    link = f"{page}#code={code}"
    return context.answer(documents.login_link(link, expires_at), link)
