"""Orders to miners as JSON: for the API, the page and hivectl."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from hived.documents.shared import rfc3339, without_secrets
from hived.records.orders import Order, Target, in_words
from hived.records.steering import Seen
from hived.records.units import ths


class EffectDocument(TypedDict):
    """What changes: negative for less, null where nobody can tell."""

    power_w: float | None
    hashrate_ths: float | None


class PacketDocument(TypedDict):
    size: int
    interval_seconds: float


class TargetDocument(TypedDict):
    """One miner of an order. `reason` is a key of `records.orders.REASONS` or `OUTCOMES`, `said` the miner's own words.

    `before` and `after` are how it was read to be, with what it told.
    """

    id: str
    name: str
    state: str
    reason: str | None
    reason_words: str | None
    said: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    at: str | None
    effect: EffectDocument


class OrderDocument(TypedDict):
    """An order. `state`: running, done, cancelled, stopped or expired; `id` 0: a dry run, of which nothing is kept."""

    id: int
    verb: str
    args: Mapping[str, Any]
    words: str
    by: str
    via: str
    created_at: str | None
    expires_at: str | None
    finished_at: str | None
    state: str
    force: bool
    undo_of: int | None
    can_undo: bool
    packet: PacketDocument
    effect: EffectDocument
    counts: Mapping[str, int]
    cancelled_by: str | None


class WholeOrderDocument(OrderDocument):
    """An order with what becomes of each miner."""

    targets: list[TargetDocument]


class PreviewDocument(WholeOrderDocument):
    """What an order would do, which is not kept. `warnings`: what is hardly meant so, in words."""

    needs_password: bool
    warnings: list[str]


def order(told: Order) -> OrderDocument:
    """Return an order as in a list."""
    return {
        "id": told.id, "verb": told.verb, "args": without_secrets(told.args), "words": told.words, "by": told.by,
        "via": told.via, "created_at": rfc3339(told.created_at), "expires_at": rfc3339(told.expires_at),
        "finished_at": rfc3339(told.finished_at), "state": told.state, "force": told.force, "undo_of": told.undo_of,
        "can_undo": told.can_undo,
        "packet": {"size": told.packet.size, "interval_seconds": told.packet.interval_s},
        "effect": effect(told.effect_w, told.effect_hs), "counts": told.counts, "cancelled_by": told.cancelled_by,
    }  # fmt: skip


def whole(told: Order, targets: Sequence[Target], name: Callable[[str], str | None]) -> WholeOrderDocument:
    """Return an order with its targets; `name` says what people know the miner with a MAC by."""
    return {**order(told), "targets": [target(one, name(one.mac)) for one in targets]}


def target(told: Target, name: str | None) -> TargetDocument:
    """Return what becomes of one miner of an order."""
    return {
        "id": told.mac, "name": name or told.mac, "state": told.state, "reason": told.reason,
        "reason_words": in_words(told.reason), "said": told.said, "before": _seen(told.before),
        "after": _seen(told.after), "at": rfc3339(told.at), "effect": effect(told.effect_w, told.effect_hs),
    }  # fmt: skip


def effect(watts: float | None, rate_hs: float | None) -> EffectDocument:
    """Return a change in W and H/s as it is shown outside."""
    return {"power_w": watts, "hashrate_ths": ths(rate_hs)}


def _seen(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    told = Seen.from_json(stored).to_json()
    rate = told.pop("hashrate_hs", None)
    return {**without_secrets(told), "at": rfc3339(told["at"]), **({} if rate is None else {"hashrate_ths": ths(rate)})}
