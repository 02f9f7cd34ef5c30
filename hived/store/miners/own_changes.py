"""What our own orders changed is no event: it stands with the order. What somebody else changed meanwhile is one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hived.records.events import Event
from hived.records.pools import in_words
from hived.records.steering import VERBS
from hived.store.engine.database import Database, tuples
from hived.store.schema import MinerOrder, OrderTarget

WITHIN_S = 600.0
"""So long after an order what it changed is noticed for the first time."""

_Order = tuple[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
"""Verb, arguments of the miner and of the order, what was seen at the end."""


def not_ours(db: Database, happened: Sequence[Event]) -> list[Event]:
    """Return the events that no order of ours explains."""
    nums = {event.num for event in happened if event.num is not None and event.kind in _EXPLAINS}
    if not nums:
        return list(happened)
    query = (
        OrderTarget.select(OrderTarget.num, MinerOrder.verb, OrderTarget.args, MinerOrder.args, OrderTarget.after)
        .join(MinerOrder, on=(MinerOrder.id == OrderTarget.order))
        .where(OrderTarget.num.in_(list(nums)), OrderTarget.sent_at.is_null(False), OrderTarget.state != "refused")
        .where((OrderTarget.state == "running") | (OrderTarget.at > min(e.at for e in happened) - WITHIN_S))
    )
    ours: dict[int, list[_Order]] = {}
    for num, verb, args, all_args, after in tuples(query, db):
        ours.setdefault(num, []).append((verb, _read(args), _read(all_args), _read(after)))
    return [event for event in happened if not _is_ours(event, ours.get(event.num or -1, ()))]


def _is_ours(event: Event, ours: Sequence[_Order]) -> bool:
    explains = _EXPLAINS.get(event.kind)
    return explains is not None and any(explains(event.detail, one) for one in ours)


def _state(detail: Mapping[str, Any], one: _Order) -> bool:
    stands = detail.get("after") == "stopped"
    return VERBS[one[0]].power != "none" and detail.get("after") != "failure" and (not stands or one[0] == "pause")


def _preset(detail: Mapping[str, Any], one: _Order) -> bool:
    return any(part.get("name") == detail.get("after") for part in (one[1], one[1].get("preset", {})))


def _pool(detail: Mapping[str, Any], one: _Order) -> bool:
    """Whether the pool is one that was ordered: a stranger may have set another in the same minute."""
    pools = [*_pools(one[2]), *_pools(one[3])]
    return detail.get("after") in [in_words(pool.get("url"), pool.get("user")) for pool in pools]


def _switched(detail: Mapping[str, Any], one: _Order) -> bool:
    return detail.get("after") in [pool.get("url") for pool in (*_pools(one[2]), *_pools(one[3]))]


def _settings(detail: Mapping[str, Any], one: _Order) -> bool:
    parts = VERBS[one[0]].settings
    paths = [str(change.get("path", "")) for change in detail.get("changes", ())]
    return bool(paths) and all(path.startswith(parts) for path in paths) if parts else False


_EXPLAINS: dict[str, Callable[[Mapping[str, Any], _Order], bool]] = {
    "state_changed": _state,
    "preset_changed": _preset,
    "pool_changed": _pool,
    "pool_switched": _switched,
    "settings_changed": _settings,
    "reboot": lambda _, one: one[0] == "reboot",
}


def _pools(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    inner = told.get("pools", ())
    found = inner.get("pools", ()) if isinstance(inner, Mapping) else inner
    return [one for one in found if isinstance(one, Mapping)]


def _read(text: str | None) -> Mapping[str, Any]:
    try:
        told = json.loads(text or "{}")
    except ValueError:  # sealed: of what waits or is under way
        return {}
    return told if isinstance(told, dict) else {}
