"""How miners of other nodes are and were: rollups and latest statuses, each value checked.

A status is stored and read back into records without a second look, so nothing gets in whose type or size is not that
of the record's field. What is refused of a status costs itself alone: its miner is shown all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any, TypeVar, get_type_hints

from hived.records import fleet_history, measures, untrusted
from hived.records.fields import Fields
from hived.records.fleet_history import FleetSums
from hived.records.ingest import MAX_CONTENT_BYTES, MAX_METADATA_BYTES, SentLatest, SentRollup
from hived.records.measures import Measure
from hived.records.miner import FanReading, HashboardReading, PoolReading
from hived.records.miner_view import StoredStatus
from hived.records.streams import MAX_SAMPLES, ROLLUP_S, rollup_key
from hived.records.untrusted import BadValue
from hived.records.values import MAX_WHOLE

MAX_PARTS = 32  # fans, boards or pools of one miner
MAX_EXTRA_BYTES = 4096
MAX_COUNT = 2**31 - 1
MAX_SUM = 1e21  # H/s of a fleet: the whole world's is below

_MEASURES: dict[Any, tuple[Measure, ...]] = {StoredStatus: measures.MINER, HashboardReading: measures.BOARD}
_APART = ("num", "at", "partial", "fans", "hashboards", "pools", "extra")
"""Fields of a status that are no plain values, or that have a reader of their own."""

T = TypeVar("T")


def rollup(one: Fields, now: float) -> SentRollup:
    """Return a 5-minute rollup; BadValue when it is none."""
    seq, at = int(one.get("seq")), _stretch(one, now)
    if rollup_key(seq)[0] != at:
        raise BadValue("at")
    n = untrusted.whole(one.get("n"), "n", 1, MAX_SAMPLES)
    values: list[Any] = [n, untrusted.whole(one.get("hashing_n"), "hashing_n", 0, n)]
    for rolled in measures.ROLLED:
        unit = rolled.measure.unit
        values.append(untrusted.number(one.get(rolled.column), rolled.column, unit.low, unit.high))
    return SentRollup(seq, untrusted.mac(one.get("mac")), at, tuple(values))


def fleet_sums(one: Fields, now: float) -> FleetSums:
    """Return what a node's miners of one model gave together in a stretch; BadValue when it is none."""
    at = _stretch(one, now)
    n = untrusted.whole(one.get("n"), "n", 1, MAX_SAMPLES)
    return FleetSums(
        at, untrusted.text(one.get("model"), "model", 64) or "", n,
        tuple(one.take(name, untrusted.number, None, -MAX_SUM, MAX_SUM) for name in fleet_history.COLUMNS),
        int(one.get("seq")),
    )  # fmt: skip


def _stretch(one: Fields, now: float) -> float:
    """Return the beginning of a stretch. One that has not begun here has not ended there: that clock is wrong."""
    at = untrusted.time(one.get("at"), "at")
    if at > now or at % ROLLUP_S:
        raise BadValue("at")
    return at


def latest(one: Fields) -> SentLatest:
    """Return how a miner was when it was last asked; BadValue when it does not say which one."""
    whole = partial(untrusted.whole, most=MAX_COUNT)
    return SentLatest(
        mac=untrusted.mac(one.get("mac")), state=one.take("state", untrusted.text, None, 64),
        preset=one.take("preset", untrusted.text, None, 100), seen_at=one.take("seen_at", untrusted.time, None),
        failures=one.take("failures", whole, 0), last_error=one.take("last_error", untrusted.text, None, 2000),
        last_error_code=one.take("last_error_code", untrusted.text, None, 64),
        last_error_at=one.take("last_error_at", untrusted.time, None),
        error_count=one.take("error_count", whole, 0), status=one.take_part("status", _status),
    )  # fmt: skip


def _status(one: Fields) -> StoredStatus:
    bad = one.bad
    status = StoredStatus(
        num=0, at=untrusted.time(one.get("at"), "at"), partial=one.take("partial", untrusted.flag, True),
        fans=tuple(one.take_parts("fans", partial(_part, FanReading), MAX_PARTS)),
        hashboards=tuple(one.take_parts("hashboards", partial(_part, HashboardReading), MAX_PARTS)),
        pools=tuple(one.take_parts("pools", partial(_part, PoolReading), MAX_PARTS)),
        extra=one.take("extra", untrusted.document, {}, most_bytes=MAX_EXTRA_BYTES, depth=3),
        **{name: one.take(name, read, None) for name, read in _readers(StoredStatus)},
    )  # fmt: skip
    return status if one.bad == bad else replace(status, partial=True)


def _part(record: Callable[..., T], one: Fields) -> T:
    """Return a fan, a board or a pool; BadValue when it does not say which one."""
    values = {name: one.take(name, read, None) for name, read in _readers(record)}
    if values["index"] is None:
        raise BadValue("index")
    return record(**{name: value for name, value in values.items() if value is not None})


@cache
def _readers(record: Any) -> list[tuple[str, Callable[[Any, str], Any]]]:
    """Return the plain values of a record, each with its reader: what is measured within what its unit allows."""
    hints = get_type_hints(record)
    bounds = {measure.name: (measure.unit.low, measure.unit.high) for measure in _MEASURES.get(record, ())}
    found: list[tuple[str, Callable[[Any, str], Any]]] = []
    for name in (field.name for field in fields(record) if field.name not in _APART):
        (kind,) = {part for part in getattr(hints[name], "__args__", (hints[name],)) if part is not type(None)}
        low, high = bounds.get(name, (-MAX_WHOLE, MAX_WHOLE))
        readers: dict[Any, Callable[[Any, str], Any]] = {
            str: partial(untrusted.text, most=400), int: partial(untrusted.whole, least=int(low), most=int(high)),
            bool: untrusted.flag, float: partial(untrusted.number, least=low, most=high),
        }  # fmt: skip
        found.append((name, readers[kind]))
    return found


def unpacked(content: Any) -> Any:
    """Return the document that a string holds; a text that holds none, or too large a one, stays a text."""
    if not isinstance(content, str) or len(content) > MAX_CONTENT_BYTES + MAX_METADATA_BYTES:
        return content
    if not content.lstrip().startswith("{"):
        return content
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return content
    return found if isinstance(found, dict) and found else content
