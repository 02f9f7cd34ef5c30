"""What is asked for by an order to miners: the body of `POST /api/v1/orders`, read and bounded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hived.errors import BadRequest
from hived.records.commands import mac, switch, word
from hived.records.orders import MAX_TARGETS, Packet
from hived.records.steering import Verb, Whole, verb_of

EXPIRES_S = 3600
LONGEST_S = 7 * 86_400
LONGEST_INTERVAL_S = 3600
WHERE = ("model", "node", "group", "tag", "state", "preset", "firmware")
"""By what miners are chosen; all that are named have to fit."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: the body of `POST /api/v1/orders`."""

    verb: Verb
    args: dict[str, Any]
    miners: tuple[str, ...] | None
    """MACs; None: those that `where` names."""
    where: Mapping[str, str]
    packet: Packet | None
    expires_s: float | None
    """None: as long as it takes, an hour at least."""
    key: str | None
    force: bool
    dry_run: bool
    body_hash: str


_FIELDS = frozenset({
    "verb", "args", "miners", "where", "packet", "expires_seconds", "key", "force", "dry_run", "password",
})  # fmt: skip


def read(body: Mapping[str, Any]) -> Request:
    """Return what a body asks for. BadRequest says what is wrong with it."""
    unknown = body.keys() - _FIELDS
    if unknown:
        raise BadRequest(f"expected {', '.join(sorted(_FIELDS))}: {min(unknown)[:40]!r} is none of them")
    verb = verb_of(body.get("verb"))
    named, where = body.get("miners"), body.get("where")
    if (named is None) == (where is None):
        raise BadRequest('name the miners, or say where: "where": {} is all of them')
    key, expires = body.get("key"), body.get("expires_seconds")
    meant = {name: value for name, value in body.items() if name not in ("dry_run", "password")}
    return Request(
        verb=verb, args=verb.checked({} if body.get("args") is None else body["args"]),
        miners=None if named is None else _macs(named),
        where={} if where is None else _where(where), packet=packet_of(body.get("packet")),
        expires_s=None if expires is None else float(Whole(1, LONGEST_S, "seconds")("expires_seconds", expires)),
        key=None if key is None else word("key", key), force=switch("force", body.get("force", False)),
        dry_run=switch("dry_run", body.get("dry_run", False)),
        body_hash=hashlib.blake2b(json.dumps(meant, sort_keys=True).encode(), digest_size=16).hexdigest(),
    )  # fmt: skip


def _macs(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_TARGETS:
        raise BadRequest(f"miners: expected 1 to {MAX_TARGETS} MAC addresses")
    return tuple(dict.fromkeys(mac(f"miners[{place}]", one) for place, one in enumerate(value)))


def _where(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value.keys() <= set(WHERE):
        raise BadRequest(f"where: expected an object with some of {', '.join(WHERE)}")
    return {name: word(f"where.{name}", one) for name, one in value.items()}


def packet_of(value: Any) -> Packet | None:
    """Return {size, interval_seconds}, None for none. BadRequest."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value.keys() <= {"size", "interval_seconds"}:
        raise BadRequest("packet: expected size and interval_seconds")
    size = Whole(1, MAX_TARGETS, "miners")("packet.size", value.get("size"))
    interval = value.get("interval_seconds")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 <= interval <= LONGEST_INTERVAL_S:
        raise BadRequest(f"packet.interval_seconds: expected 0 to {LONGEST_INTERVAL_S} seconds")
    return Packet(size, float(interval))
