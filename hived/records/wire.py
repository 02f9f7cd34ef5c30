"""How the latest status of a miner is written for the master: by names with units, and as 0.1.0 wrote it.

Fields are called as in `records`, and a new field of a record is sent without a change here: a reader that does not
know it says so. A field that changes its name or meaning is another field; the recorded bodies in the tests catch it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from hived.records.ingest import SentLatest
from hived.records.streams import WIRE
from hived.records.times import to_text
from hived.records.units import GIGA

_OURS = ("num",)  # the master gives numbers of its own


def latest(told: SentLatest, version: int = WIRE) -> dict[str, Any]:
    """Return how a miner is, as a master that reads this version of the wire understands it."""
    document = _written(told)
    return document if version > 1 else _to_0_1_0(document)


def _written(record: Any) -> dict[str, Any]:
    return {field.name: _plain(field.name, getattr(record, field.name)) for field in fields(record)
            if field.name not in _OURS}  # fmt: skip


def _plain(name: str, value: Any) -> Any:
    if is_dataclass(value):
        return _written(value)
    if isinstance(value, tuple):
        return [{key: value for key, value in _written(part).items() if value is not None} for part in value]
    if isinstance(value, float) and (name == "at" or name.endswith("_at")):
        return to_text(value)
    return value


# 0.1.0 sent what it stored: under `detail`, as lists of values without names, rates in GH/s.

_MOST = 64  # parts of a miner, and values of a part: of the longest list this version knows 18
_SINGLE = ("reported_power_w", "fan_duty_percent", "extra")
LISTS_0_1_0 = {
    "fans": ("fans", ("index", "rpm", "max_rpm", "status")),
    "boards": ("hashboards", (
        "index", "state", "hashrate_hs", "expected_hashrate_hs", "power_w", "voltage_mv", "frequency_mhz",
        "pcb_temp_min_c", "pcb_temp_max_c", "chip_temp_min_c", "chip_temp_max_c", "hardware_errors", "chips_grey",
        "chips_orange", "chips_red", "description", "inlet_water_temp_c", "outlet_water_temp_c",
    )),
    "pools": ("pools", (
        "index", "url", "user", "kind", "status", "accepted", "rejected", "stale", "difficulty", "ping_ms",
        "last_share_s",
    )),
}  # fmt: skip
"""{its name: (ours, the values in their order)}, sent and stored"""


def _to_0_1_0(document: dict[str, Any]) -> dict[str, Any]:
    if document["status"] is None:
        return document
    status = dict(document["status"])
    detail = {name: status.pop(name) for name in _SINGLE}
    if detail["reported_power_w"] == status["power_w"]:
        del detail["reported_power_w"]
    for name, (ours, names) in LISTS_0_1_0.items():
        detail[name] = [_values(part, names) for part in status.pop(ours)]
    status["detail"] = {name: value for name, value in detail.items() if value not in (None, [], {})}
    return document | {"status": status}


def _values(part: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    count = max(index for index, name in enumerate(names) if name in part) + 1
    values = ((name, part.get(name)) for name in names[:count])
    return [float(f"{value / GIGA:.6g}") if value and name.endswith("_hs") else value for name, value in values]


def from_0_1_0(document: Any) -> Any:
    """Return what a node of 0.1.0 says of a miner in the names of today; what makes no sense stays as it is."""
    status = document.get("status") if isinstance(document, Mapping) else None
    detail = (status.get("detail") or {}) if isinstance(status, Mapping) else None
    if status is None or not isinstance(detail, Mapping):
        return document
    named: dict[str, Any] = {name: value for name, value in status.items() if name != "detail"}
    named["reported_power_w"] = status.get("power_w")
    for name, value in detail.items():
        ours, names = LISTS_0_1_0.get(name, (name, ()))
        named[ours] = [_named(part, names) for part in value[:_MOST]] if names and isinstance(value, list) else value
    return {**document, "status": named}


def _named(values: Any, names: Sequence[str]) -> Any:
    """Name the values of a list; those beyond the known names are called by their position."""
    if not isinstance(values, list):
        return values
    found = {}
    for index, value in enumerate(values[:_MOST]):
        name = names[index] if index < len(names) else f"#{index + 1}"
        found[name] = value * int(GIGA) if name.endswith("_hs") and type(value) in (int, float) else value
    return found
