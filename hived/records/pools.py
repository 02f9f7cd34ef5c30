"""Where miners mine, and for whom: what changed between two readings, and which pools the operator allows.

Slots of the firmware's own (fees, refunds, and what it does not name) are never judged: the owner did not choose them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from hived.errors import BadRequest
from hived.records.miner import PoolReading

MAX_PATTERN = 256
URL = (
    r"(?:[A-Za-z][A-Za-z0-9+.\-]*://)?(?:[A-Za-z0-9_][A-Za-z0-9_.\-]*|\[[0-9A-Fa-f:.]+\])"
    r":(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})(?:/[!-~]*)?"
)
"""A pool that a miner can be given: host and port, a scheme before, and a path behind, as Stratum V2 has one."""
GRACE_S = 600.0
"""So long a list of allowed pools has to stand before a pool that was there already is an alert: lists take a while."""
Slots = Mapping[int, tuple[str | None, str | None]]
"""The owner's pools by slot: (URL, worker)."""


def slots(pools: Iterable[PoolReading]) -> dict[int, tuple[str | None, str | None]]:
    """Return the owner's pools that are set."""
    return {pool.index: (pool.url, pool.user) for pool in pools if pool.kind == "user" and (pool.url or pool.user)}


def follow(before: Slots | None, pools: Iterable[PoolReading]) -> Slots:
    """Return what to remember after a reading: a slot or value that was not told this time is as it was."""
    known = dict(before or {})
    for slot, (url, user) in slots(pools).items():
        known_url, known_user = known.get(slot, (None, None))
        known[slot] = (url or known_url, user or known_user)
    return known


def changes(before: Slots | None, after: Slots) -> Iterator[tuple[int, str, str]]:
    """Yield (slot, what it was, what it is) of every slot with another URL or worker, also one that is new.

    None before: the first look, which tells no change.
    """
    for slot, now in after.items() if before is not None else ():
        was = (before or {}).get(slot)
        if was != now and not (was and all(old is None for old, new in zip(was, now, strict=True) if old != new)):
            yield slot, in_words(*was) if was else "not set", in_words(*now)


def in_words(url: str | None, user: str | None) -> str:
    """Return a pool and its worker in words."""
    return f"{url or 'an unknown pool'} as {user or 'an unknown worker'}"


def is_complete(url: str) -> bool:
    """Tell whether a miner that is given this URL can mine there: with less it mines nowhere."""
    return re.fullmatch(URL, url) is not None


def doubts(pools: Iterable[Mapping[str, Any]], miners: int) -> list[str]:
    """Return what is hardly meant so, in words, where so many miners are given these pools."""
    users = list(dict.fromkeys(str(one["user"]) for one in pools if one.get("user")))
    said = [
        f"{user!r} is set as it is written: nothing in it is filled in" for user in users if set(user) & set("{}%$")
    ]
    if users and miners > 1:
        said.append(f"all {miners:,} miners get the same worker ({', '.join(users)}): the pool cannot tell them apart")
    return said


def bare(url: str) -> str:
    """Return a URL without the scheme that is meant where none is written: a firmware may keep it or drop it."""
    return url.removeprefix("stratum+tcp://")


def to_text(known: Slots) -> str:
    """Return slots as a column keeps them."""
    return json.dumps({str(slot): pair for slot, pair in sorted(known.items())}, separators=(",", ":"))


def from_text(text: str | None) -> Slots | None:
    """Return slots as they were written; None before the first reading."""
    return None if text is None else {int(slot): (url, user) for slot, (url, user) in json.loads(text).items()}


# -- what is allowed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AllowedPool:
    """A pool that miners may mine at, and for whom; * in either stands for anything.

    `url`: a host, host:port or URL. `worker`: an account with all its workers; None: anybody.
    """

    url: str
    worker: str | None = None
    id: int = 0
    added_at: float = 0.0
    added_by: str = ""

    def allows(self, url: str, user: str | None) -> bool:
        """Tell whether it covers a pool and worker."""
        return _place_pattern(self.url).fullmatch(_place(url) or "") is not None and (
            self.worker is None or _worker_pattern(self.worker).fullmatch(user or "") is not None
        )


def checked(url: str, worker: str | None) -> AllowedPool:
    """Return an entry that makes sense. BadRequest says what does not."""
    url, worker = url.strip(), (worker or "").strip() or None
    for name, text in (("url", url), ("worker", worker or "x")):
        if not text or len(text) > MAX_PATTERN or not text.isprintable() or " " in text:
            raise BadRequest(f"{name}: expected 1 to {MAX_PATTERN} characters without blanks")
    if worker is None and not url.replace("*", "").strip(".:/"):
        raise BadRequest(
            "url: * alone allows every pool to everybody; name a host, such as *.pool.example, or a worker"
        )
    if "@" in url or _place(url.replace("*", "x")) is None:
        raise BadRequest(f"url: {url[:60]!r} is neither a host, host:port nor a URL such as stratum+tcp://pool:3333")
    return AllowedPool(url, worker)


def foreign(pools: Iterable[PoolReading], allowed: Iterable[AllowedPool]) -> list[PoolReading]:
    """Return the owner's slots that no entry covers; none as long as there is no entry."""
    entries = list(allowed)
    return [
        pool
        for pool in pools
        if entries and pool.kind == "user" and pool.url and not any(one.allows(pool.url, pool.user) for one in entries)
    ]


def _place(url: str) -> str | None:
    """Return "scheme://host:port", None for what is no URL. What looks like a host in the user info is none."""
    slashes = "://" in url
    try:
        parts = urlsplit(url if slashes else f"stratum+tcp://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or not url.isprintable() or re.search(r"[\s\\]", url):
        return None
    return f"{parts.scheme if slashes else ''}://{host.rstrip('.')}:{port or ''}"


@lru_cache(maxsize=256)
def _place_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern without a scheme or a port is of every scheme or port."""
    scheme, slashes, rest = pattern.lower().rpartition("://")
    host, colon, port = rest.rstrip("/").rpartition(":")
    if not colon or not (port.isdecimal() or port == "*"):
        host, port = rest.rstrip("/"), "*"
    host = host.strip("[]").rstrip(".")
    return re.compile(f"{_any_of(scheme) if slashes else '[^:/]*'}://{_any_of(host)}:{_any_of(port)}")


@lru_cache(maxsize=256)
def _worker_pattern(pattern: str) -> re.Pattern[str]:
    """An account stands for its workers too: "farm" is "farm" and "farm.rig1". Capitals count, as in a wallet."""
    return re.compile(_any_of(pattern.removesuffix(".*"), ".*") + r"(\..*)?", re.DOTALL)


def _any_of(pattern: str, anything: str = "[^:/]*") -> str:
    return anything.join(re.escape(part) for part in pattern.split("*"))
