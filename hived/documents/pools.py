"""The pools that are allowed, and those in use, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from hived.documents.shared import rfc3339
from hived.records.miner_view import MinerView
from hived.records.pools import AllowedPool


class AllowedPoolDocument(TypedDict):
    """`worker` null: whoever it is for."""

    id: int
    url: str
    worker: str | None
    added_at: str | None
    added_by: str


class PoolInUseDocument(TypedDict):
    """`miners` are the MACs of those that have it in a slot; `allowed` null: nothing is judged without any entry."""

    url: str | None
    account: str | None
    allowed: bool | None
    miners: list[str]


def allowed(entry: AllowedPool) -> AllowedPoolDocument:
    """Return an entry."""
    return {
        "id": entry.id, "url": entry.url, "worker": entry.worker, "added_at": rfc3339(entry.added_at),
        "added_by": entry.added_by,
    }  # fmt: skip


def in_use(
    url: str | None, account: str | None, *, is_allowed: bool | None, miners: Sequence[MinerView]
) -> PoolInUseDocument:
    """Return a pool of some miners."""
    return {"url": url, "account": account, "allowed": is_allowed, "miners": [view.mac for view in miners]}
