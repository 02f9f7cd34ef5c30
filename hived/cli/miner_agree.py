"""`hivectl miners agree`: what answers at an address with a miner's MAC is that miner."""

from __future__ import annotations

from hived.cli import lookup
from hived.cli.context import CommandContext
from hived.cli.output.text import clean
from hived.records.access import By
from hived.services.miners import steering
from hived.store import Database
from hived.store.miners import miners


async def agree(context: CommandContext) -> int:
    """Let a miner have its key and password at an address."""
    async with context.store() as store:
        mac, ip, node = await store.write(_agree, context.args.miner, context.args.at, context.by())
    told = f": node {clean(node)} is told" if node else ""
    return context.answer({"mac": mac, "ip": ip, "asked": node}, f"{mac} is the device at {ip}{told}")


def _agree(db: Database, text: str, at: str | None, by: By) -> tuple[str, str, str | None]:
    mac = lookup.find(db, text).mac
    return mac, steering.agree(db, mac, by, ip=at), miners.watched_by(db, mac)
