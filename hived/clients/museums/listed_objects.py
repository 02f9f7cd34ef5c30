"""Objects that a listing brought along: kept until their turn comes, so that they are not asked for one by one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from hived.records.artifact import Fetched

MAX_KEPT = 1000  # a few MB; what does not fit is fetched by itself
MAX_AGE_S = 6 * 3600.0  # an object that waited longer is asked for anew


class ListedObjects:
    """A bounded place for outcomes, by source and object id; what is taken is gone from it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[int, str], tuple[float, Fetched]] = OrderedDict()

    def put(self, source_id: int, object_id: str, fetched: Fetched) -> None:
        """Keep an outcome; the oldest leaves when there is no room."""
        self._kept[source_id, object_id] = (self._clock(), fetched)
        self._kept.move_to_end((source_id, object_id))
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def take(self, source_id: int, object_id: str) -> Fetched | None:
        """Return the outcome when it is here and fresh."""
        at, fetched = self._kept.pop((source_id, object_id), (0.0, None))
        return fetched if fetched is not None and 0 <= self._clock() - at <= MAX_AGE_S else None
