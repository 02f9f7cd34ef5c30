"""How miners of other nodes are and were: rollups and latest statuses, each value checked.

A status is kept in a packed form and read back into records without a second look, so nothing gets in whose type or
size is not that of the record's field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_type_hints

from hived.records import untrusted
from hived.records.ingest import MAX_CONTENT_BYTES, MAX_METADATA_BYTES, SentLatest, SentRollup
from hived.records.miner_view import StoredStatus
from hived.records.streams import ROLLUP_S, rollup_key
from hived.records.untrusted import BadValue
from hived.store.miners import readings

MAX_HS = 1e18  # a thousand times the largest miner
MAX_W = 1e6
COLDEST_C, HOTTEST_C = -100.0, 500.0
MAX_SAMPLES = 10_000  # of one stretch of five minutes
MAX_PARTS = 32  # fans, boards or pools of one miner
MAX_EXTRA_BYTES = 4096
MAX_NUMBER = 1e15

_RATES = ("hashrate_min_hs", "hashrate_mean_hs", "hashrate_max_hs", "expected_hashrate_mean_hs")
_POWERS = ("power_min_w", "power_mean_w", "power_max_w")
_TEMPERATURES = ("chip_temp_min_c", "chip_temp_mean_c", "chip_temp_max_c")
_FORMS: dict[str, readings.Form[Any]] = {"fans": readings.FANS, "boards": readings.BOARDS, "pools": readings.POOLS}


def rollup(one: Mapping[str, Any], now: float) -> SentRollup:
    """Return a 5-minute rollup; BadValue when it is none."""
    at = untrusted.time(one.get("at"), "at")
    if at > now + untrusted.AHEAD_S or at % ROLLUP_S or rollup_key(one["seq"])[0] != at:
        raise BadValue("at")
    n = untrusted.whole(one.get("n"), "n", 1, MAX_SAMPLES)
    values: list[Any] = [n, untrusted.whole(one.get("hashing_n"), "hashing_n", 0, n)]
    values += [untrusted.number(one.get(name), name, 0, MAX_HS) for name in _RATES]
    values += [untrusted.number(one.get(name), name, 0, MAX_W) for name in _POWERS]
    values += [untrusted.number(one.get(name), name, COLDEST_C, HOTTEST_C) for name in _TEMPERATURES]
    return SentRollup(one["seq"], untrusted.mac(one.get("mac")), at, tuple(values))


def latest(one: Mapping[str, Any]) -> SentLatest:
    """Return how a miner was when it was last asked; BadValue when it cannot be understood."""
    status = one.get("status")
    return SentLatest(
        mac=untrusted.mac(one.get("mac")), state=untrusted.text(one.get("state"), "state", 64),
        preset=untrusted.text(one.get("preset"), "preset", 100), seen_at=_time(one.get("seen_at"), "seen_at"),
        failures=untrusted.whole(one.get("failures"), "failures", 0, 2**31 - 1),
        last_error=untrusted.text(one.get("last_error"), "last_error", 2000),
        last_error_code=untrusted.text(one.get("last_error_code"), "last_error_code", 64),
        last_error_at=_time(one.get("last_error_at"), "last_error_at"),
        error_count=untrusted.whole(one.get("error_count"), "error_count", 0, 2**31 - 1),
        status=None if status is None else _status(status),
    )  # fmt: skip


def _status(one: Any) -> StoredStatus:
    if not isinstance(one, Mapping):
        raise BadValue("status")
    detail = one.get("detail") or {}
    if not isinstance(detail, Mapping):
        raise BadValue("detail")
    rates = {
        name: untrusted.number(one.get(name), name, 0, MAX_HS)
        for name in ("hashrate_hs", "average_hashrate_hs", "expected_hashrate_hs")
    }
    heat = {
        name: untrusted.number(one.get(name), name, COLDEST_C, HOTTEST_C)
        for name in ("chip_temp_max_c", "pcb_temp_max_c")
    }
    power = untrusted.number(one.get("power_w"), "power_w", 0, MAX_W)
    told = detail.get("reported_power_w", power)
    fans, boards, pools = (_parts(detail.get(name), name) for name in _FORMS)
    return StoredStatus(
        num=0, at=untrusted.time(one.get("at"), "at"), state=untrusted.text(one.get("state"), "state", 64),
        preset=untrusted.text(one.get("preset"), "preset", 100), power_w=power,
        reported_power_w=untrusted.number(told, "detail", -MAX_NUMBER, MAX_NUMBER),
        state_s=untrusted.number(one.get("state_s"), "state_s", 0, 1e10),
        fan_duty_percent=untrusted.number(detail.get("fan_duty_percent"), "detail", 0, 1000),
        partial=untrusted.flag(one.get("partial"), "partial"), fans=fans, hashboards=boards, pools=pools,
        extra=untrusted.document(detail.get("extra") or {}, "detail", most_bytes=MAX_EXTRA_BYTES, depth=3),
        **rates, **heat,
    )  # fmt: skip


def _parts(value: Any, name: str) -> tuple[Any, ...]:
    """Return fans, boards or pools from lists of values in the order of their form."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_PARTS:
        raise BadValue("detail")
    form = _FORMS[name]
    kinds = _KINDS[name]
    found = []
    for values in value:
        if not isinstance(values, list) or not 0 < len(values) <= len(kinds) or values[0] is None:
            raise BadValue("detail")
        found.append(form.read([_checked(one, kind) for one, kind in zip(values, kinds, strict=False)]))
    return tuple(found)


def _checked(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if kind is str:
        return untrusted.text(value, "detail", 400)
    if kind is int:
        if isinstance(value, float) and value.is_integer():  # thinned by the node: six digits
            value = int(value) if abs(value) <= MAX_NUMBER else None
        return untrusted.whole(value, "detail", -(2**53), 2**53)
    return untrusted.number(value, "detail", -MAX_NUMBER, MAX_NUMBER)


def _kind(hint: Any) -> Any:
    """Return str, int or float for a field's type."""
    kinds = {part for part in getattr(hint, "__args__", (hint,)) if part is not type(None)}
    (kind,) = kinds
    assert kind in (str, int, float), hint
    return kind


_KINDS = {name: [_kind(get_type_hints(form.record)[field]) for field in form.fields] for name, form in _FORMS.items()}


def _time(value: Any, code: str) -> float | None:
    return None if value is None else untrusted.time(value, code)


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
