"""What a daemon counts about itself while it runs: its own row takes it along, and /metrics shows it.

A name has at most one label. Nothing is written for it: the row that says every ten seconds that the daemon runs is
some hundred bytes longer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper ends of the buckets of each histogram, s: from a poll on a quiet network to a sweep of a large one."""
MOST_LABELS = 64
"""Values of one label; error codes and beats are fewer. What comes beyond is counted as "other"."""

Numbers = dict[str, dict[str, float | list[float]]]
"""{name: {label or "": value}}; of a histogram the counts of its buckets, that above the last one, and the sum."""


class Tally:
    """Counts, levels and durations by name and label."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, float]] = {}
        self._durations: dict[str, dict[str, list[float]]] = {}

    def count(self, name: str, label: str = "", by: float = 1.0) -> None:
        """Add to what only grows."""
        values = self._values.setdefault(name, {})
        label = label if label in values or len(values) < MOST_LABELS else "other"
        values[label] = values.get(label, 0.0) + by

    def put(self, name: str, value: float, label: str = "") -> None:
        """Say how much of something there is now."""
        self._values.setdefault(name, {})[label] = value

    def took(self, name: str, seconds: float, label: str = "") -> None:
        """Add a duration to a histogram."""
        durations = self._durations.setdefault(name, {})
        counts = durations.get(label)
        if counts is None:
            counts = durations[label] = [0.0] * (len(BUCKETS_S) + 2)
        seconds = max(seconds, 0.0)
        counts[bisect_left(BUCKETS_S, seconds)] += 1
        counts[-1] += seconds

    def numbers(self) -> Numbers:
        """Return all of it as it is now."""
        found: Numbers = {name: dict(values) for name, values in self._values.items()}
        for name, durations in self._durations.items():
            found[name] = {label: list(counts) for label, counts in durations.items()}
        return found


def together(parts: Iterable[Numbers]) -> Numbers:
    """Return what several parts of a daemon counted; where two have the same name and label, the later one counts."""
    found: Numbers = {}
    for part in parts:
        for name, values in part.items():
            found.setdefault(name, {}).update(values)
    return found
