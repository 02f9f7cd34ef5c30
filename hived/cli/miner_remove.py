"""`hivectl miners remove` and `hivectl miners merge`: miners that are gone, and machines with a new control board."""

from __future__ import annotations

from hived.cli import lookup
from hived.cli.context import CommandContext
from hived.cli.output.text import clean
from hived.records.access import By
from hived.services.miners import steering
from hived.store import Database
from hived.store.miners import miners


async def remove(context: CommandContext) -> int:
    """Forget miners that are gone, all or none of those named."""
    async with context.store() as store:
        found = await store.write(_remove, context.args.miners, context.by())
    return context.answer({"removed": found}, *(f"{clean(mac)} is forgotten" for mac in found))


async def merge(context: CommandContext) -> int:
    """Let a machine go on under the MAC of its new control board."""
    async with context.store() as store:
        old, new, node = await store.write(_merge, context.args.old, context.args.new, context.by())
    done = f"is asked of node {node}" if node else "is done: one miner, with the history of both"
    return context.answer({"old": old, "new": new, "asked": node}, f"merging {old} into {new} {clean(done)}")


def _remove(db: Database, texts: list[str], by: By) -> list[str]:
    macs = [known.mac for known in lookup.find_all(db, texts)]
    for mac in macs:
        steering.remove_miner(db, mac, by)
    return macs


def _merge(db: Database, old: str, new: str, by: By) -> tuple[str, str, str | None]:
    before, after = lookup.find(db, old).mac, lookup.find(db, new).mac
    node = miners.watched_by(db, after)
    steering.merge_miners(db, before, after, by)
    return before, after, node
