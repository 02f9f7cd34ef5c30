"""How much a master takes of its nodes: whatever one of them sends, the others and the page go on."""

from __future__ import annotations

from dataclasses import dataclass

MINERS, MODELS, ARTIFACTS, BYTES = "miners", "models", "artifacts", "bytes"


@dataclass(frozen=True, slots=True)
class Bound:
    """What of one kind is kept of one node; `code` is one of `errors.PROBLEMS`: why what is beyond is not taken."""

    name: str
    most: int
    code: str
    words: str
    """After the number: "20,000 miners"."""


BOUNDS = {
    one.name: one
    for one in (
        Bound(MINERS, 20_000, "too_many_miners", "miners"),  # a sweep of a node finds no more, either
        Bound(MODELS, 500, "too_many_models", "models"),
        Bound(ARTIFACTS, 250_000, "too_many_artifacts", "artifacts"),
        # Of all that a node told of artifacts: a quarter of the default budget of the disk.
        Bound(BYTES, 1 << 30, "too_many_artifacts", "bytes about artifacts"),
    )
}
ALL_MINERS = 30_000
"""Of all nodes and the master itself together: hive-apid has each of them in memory, and 512 MiB."""
EVENTS = 100_000
"""Kept of one node: one that tells of everything must not push out what the others told."""

ROWS_PER_S = 2_000.0
"""What one node may send for long: a day of 5,000 miners in twelve minutes."""
BURST_S = 30.0
"""So much more it may send at once after a rest."""
LEAST_COST = 20
"""Rows that a request counts for at least."""
WAITING = 4
"""Requests of one node that wait for their turn; a hive-syncd has one under way."""
PARSED_AT_ONCE = 2
"""A body of one MiB may hold 30 MiB of objects."""
