"""`hivectl peers`: the other boxes that zeroconf shows, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import ago
from hived.documents import nodes as documents
from hived.records.peers import ALIVE, HERE, MASTER, SIGHTED, SUSPECT, Peer
from hived.store.nodes import peers as stored

_TONES = {ALIVE: "good", SUSPECT: "warn", SIGHTED: "dim"}
COLUMNS = (
    Column("NAME", lambda peer, _: peer.name, least=10),
    Column("ROLE", lambda peer, _: peer.role),
    Column("STATE", lambda peer, _: Cell(peer.state, _TONES.get(peer.state, "bad"))),
    Column("SINCE", lambda peer, now: ago(peer.since, now), right=True),
    Column("ADDRESS", lambda peer, _: peer.url or next(iter(peer.addresses), None)),
    Column("VERSION", lambda peer, _: peer.version, leaves=4),
    Column("NODE ID", lambda peer, _: Cell(peer.id, "dim"), leaves=3),
    Column("REASON", lambda peer, _: Cell(peer.reason, "dim"), leaves=5, least=12),
)


async def list_peers(context: CommandContext) -> int:
    """Print a line for each peer."""
    async with context.store() as store:
        found = await store.read(stored.rows)
    on = context.config.discoverd.zeroconf
    nothing = "no other box was seen by zeroconf so far" if on else "zeroconf is switched off: discoverd.zeroconf"
    return context.listed(found, documents.peer, COLUMNS, nothing)


def in_words(peers: Iterable[Peer]) -> list[str]:
    """Return how many peers are in which state; nothing when none was ever proven."""
    proven = [peer for peer in peers if peer.verified_at is not None]
    here = [peer for peer in proven if peer.state in HERE]
    if not proven:
        return []
    masters = sum(peer.role == MASTER for peer in here)
    words = [f"{len(here):,} here" + (f" ({masters:,} master)" if masters else "")]
    gone = len(proven) - len(here)
    return [*words, f"{gone:,} gone"] if gone else words
