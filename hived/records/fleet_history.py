"""What a group of miners gave, should have given and lost, over time: the columns of its history."""

from __future__ import annotations

from dataclasses import dataclass

from hived.records.losses import REASONS, Reason
from hived.records.totals import Totals

COUNTS = ("miners", "online", "hashing", "unseen")
RATES = ("hashrate_hs", "expected_hs", "unseen_hs", "power_w")
LOST: dict[Reason, str] = {
    reason: f"lost_{reason.replace('-', '_')}_hs" for reason in REASONS if reason != "unseen"
}  # fmt: skip
"""The column of each reason. What is not seen is not lost, and is in `unseen_hs`."""
COLUMNS = (*COUNTS, *RATES, *LOST.values())
"""Means over the `n` looks at the group that one row sums up, in base units; null: nobody told."""


@dataclass(frozen=True, slots=True)
class FleetSums:
    """One stretch of five minutes of the miners of one model at one node; `values` in the order of COLUMNS."""

    at: float
    model: str
    """Its alias, empty for miners that told none."""
    n: int
    values: tuple[float | None, ...]
    seq: int = 0


def figures(totals: Totals) -> dict[str, float | None]:
    """Return the values of one look at a group, by column."""
    lost = {reason: hashrate_hs for reason, hashrate_hs, _ in totals.lost}
    return {
        "miners": float(totals.miners), "online": float(totals.marks["online"]),
        "hashing": float(totals.marks["hashing"]), "unseen": float(totals.unseen),
        "hashrate_hs": totals.hashrate_hs, "expected_hs": totals.expected_hs, "unseen_hs": totals.unseen_hs,
        "power_w": totals.power_w, **{column: lost.get(reason, 0.0) for reason, column in LOST.items()},
    }  # fmt: skip
