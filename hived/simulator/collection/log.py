"""What a collector asked of the simulated museum, counted so that its manners can be judged."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

MAX_PATHS = 200_000
"""Different addresses that are counted one by one; further ones count together under OTHER."""

MAX_PATH = 300
"""Characters of an address that are kept."""

MAX_SECONDS = 86_400
MAX_AGENTS = 100
OTHER = "(other)"


@dataclass(slots=True)
class Request:
    """One request as it was received, and what became of it."""

    at: float
    method: str
    path: str
    """With the query."""
    agent: str
    conditional: bool
    """Sent with If-None-Match or If-Modified-Since."""
    status: int | None = None
    """None while it is being answered, and when the connection was lost before."""


class RequestLog:
    """Counts requests by address, second and agent; keeps the newest ones whole. Times are the museum's clock."""

    def __init__(self, keep: int = 20_000) -> None:
        self._keep = keep
        self.reset()

    def reset(self) -> None:
        """Forget everything but the requests being answered now."""
        self.total = 0
        self.paths: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.agents: Counter[str] = Counter()
        self.seconds: dict[int, int] = {}
        self.sent: Counter[str] = Counter()
        """Objects sent whole, as "met/1008" or "pages/1008": not counted are 304, 404 and lists."""
        self.recent: deque[Request] = deque(maxlen=self._keep)
        self.at_once = getattr(self, "at_once", 0)
        self.most_at_once = self.at_once

    def __getitem__(self, path: str) -> int:
        """Return how often an address was asked for, query included."""
        return self.paths[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def begin(self, at: float, method: str, path: str, headers: Mapping[str, str]) -> Request:
        """Note a request that has come."""
        agent = headers.get("User-Agent", "")
        conditional = "If-None-Match" in headers or "If-Modified-Since" in headers
        path = path[:MAX_PATH]
        request = Request(at, method, path, agent, conditional)
        self.total += 1
        self.paths[path if path in self.paths or len(self.paths) < MAX_PATHS else OTHER] += 1
        self.agents[agent if agent in self.agents or len(self.agents) < MAX_AGENTS else OTHER] += 1
        second = int(at)
        self.seconds[second] = self.seconds.get(second, 0) + 1
        if len(self.seconds) > MAX_SECONDS:
            del self.seconds[next(iter(self.seconds))]
        self.recent.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        return request

    def end(self, request: Request, status: int | None) -> None:
        """Note how a request was answered."""
        self.at_once -= 1
        request.status = status
        if status is not None:
            self.statuses[status] += 1

    def count(self, prefix: str) -> int:
        """Return how many requests went to addresses that begin so."""
        return sum(number for path, number in self.paths.items() if path.startswith(prefix))

    @property
    def busiest_second(self) -> int:
        """Return the most requests that came within one second of the clock."""
        return max(self.seconds.values(), default=0)

    def shortest_gap_s(self, prefix: str = "/") -> float | None:
        """Return the shortest time between two of the kept requests to such addresses; None below two of them."""
        times = [request.at for request in self.recent if request.path.startswith(prefix)]
        return min((after - before for before, after in pairwise(times)), default=None)

    def summary(self) -> dict[str, object]:
        """Return the counts for the control API."""
        return {
            "total": self.total,
            "at_once": self.at_once,
            "most_at_once": self.most_at_once,
            "busiest_second": self.busiest_second,
            "shortest_gap_s": self.shortest_gap_s(),
            "statuses": {str(status): number for status, number in sorted(self.statuses.items())},
            "agents": dict(self.agents),
            "objects_sent": self.sent.total(),
            "objects_sent_twice": sum(number > 1 for number in self.sent.values()),
            "paths": dict(self.paths.most_common(50)),
            "seconds": dict(list(self.seconds.items())[-60:]),
        }
