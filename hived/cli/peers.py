"""`hivectl peers`: the other boxes that zeroconf shows, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable

from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, Row, draw
from hived.cli.output.text import UNKNOWN, ago
from hived.documents import nodes as documents
from hived.records.peers import ALIVE, HERE, MASTER, SIGHTED, SUSPECT, Peer
from hived.store.nodes import peers as stored

COLUMNS = (
    Column("NAME", least=10),
    Column("ROLE"),
    Column("STATE"),
    Column("SINCE", right=True),
    Column("ADDRESS"),
    Column("VERSION", leaves=4),
    Column("NODE ID", leaves=3),
    Column("REASON", leaves=5, least=12),
)
_TONES = {ALIVE: "good", SUSPECT: "warn", SIGHTED: "dim"}


async def list_peers(context: CommandContext) -> int:
    """Print a line for each peer."""
    async with context.store() as store:
        found = await store.read(stored.rows)
    if context.json:
        context.screen.document([documents.peer(one) for one in found])
    elif found:
        draw(context.screen, COLUMNS, [_row(one, context.clock()) for one in found])
    elif context.config.discoverd.zeroconf:
        context.note("no other box was seen by zeroconf so far")
    else:
        context.note("zeroconf is switched off: discoverd.zeroconf")
    return 0


def in_words(found: Iterable[Peer]) -> list[str]:
    """Return how many peers are in which state; nothing when none was ever proven."""
    proven = [one for one in found if one.verified_at is not None]
    here = [one for one in proven if one.state in HERE]
    if not proven:
        return []
    masters = sum(one.role == MASTER for one in here)
    words = [f"{len(here):,} here" + (f" ({masters:,} master)" if masters else "")]
    gone = len(proven) - len(here)
    return [*words, f"{gone:,} gone"] if gone else words


def _row(peer: Peer, now: float) -> Row:
    address = peer.addresses[0] if peer.addresses else UNKNOWN
    return [
        peer.name, peer.role, Cell(peer.state, _TONES.get(peer.state, "bad")), ago(peer.since, now),
        peer.url or address, peer.version or UNKNOWN, Cell(peer.id, "dim"), Cell(peer.reason or UNKNOWN, "dim"),
    ]  # fmt: skip
