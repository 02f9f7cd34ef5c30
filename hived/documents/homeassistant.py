"""Miners and the site as Home Assistant is told of them over MQTT: its device discovery, and the states beside it.

One message tells of a device with all its entities (Home Assistant 2024.11 and later). The figures of the states have
the names and units of the API; what a value means stands in `records.measures` and `documents.fleet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast

from hived import __version__
from hived.documents import fleet
from hived.documents import miners as documents
from hived.documents.shared import Json
from hived.records import measures
from hived.records.condition import Condition
from hived.records.measures import Measure, Unit
from hived.records.miner import HASHING_STATES, ON_THE_WAY
from hived.records.miner_view import MinerView
from hived.records.mqtt import PRESS, Topics
from hived.records.totals import Totals

EXPIRE_S = 180
"""After so long without a word Home Assistant shows no value any more, instead of the last one for ever."""

_DEVICE_CLASSES = {measures.POWER: "power", measures.TEMPERATURE: "temperature"}
_NAMES = {"hashrate_hs": "Hashrate", "target_hashrate_hs": "Expected hashrate", "power_w": "Power"}
_SHOWN_AT_ONCE = frozenset({"hashrate_hs", "power_w", "chip_temp_max_c"})
FIGURES = tuple(measure for measure in measures.CHARTED if measure.title)
"""What is measured of a miner and has a line in a chart."""
_COMMAND = '{"at": {{ now().timestamp() }}, "do": {{ value | tojson }}}'


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be ordered of a miner from there."""

    mining: bool = False
    presets: tuple[str, ...] = ()
    locate: bool = False
    reboot: bool = False


class MinerState(TypedDict, total=False):
    """How a miner is: the figures of FIGURES under their outer names, and this.

    `fresh`: the figures are those of now. `problem` and `mining`: ON, OFF, or null when nobody can tell.
    """

    state: str
    fresh: bool
    problem: str | None
    why: str | None
    next_step: str | None
    mining: str | None
    preset: str | None
    efficiency_j_per_th: float | None
    boards: int | None
    boards_failed: int | None


class SiteState(TypedDict):
    """What the miners are and give together."""

    miners: int
    online: int
    hashing: int
    failing: int
    hashrate_ths: float | None
    hashrate_expected_ths: float | None
    hashrate_lost_ths: float | None
    power_w: float | None
    efficiency_j_per_th: float | None


# -- a miner -----------------------------------------------------------------------------------------------------------


def miner_state(view: MinerView, how: Condition, offers: Offers) -> MinerState:
    """Return how a miner is. A preset that is not offered is null: Home Assistant takes no other for a choice."""
    row: Mapping[str, Any] = documents.row(view)
    judged = fleet.judged(how)
    state = {
        "state": how.word, "fresh": how.fresh,
        "problem": None if how.unseen else "ON" if how.why else "OFF", "why": how.why, "next_step": how.next_step,
        "mining": _mining(view, how), "preset": row["preset"] if row["preset"] in offers.presets else None,
        **{measure.outside: row.get(measure.outside) for measure in FIGURES},
        "hashrate_expected_ths": judged["hashrate_expected_ths"],
        "efficiency_j_per_th": row["efficiency_j_per_th"], "boards": row["boards"],
        "boards_failed": row["boards_failed"],
    }  # fmt: skip
    return cast(MinerState, state)


def _mining(view: MinerView, how: Condition) -> str | None:
    if not how.fresh:
        return None
    if view.state in HASHING_STATES or view.state in ON_THE_WAY - {"shutting-down"}:
        return "ON"
    return "OFF" if view.state in ("stopped", "shutting-down") else None


def miner_device(view: MinerView, name: str, offers: Offers, topics: Topics) -> Json:
    """Return what Home Assistant is told of a miner: the device and its entities. `name`: what it is called there."""
    own, state = topics.miner_id(view.mac), topics.miner(view.mac)
    firmware = " ".join(filter(None, (view.firmware, view.firmware_version)))
    device = {
        "identifiers": [own], "connections": [["mac", view.mac]], "name": name,
        "model": view.model_name, "model_id": view.model_alias, "sw_version": firmware or None,
        "serial_number": view.serial, "via_device": topics.site_id,
    }  # fmt: skip
    always = {"availability": [{"topic": topics.status}]}
    parts = {
        "state": {**_sensor("State", "state", state_class=None), **always},
        "problem": {**_problem(state), **always},
        **{measure.outside: _figure(measure) for measure in FIGURES},
        "efficiency_j_per_th": _sensor("Efficiency", "efficiency_j_per_th", unit="J/TH", places=1),
        "boards": _sensor("Boards", "boards", places=0),
        "boards_failed": _sensor("Failed boards", "boards_failed", places=0),
        **_commands(view.mac, offers, topics, always),
    }
    told = _device(device, own, parts)
    fresh = {"topic": state, "value_template": "{{ 'online' if value_json.fresh else 'offline' }}"}
    return {
        **told, "state_topic": state, "availability": [{"topic": topics.status}, fresh], "availability_mode": "all",
    }  # fmt: skip


