"""How often a host is asked, and what its robots.txt allows: one request at a time for each host, at its pace.

Pages are asked only where robots.txt allows it (RFC 9309). Documented APIs are made for programs and are asked at the
pace their adapter states; a robots.txt written for page crawlers does not speak of them (Wikimedia's forbids /w/, where
its API lives).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from yarl import URL

from hived.clients.fetch.robots import RobotsRules
from hived.errors import NotAllowed, NotYet, Refused, Throttled, Transient
from hived.records.hosts import OwnHosts
from hived.runtime import backoff
from hived.store import Store
from hived.store.collecting import hosts
from hived.store.collecting.hosts import HostRow

log = logging.getLogger(__name__)

Kind = Literal["page", "api", "robots"]

PAGE_PACE_S = 5.0
API_PACE_S = 1.0  # what Chicago asks of whoever reads everything; the Met's firewall shuts after thirty quick ones
LATENCY_FACTOR = 5.0
"""The pause is at least so many times what the last answer took (Heritrix's default): slow hosts are asked less."""
LONGEST_PACE_S = 30.0
LONGEST_CRAWL_DELAY_S = 600.0
LONGEST_WAIT_S = 60.0
"""A turn farther away than this is not waited for: the object goes back, others have their turn."""
LONGEST_WAIT_IN_TROUBLE_S = 5.0
"""The same for a host that is in trouble: others have their turn meanwhile."""
BACKOFF_FIRST_S, BACKOFF_LONGEST_S = 60.0, 3600.0
ROBOTS_FRESH_S = 24 * 3600.0
ROBOTS_RETRY_S = 600.0
MAX_HOSTS = 5_000


class Politeness:
    """The Gate of all fetching: waits for each host's turn and asks its robots.txt."""

    def __init__(
        self,
        store: Store,
        *,
        own: OwnHosts,
        own_pace_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store, self._own, self._own_pace_s = store, own, own_pace_s
        self._clock, self._sleep = clock, sleep
        self._hosts: dict[str, HostRow] = {}
        self._rules: dict[str, RobotsRules] = {}
        self._turn: dict[str, asyncio.Lock] = {}
        self._kind: dict[str, Kind] = {}
        self._changed: set[str] = set()
        self.read_robots: Callable[[URL], Awaitable[tuple[int | None, str, bytes]]] | None = None
        """Fetches a robots.txt: (status or None, content type, body). The fetcher, which asks through this gate."""

    async def load(self) -> None:
        """Remember what the database knows of hosts: pauses and robots.txt survive a restart."""
        self._hosts = await self._store.read(hosts.every)

    async def save(self) -> None:
        """Store the hosts that changed. Transient when the database is busy: kept for the next time."""
        rows = [self._hosts[name] for name in self._changed if name in self._hosts]
        if rows:
            await self._store.write(hosts.save, rows)
            self._changed -= {row.name for row in rows}

    async def admit(self, url: URL, *, kind: Kind) -> None:
        """Wait for the turn. NotAllowed: robots.txt forbids the page. NotYet: the turn is too far away."""
        name = _name(url)
        if kind == "page":
            await self._ask_robots(url)
        self._kind[name] = kind
        while True:
            wait = self._host(name).next_ok_at - self._clock()
            if wait <= 0 or wait > 2 * BACKOFF_LONGEST_S:  # set by a clock that was set back since
                break
            if wait > (LONGEST_WAIT_IN_TROUBLE_S if self._host(name).failures else LONGEST_WAIT_S):
                raise NotYet(f"{name} is left alone for {wait:.0f} s more", wait)
            await self._sleep(wait)
        # The turn is taken now; `note` sets the next one when the answer is there.
        self._put(replace(self._host(name), next_ok_at=self._clock() + self._pace(url, kind, 0.0)))

    def note(self, url: URL, *, status: int | None, seconds: float, retry_after_s: float | None) -> None:
        """Learn from an answer: `status` None means none came. Back-off belongs to the host, not to the URL."""
        name, now = _name(url), self._clock()
        host = self._host(name)
        kind = self._kind.get(name, "page")
        if status in (429, 503) or status is None or status >= 500 or retry_after_s is not None:
            pause = backoff.pause(host.failures, BACKOFF_FIRST_S, BACKOFF_LONGEST_S, spread=0.2)
            if self._own.covers(url.raw_host or "", url.port):
                pause = min(pause, 5.0)  # the operator's own host
            pause = max(pause, retry_after_s or 0.0)
            self._put(replace(host, failures=host.failures + 1, next_ok_at=now + pause), keep=True)
            return
        if host.failures:
            log.info("%s answers again after %d failures", name, host.failures)
        self._put(replace(host, failures=0, next_ok_at=now + self._pace(url, kind, seconds)), keep=bool(host.failures))

    def _pace(self, url: URL, kind: Kind, seconds: float) -> float:
        if self._own.covers(url.raw_host or "", url.port):
            return self._own_pace_s
        least = PAGE_PACE_S if kind == "page" else API_PACE_S
        pace = min(max(least, LATENCY_FACTOR * seconds), LONGEST_PACE_S)
        rules = self._rules.get(_name(url))
        asked = rules.crawl_delay_s if rules is not None else None
        return max(pace, min(asked or 0.0, LONGEST_CRAWL_DELAY_S))

    # -- robots.txt --------------------------------------------------------------------------------------------

    async def _ask_robots(self, url: URL) -> None:
        name = _name(url)
        async with self._turn.setdefault(name, asyncio.Lock()):
            rules = await self._rules_of(url, name)
        if rules.state == "unreachable":
            # Not known is not allowed, but only until it is known (RFC 9309, 2.3.1.4).
            raise Throttled(f"{name}: {rules.note}", ROBOTS_RETRY_S)
        if rules.state == "paused":
            raise Throttled(f"{name}: {rules.note}", BACKOFF_LONGEST_S)
        if not rules.allowed(str(url)):
            raise NotAllowed(f"robots.txt of {name} forbids {url.path}")

    async def _rules_of(self, url: URL, name: str) -> RobotsRules:
        host, now = self._host(name), self._clock()
        age = now - (host.robots_at or 0.0)
        unreachable = host.robots_status is None or host.robots_status >= 500
        fresh = host.robots_at is not None and 0 <= age < (ROBOTS_RETRY_S if unreachable else ROBOTS_FRESH_S)
        if not fresh:
            host = await self._read_robots(url, host, now)
        if name not in self._rules or not fresh:
            rules = RobotsRules.parse(host.robots_status, host.robots_type or "", host.robots_body or b"")
            if rules.note:
                log.info("robots.txt of %s: %s", name, rules.note)
            self._rules[name] = rules
        return self._rules[name]

    async def _read_robots(self, url: URL, host: HostRow, now: float) -> HostRow:
        assert self.read_robots is not None
        try:
            status, content_type, body = await self.read_robots(url.origin().with_path("/robots.txt"))
        except Throttled:
            raise
        except (Transient, Refused) as err:
            log.info("robots.txt of %s cannot be read: %s", host.name, err)
            status, content_type, body = None, "", b""
        if RobotsRules.parse(status, content_type, body).state == "unreachable":
            status = status if status is not None and status >= 500 else None
        if (status is None or status >= 500) and host.robots_body and host.robots_status == 200:
            # Unreachable: the last good copy counts, and is asked for again soon.
            kept = replace(host, robots_at=now - ROBOTS_FRESH_S + ROBOTS_RETRY_S)
            self._put(kept, keep=True)
            return kept
        read = replace(host, robots_at=now, robots_status=status, robots_type=content_type, robots_body=body)
        self._put(replace(read, next_ok_at=self._host(host.name).next_ok_at), keep=True)
        return read

    def _host(self, name: str) -> HostRow:
        return self._hosts.get(name) or HostRow(name)

    def _put(self, host: HostRow, *, keep: bool = False) -> None:
        if host.name not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            oldest = min(self._hosts, key=lambda name: self._hosts[name].next_ok_at)
            del self._hosts[oldest]
            self._rules.pop(oldest, None)
            self._turn.pop(oldest, None)
            self._kind.pop(oldest, None)
        self._hosts[host.name] = host
        if keep:
            self._changed.add(host.name)


def _name(url: URL) -> str:
    return url.raw_authority.rsplit("@", 1)[-1].lower()
