"""How many miners may come: bounds against what answers with another MAC address each time."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

MAX_MINERS = 20_000
"""Rows for miners: four times the largest site."""

MOST_NEW = ((3600.0, 6), (86_400.0, 20))
"""New MACs of one address: at most so many in so many seconds. A bench where boards are tried has fewer."""

MAX_ADDRESSES = 65_536
"""Remembered: as many as the largest network that is searched has."""


class Newcomers:
    """Counts the new MACs of each address, by monotonic time. A restart forgets: that is so many once more."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._came: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, ip: str) -> bool:
        """Tell whether a new MAC at this address may become a miner; if so, it is counted."""
        now = self._monotonic()
        came = self._came.setdefault(ip, deque(maxlen=max(most for _, most in MOST_NEW)))
        if any(sum(now - at < within_s for at in came) >= most for within_s, most in MOST_NEW):
            return False
        came.append(now)
        self._came.move_to_end(ip)
        while len(self._came) > MAX_ADDRESSES:
            self._came.popitem(last=False)
        return True