def _figure(measure: Measure) -> Json:
    unit = measure.unit
    shown = measure.name in _SHOWN_AT_ONCE
    return {
        **_sensor(
            _NAMES.get(measure.name, measure.title.capitalize()), measure.outside, unit=unit.symbol,
            device_class=_DEVICE_CLASSES.get(unit), places=unit.places,
        ),
        **({} if shown else {"enabled_by_default": False, "entity_category": "diagnostic"}),
    }  # fmt: skip


def _problem(topic: str) -> Json:
    return {
        "platform": "binary_sensor", "name": "Problem", "device_class": "problem", "expire_after": EXPIRE_S,
        "value_template": "{{ value_json.problem }}", "json_attributes_topic": topic,
        "json_attributes_template": "{{ {'why': value_json.why, 'next_step': value_json.next_step} | tojson }}",
    }  # fmt: skip


def _commands(mac: str, offers: Offers, topics: Topics, always: Json) -> dict[str, Json]:
    """Return the entities that order something. With its platform alone Home Assistant takes one away."""

    def entity(what: str, name: str, **more: Any) -> Json:
        return {"name": name, "command_topic": topics.command(mac, what), "command_template": _COMMAND, **more}

    button = {"payload_press": PRESS, "entity_category": "config", **always}
    told = {
        "mining": ("switch", offers.mining, entity("mining", "Mining", value_template="{{ value_json.mining }}")),
        "preset": (
            "select", bool(offers.presets),
            entity("preset", "Preset", options=list(offers.presets), value_template="{{ value_json.preset }}"),
        ),
        "locate": ("button", offers.locate, entity("locate", "Locate", device_class="identify", **button)),
        "reboot": ("button", offers.reboot, entity("reboot", "Reboot", device_class="restart", **button)),
    }  # fmt: skip
    return {key: {"platform": platform, **(part if on else {})} for key, (platform, on, part) in told.items()}


# -- the site ----------------------------------------------------------------------------------------------------------


def site_state(total: Totals) -> SiteState:
    """Return what the miners are and give together."""
    sums: Mapping[str, Any] = fleet.sums(total)
    return cast(SiteState, {name: sums[name] for name in SiteState.__annotations__})


def site_device(name: str, topics: Topics) -> Json:
    """Return what Home Assistant is told of the site as a whole."""
    device = {"identifiers": [topics.site_id], "name": name, "manufacturer": "hived", "sw_version": __version__}
    parts = {
        "hashrate": _total("Hashrate", "hashrate_ths", measures.HASHRATE),
        "hashrate_expected": _total("Expected hashrate", "hashrate_expected_ths", measures.HASHRATE),
        "hashrate_lost": _total("Lost hashrate", "hashrate_lost_ths", measures.HASHRATE),
        "power": _total("Power", "power_w", measures.POWER),
        "efficiency": _sensor("Efficiency", "efficiency_j_per_th", unit="J/TH", places=1),
        **{key: _sensor(f"Miners {key}", key, places=0) for key in ("online", "hashing", "failing")},
        "miners": _sensor("Miners", "miners", places=0),
    }
    return {
        **_device(device, topics.site_id, parts), "state_topic": topics.site,
        "availability": [{"topic": topics.status}],
    }  # fmt: skip


def _total(name: str, field: str, unit: Unit) -> Json:
    return _sensor(name, field, unit=unit.symbol, device_class=_DEVICE_CLASSES.get(unit), places=unit.places)


# -- both --------------------------------------------------------------------------------------------------------------


def _device(device: Json, own: str, parts: Mapping[str, Json]) -> Json:
    entities = {key: {**part, "unique_id": f"{own}_{key}"} if len(part) > 1 else part for key, part in parts.items()}
    return {
        "device": {name: value for name, value in device.items() if value is not None},
        "origin": {"name": "hived", "sw_version": __version__}, "components": entities,
    }  # fmt: skip


def _sensor(
    name: str, field: str, *, unit: str | None = None, device_class: str | None = None, places: int | None = None,
    state_class: str | None = "measurement",
) -> Json:  # fmt: skip
    told = {
        "platform": "sensor", "name": name, "value_template": f"{{{{ value_json.{field} }}}}",
        "expire_after": EXPIRE_S, "unit_of_measurement": unit, "device_class": device_class,
        "suggested_display_precision": places, "state_class": state_class,
    }  # fmt: skip
    return {key: value for key, value in told.items() if value is not None}
