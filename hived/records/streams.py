"""What a node sends to its master, and in which order.

Each stream has a growing number, `seq`, which a node gives to its rows; there may be gaps. A batch covers the numbers
`first_seq` to `last_seq`. They belong to one incarnation of the node's database, its `epoch`: a database that was
replaced or restored begins another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CONTRIBUTIONS, MINERS, STATUS, EVENTS, FLEET, FACTS = STREAMS = (
    "contributions", "miners", "status", "events", "fleet", "facts",
)  # fmt: skip
"""contributions: what a node's model said of objects. facts: what it read of them, described or not."""

WIRE = 2
"""The format in which nodes and masters of this version write to each other. 1 is 0.1.0's, which never says so."""
STREAMS_0_1_0 = STREAMS[:4]

UNKNOWN_MINER = "unknown_miner"
"""Why a master does not take a rollup: it has no such miner, or no longer has it."""
OTHER_OWNER = "other_owner"
"""Why it does not take what is said of a miner: it has it from another node, or watches it itself. That may change."""
NOT_ITS_TIME = "not_its_time"
"""Why it does not: the miner is the sender's, but was not at that time. That never changes."""

ROLLUP_S = 300
LEAST_POLL_S = 0.5
"""No miner is polled more often, whatever the interval says."""
MAX_SAMPLES = round(ROLLUP_S / LEAST_POLL_S)
_SLOT = 1 << 20  # more miners than any node has


def rollup_seq(at: float, num: int) -> int:
    """Return the number of a 5-minute rollup of a miner's number: it grows with time and is exact in JavaScript."""
    return int(at) // ROLLUP_S * _SLOT + num


def rollup_key(seq: int) -> tuple[float, int]:
    """Return the (time, miner's number) of a rollup's number."""
    return float(seq // _SLOT * ROLLUP_S), seq % _SLOT


@dataclass(frozen=True, slots=True)
class Item:
    """One row as it travels: JSON text in ASCII, so its length is its bytes. `what` names it to people."""

    seq: int
    text: str = field(repr=False)
    what: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a stream in the order of their numbers. `more`: others wait behind them."""

    stream: str
    first_seq: int
    last_seq: int
    items: Sequence[Item]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest status of some miners; the numbers are theirs, none of a stream. `cursor` is where to go on."""

    items: Sequence[Item]
    cursor: tuple[int, int]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Lag:
    """What of a stream is yet to be sent: how many rows (counted up to a bound), and the time of the oldest."""

    behind: int
    oldest_at: float | None


def behind(lags: Mapping[str, Lag], held: Mapping[str, int], aside: Mapping[str, int]) -> dict[str, int]:
    """Return how many rows wait, by stream. What the master does not know, because it is an older one, waits for none.

    `held`: what it last said to hold; `aside`: how many rows it does not take.
    """
    known = {name: lag for name, lag in lags.items() if not held or name in held}
    return {name: max(0, lag.behind - aside.get(name, 0)) for name, lag in known.items()}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold. These are our own; a master may want less, never more."""

    items: int = 500
    contribution_items: int = 100
    body_bytes: int = 512 * 1024
    """Unpacked. A batch of half a MiB is quick to pack, to send again and to store on a small board."""
    encodings: tuple[str, ...] = ()
    """How a body may be packed: "zstd", "gzip"."""
    wire: int = 1
    """The format that is understood; 0.1.0 does not say so."""
    lends: int = 0
    """How many objects it lends to one node at a time; an older one lends none."""

    def takes(self, stream: str) -> bool:
        """Tell whether a master knows a stream."""
        return self.wire > 1 or stream in STREAMS_0_1_0

    def of(self, stream: str) -> int:
        """Return how many items of a stream one request may hold."""
        return self.contribution_items if stream in (CONTRIBUTIONS, FACTS) else self.items
