"""Home Assistant's device discovery, as it documents it: what of a message it would not take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RULES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "fixtures/homeassistant/device_discovery.json").read_text()
)
TOPIC = re.compile(r"homeassistant/device/[a-zA-Z0-9_-]+/config")
_KINDS: dict[str, Any] = {
    "string": lambda value: isinstance(value, str) and value != "",
    "template": lambda value: isinstance(value, str) and value.count("{{") == value.count("}}") > 0,
    "topic": lambda value: isinstance(value, str) and re.fullmatch(r"[^+#\0]+", value),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
}


def complaints(topic: str, payload: bytes) -> list[str]:
    """Return what is wrong with a message of device discovery."""
    return list(_complaints(topic, json.loads(payload)))


def _complaints(topic: str, told: Mapping[str, Any]) -> Iterator[str]:
    if not TOPIC.fullmatch(topic):
        yield f"no topic of a device: {topic}"
    yield from _options("message", told, RULES["device_message"])
    yield from _options("origin", told.get("origin", {}), RULES["origin"])
    yield from _options("device", told.get("device", {}), RULES["device"])
    if not any(told.get("device", {}).get(name) for name in RULES["device"]["one_of"]):
        yield "device: nothing that it is known by"
    shared = {name: told[name] for name in RULES["inherited"] if name in told}
    seen = set()
    for key, part in told.get("components", {}).items():
        yield from _entity(key, part, shared)
        if "unique_id" in part and part["unique_id"] in seen:
            yield f"{key}: its unique_id is another's"
        seen.add(part.get("unique_id"))


def _entity(key: str, part: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[str]:
    rules = RULES["platforms"].get(part.get("platform"))
    if rules is None:
        yield f"{key}: no platform of ours"
        return
    if len(part) == 1:  # taken away
        return
    inherits = {name: value for name, value in shared.items() if name not in rules.get("ignores", ())}
    whole = {**inherits, **part}
    yield from _options(key, whole, rules)
    if "availability" in whole and "availability_topic" in whole:
        yield f"{key}: availability is said in two ways"
    if whole.get("availability_mode", "latest") not in RULES["availability_modes"]:
        yield f"{key}: no availability_mode"
    for one in whole.get("availability", ()):
        yield from _options(f"{key}: availability", one, RULES["availability"])
    yield from _classes(key, whole)


def _classes(key: str, part: Mapping[str, Any]) -> Iterator[str]:
    known = RULES["classes"].get(part["platform"], {})
    if part.get("device_class") is not None:
        if part["device_class"] not in known:
            yield f"{key}: no device_class {part['device_class']}"
        elif isinstance(known, dict) and part.get("unit_of_measurement") not in known[part["device_class"]]:
            yield f"{key}: {part.get('unit_of_measurement')} is no unit of {part['device_class']}"
    if part.get("state_class", "measurement") not in RULES["state_classes"]:
        yield f"{key}: no state_class"
    category = part.get("entity_category")
    if category not in (None, *RULES["entity_categories"]):
        yield f"{key}: no entity_category"
    if category == "config" and part["platform"] in ("sensor", "binary_sensor"):
        yield f"{key}: what only tells is diagnostic"


def _options(where: str, told: Mapping[str, Any], rules: Mapping[str, Any]) -> Iterator[str]:
    for name in rules.get("required", ()):
        if name not in told:
            yield f"{where}: {name} is missing"
    for name, value in told.items():
        kind = rules["options"].get(name)
        if kind is None:
            yield f"{where}: {name} is no option"
        elif not _KINDS[kind](value):
            yield f"{where}: {name} is no {kind}: {value!r}"
