"""JSON-LD blocks of a page, as items. Real ones are often broken: they are read strictly, then after a clean-up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

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
_CONTROL = re.compile(r"[\x00-\x1f]")
_PREFIX = re.compile(r"^(?:https?://(?:www\.)?[^#]*[/#]|[A-Za-z][A-Za-z0-9]*:)")


def read_blocks(blocks: Iterable[str]) -> list[Item]:
    """Return the things that the blocks describe at their top, references to each other resolved."""
    found: list[Item] = []
    for block, _ in zip(blocks, range(MAX_BLOCKS), strict=False):
        document = load(block)
        if document is not None:
            found += _Converter().top(document)
    by_id = {item.id: item for item in found if item.id and item.properties}
    for item in found:
        for told in item.properties.values():
            told[:] = [_resolved(value, by_id) for value in told]
    return found


def load(block: str) -> Any:
    """Return the document of a block; None when it cannot be read even after the clean-up."""
    if len(block) > MAX_BLOCK:
        return None
    try:
        return values.document(block)
    except Unreadable:
        pass
    try:
        return values.document(_cleaned(block))
    except Unreadable:
        return None


def _cleaned(block: str) -> str:
    """Take out comments, trailing commas, and control characters within strings."""
    for _ in range(2):
        block = _COMMENT.sub("", block)
    for waste in (_COMMENTS, _COMMAS):
        block = waste.sub(lambda found: _CONTROL.sub(" ", found[0]) if found[0].startswith('"') else "", block)
    return block.strip().rstrip(";")


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
            for one in (value if isinstance(value, list) else [value])[:MAX_VALUES]:
                converted = self._value(one, depth + 1)
                if converted is not None and self._left > 0:
                    item.add(_local(key), converted)
        return item

    def _value(self, value: Any, depth: int) -> Value | None:
        if isinstance(value, str):
            return value[:MAX_VALUE]
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return f"{value!r:.40}"
        if isinstance(value, dict) and self._left > 0:
            inner = value.get("@value")
            if isinstance(inner, str):
                return inner[:MAX_VALUE]
            if "@list" in value or "@set" in value:
                listed = value.get("@list", value.get("@set"))
                first = listed[0] if isinstance(listed, list) and listed else None
                return self._value(first, depth + 1) if depth < MAX_DEPTH else None
            return self._item(value, depth)
        return None


def _local(name: str) -> str:
    """Return a type's or property's name in lower case, without its vocabulary."""
    return _PREFIX.sub("", name[:200].strip()).lower()
