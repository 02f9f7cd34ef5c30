"""Which pools miners may mine at: an admin's decision, each with its audit row; and where they mine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hived.records.access import By
from hived.records.miner_view import MinerView
from hived.records.pools import AllowedPool, checked, foreign, slots
from hived.store import Database, audit
from hived.store.miners import allowed_pools


@dataclass(frozen=True, slots=True)
class PoolInUse:
    """A pool of some miners, and the account they mine for; `allowed` None: nothing is judged as long as no pool is."""

    url: str | None
    account: str | None
    miners: tuple[MinerView, ...]
    allowed: bool | None


def allow(db: Database, url: str, worker: str | None, by: By) -> AllowedPool:
    """Allow a pool, or one account at it. BadRequest or Conflict say why that makes no sense."""
    entry = allowed_pools.add(db, checked(url, worker), by=by["who"], at=by["at"])
    audit.note(db, **by, action="pool.allow", target=entry.url, after={"worker": entry.worker})
    return entry


def remove(db: Database, number: int, by: By) -> AllowedPool:
    """Allow it no longer. NotFound."""
    entry = allowed_pools.remove(db, number, at=by["at"])
    audit.note(db, **by, action="pool.remove", target=entry.url, before={"worker": entry.worker})
    return entry


def in_use(views: Iterable[MinerView], allowed: tuple[AllowedPool, ...]) -> list[PoolInUse]:
    """Return where miners mine, by pool and account: those that are not allowed first, then most miners."""
    found: dict[tuple[str | None, str | None, bool | None], dict[int, MinerView]] = {}
    for view in views:
        pools = view.status.pools if view.status else ()
        wrong = {pool.index for pool in foreign(pools, allowed)}
        for index, (url, user) in slots(pools).items():
            account = user.partition(".")[0] if user else None
            key = (url, account, None if not allowed else index not in wrong)
            found.setdefault(key, {})[view.num] = view
    used = [PoolInUse(url, account, tuple(views.values()), ok) for (url, account, ok), views in found.items()]
    return sorted(used, key=lambda one: (one.allowed is not False, -len(one.miners), one.url or ""))


def not_allowed(views: Iterable[MinerView], allowed: tuple[AllowedPool, ...]) -> list[PoolInUse]:
    """Return the pools in use that need a look by the list as it is; most miners first."""
    return [one for one in in_use(views, allowed) if one.allowed is False]
