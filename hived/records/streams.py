"""What a node carries to its master, and in which order.

Each stream has a growing number, `seq`, which a node gives to its rows; there may be gaps. A batch covers the numbers
`first_seq` to `last_seq`. They belong to one incarnation of the node's database, its `epoch`: a database that was made
anew or restored begins another one.
"""

from __future__ import annotations

CONTRIBUTIONS, MINERS, STATUS, EVENTS = STREAMS = ("contributions", "miners", "status", "events")

ROLLUP_S = 300
_SLOT = 1 << 20  # more miners than any node has


def rollup_seq(at: float, num: int) -> int:
    """Return the number of a 5-minute rollup of a miner's number: it grows with time and is exact in JavaScript."""
    return int(at) // ROLLUP_S * _SLOT + num


def rollup_key(seq: int) -> tuple[float, int]:
    """Return the (time, miner's number) of a rollup's number."""
    return float(seq // _SLOT * ROLLUP_S), seq % _SLOT
