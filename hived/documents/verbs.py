"""The arguments of orders as JSON Schema, from the tables of the verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hived.documents.shape import NOT_BLANK, PRINTABLE
from hived.documents.shared import Json
from hived.records import commands, steering
from hived.records.commands import Argument
from hived.records.pools import URL

_NAME: Json = {"type": "string", "minLength": 1, "maxLength": commands.MAX_NAME, "pattern": NOT_BLANK}
_MAC: Json = {"type": "string", "pattern": "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"}
_TEXT: Json = {"type": ["string", "null"], "maxLength": steering.MAX_URL, "pattern": PRINTABLE}
_SLOT: Json = {
    "type": "object", "additionalProperties": False, "required": ["url"],
    "properties": {
        "slot": {"type": "integer", "minimum": 0, "maximum": steering.MAX_SLOTS - 1},
        "url": {"type": "string", "maxLength": steering.MAX_URL, "pattern": f"^{URL}$"},
        "user": _TEXT, "password": _TEXT,
    },
}  # fmt: skip
_READERS: Mapping[Callable[[str, Any], Any], Json] = {
    commands.switch: {"type": "boolean"},
    commands.word: _NAME,
    commands.word_or_none: {**_NAME, "type": ["string", "null"]},
    commands.mac: _MAC,
    commands.address: {"type": "string", "format": "ipv4"},
    commands.number: {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
    commands.letter: {"type": "string", "minLength": 2, "maxLength": commands.MAX_LETTER},
    commands.password: {"type": "string", "minLength": 1, "maxLength": commands.MAX_PASSWORD, "pattern": NOT_BLANK},
    commands.targets: {"type": "array", "maxItems": commands.MAX_TARGETS, "items": {"type": "string"}},
    steering.mode: {"type": "string", "enum": list(steering.MODES)},
    steering.pools: {"type": "array", "minItems": 1, "maxItems": steering.MAX_SLOTS, "items": _SLOT},
}


def arguments(verb: str, wanted: Iterable[Argument]) -> Json:
    """Return the schema of a verb's arguments; one whose reader is not known here may have any value."""
    wanted = list(wanted)
    properties = {one.name: _schema(one) for one in wanted}
    needed = [one.name for one in wanted if one.default is None and not _may_be_null(properties[one.name])]
    return {
        "type": "object", "title": verb, "additionalProperties": False, "properties": properties,
        **({"required": needed} if needed else {}),
    }  # fmt: skip


def every(verbs: Mapping[str, Any]) -> list[Json]:
    """Return the arguments of each verb that takes some; those of the others are {}."""
    found = [arguments(verb.name, verb.arguments) for verb in verbs.values() if verb.arguments]
    return [{"type": "object", "title": "none", "maxProperties": 0}, *found]


def _schema(one: Argument) -> Json:
    told = _reader(one.read)
    if one.default is None:
        return told
    return {**told, "default": list(one.default) if isinstance(one.default, tuple) else one.default}


def _reader(read: Callable[[str, Any], Any]) -> Json:
    if isinstance(read, steering.OrNone):
        inner = _reader(read.read)
        return {**inner, "type": [inner["type"], "null"]}
    if isinstance(read, steering.Whole):
        return {"type": "integer", "minimum": read.low, "maximum": read.high, "description": f"{read.unit}"}
    return _READERS.get(read, {})


def _may_be_null(told: Json) -> bool:
    return not told or (isinstance(told.get("type"), list) and "null" in told["type"])
