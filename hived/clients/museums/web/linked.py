"""JSON-LD blocks of a page, as items. Real ones are often broken: they are read strictly, then after a clean-up."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any

from hived.clients.museums import text
from hived.clients.museums.web.items import Item, Value
from hived.errors import Unreadable
from hived.records import values

MAX_BLOCKS = 20
MAX_BLOCK = 256 * 1024
MAX_NODES = 2000
MAX_DEPTH = 12
MAX_VALUES = 64  # of one property
MAX_VALUE = 4000

_COMMENT = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>)\s*$"
)
# Strings are matched first, so that nothing is changed within them; an unclosed one reaches to the end.
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
_COMMENTS = re.compile(_STRING + r"|/\*.{0,500}?\*/|//[^\n]*", re.DOTALL)
_COMMAS = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_SPACES = re.compile(_STRING + r"|[\ufeff\u00a0\u200b\u2028\u2029]+", re.DOTALL)
_BETWEEN = "\ufeff\u00a0\u200b\u2028\u2029 \t\r\n;,"
_RIGHTS = re.compile(r"licen[cs]e|right|usageInfo", re.IGNORECASE)
_DECODER = json.JSONDecoder(parse_constant=lambda _constant: None, strict=False)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?")
_CONTROL = re.compile(r"[\x00-\x1f]")
_PREFIX = re.compile(r"^(?:https?://(?:www\.)?[^#]*[/#]|[A-Za-z][A-Za-z0-9]*:)")


def read_blocks(blocks: Iterable[str]) -> list[Item]:
    """Return the things that the blocks describe at their top, references to each other resolved."""
    found: list[Item] = []
    for block, _ in zip(blocks, range(MAX_BLOCKS), strict=False):
        for document in load(block):
            found += _Converter().top(document)
    by_id = {item.id: item for item in found if item.id and item.properties}
    for item in found:
        for told in item.properties.values():
            told[:] = [_resolved(value, by_id) for value in told]
    return found


def load(block: str) -> list[Any]:
    """Return the documents of a block, as far as they can be read even after a clean-up.

    What stands before a flaw counts only when what comes after it does not speak of rights.
    """
    if len(block) > MAX_BLOCK:
        return []
    try:
        return [values.document(block)]
    except Unreadable:
        pass
    block = _cleaned(block)
    found: list[Any] = []
    at = 0
    while at < len(block):
        try:
            document, at = _DECODER.raw_decode(block, at)
        except (ValueError, RecursionError):
            return [] if _RIGHTS.search(block, at) else found
        found.append(document)
        while at < len(block) and block[at] in _BETWEEN:
            at += 1
    return found


def _cleaned(block: str) -> str:
    """Take out comments, trailing commas, odd spaces, and control characters within strings."""
    if '"' not in block and "&quot;" in block:
        block = html.unescape(block)
    block = block.strip(_BETWEEN)
    for _ in range(2):
        block = _COMMENT.sub("", block)
    for waste in (_COMMENTS, _SPACES, _COMMAS):
        block = waste.sub(lambda found: _CONTROL.sub(" ", found[0]) if found[0].startswith('"') else "", block)
    return block.strip(_BETWEEN)


def _resolved(value: Value, by_id: dict[str, Item]) -> Value:
    if isinstance(value, Item) and not value.properties and value.id in by_id:
        return by_id[value.id]
    return value


class _Converter:
    def __init__(self) -> None:
        self._left = MAX_NODES

    def top(self, document: Any) -> list[Item]:
        nodes = document if isinstance(document, list) else [document]
        found: list[Item] = []
        for node in nodes[:MAX_VALUES]:
            if isinstance(node, dict):
                graph = node.get("@graph")
                inner = graph if isinstance(graph, list) else [graph] if isinstance(graph, dict) else []
                found += [self._item(one, 0) for one in inner[:MAX_VALUES] if isinstance(one, dict)]
                if not inner or node.keys() - {"@graph", "@context", "@id"}:
                    found.append(self._item(node, 0))
        return found

    def _item(self, node: dict[str, Any], depth: int) -> Item:
        self._left -= 1
        kinds = node.get("@type")
        told = kinds if isinstance(kinds, list) else [kinds]
        name = node.get("@id")
        item = Item(
            tuple(_local(one) for one in told[:8] if isinstance(one, str)),
            name[:MAX_VALUE].strip() if isinstance(name, str) else "",
        )
        if depth >= MAX_DEPTH:
            return item
        for key, value in node.items():
            if key.startswith("@"):
                continue
            parts = _flat(value)
            if not _RIGHTS.search(key):
                parts = text.in_english([(_language(part), part) for part in parts])
            for part in parts[:MAX_VALUES]:
                converted = self._value(part, depth + 1)
                if converted is not None and self._left > 0:
                    item.add(_local(key), converted)
            if len(parts) > MAX_VALUES and _RIGHTS.search(key):
                item.add(_local(key), f"more than {MAX_VALUES} values")
        return item

    def _value(self, value: Any, depth: int) -> Value | None:
        if isinstance(value, str):
            return text.decoded(value[:MAX_VALUE])
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return f"{value!r:.40}"
        if isinstance(value, dict) and self._left > 0:
            if "@value" in value and not isinstance(value["@value"], dict):
                return self._value(value["@value"], depth)
            return self._item(value, depth)
        return None


def _flat(value: Any) -> list[Any]:
    """Return the values of a property, those of sets and lists one by one; at most one more than are read."""
    found: list[Any] = []
    waiting = [value]
    while waiting and len(found) <= MAX_VALUES:
        part = waiting.pop()
        if isinstance(part, dict) and ("@list" in part or "@set" in part):
            waiting += [part.get("@set"), part.get("@list")]
        elif isinstance(part, list):
            waiting += reversed(part)
        elif isinstance(part, dict) and part.keys() - {"id"} and all(map(_LANGUAGE.fullmatch, part)):
            told = [{"@value": said, "@language": name} for name, texts in part.items() for said in _flat(texts)]
            waiting += reversed(told)
        else:
            found.append(part)
    return found


def _language(value: Any) -> str:
    """Return the language that a value names; empty when it names none."""
    told = value.get("@language") if isinstance(value, dict) else None
    return told if isinstance(told, str) else ""


def _local(name: str) -> str:
    """Return a type's or property's name in lower case, without its vocabulary."""
    return _PREFIX.sub("", name[:200].strip()).lower()
