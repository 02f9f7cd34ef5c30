"""Read configuration text: bounded YAML, kept as it was written, with the line of every value."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

MAX_BYTES = 1024 * 1024  # a config of every option is 10 KiB; this is somebody's log file
MAX_NODES = 10_000  # the parser makes some 50,000 nodes a second on a small board
MAX_DEPTH = 8  # document, section, option, list, item: five are in use

Kind = Literal["null", "switch", "integer", "float", "text", "list", "mapping"]

_KINDS: dict[str, Kind] = {
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:bool": "switch",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:float": "float",
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:timestamp": "text",
    "tag:yaml.org,2002:merge": "text",
    "tag:yaml.org,2002:value": "text",
    "tag:yaml.org,2002:seq": "list",
    "tag:yaml.org,2002:map": "mapping",
}


class Unusable(Exception):
    """The text is no configuration. `line` counts from 1, None when no line is to blame."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Written:
    """One value as somebody wrote it: `kind` is what YAML takes it for, `text` its characters."""

    kind: Kind
    text: str = ""
    quoted: bool = False
    line: int | None = None
    items: tuple[Written, ...] = ()
    entries: tuple[tuple[Written, Written], ...] = ()

    def described(self) -> str:
        """Say in a few words what stands there, never more than one line."""
        match self.kind:
            case "null":
                return "nothing" if not self.text else self.text
            case "list":
                return "a list"
            case "mapping":
                return "a mapping"
        shown = self.text if len(self.text) <= 60 else self.text[:57] + "..."
        return repr(shown)


class _Loader(yaml.SafeLoader):
    """Composes bounded documents. Aliases are refused: no option needs them, and they can multiply a small file."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise Unusable("aliases (*name) are not supported, quote a text that starts with *", line)
        self._nodes += 1
        self._depth += 1
        if self._nodes > MAX_NODES or self._depth > MAX_DEPTH:
            what = "deeply nested" if self._depth > MAX_DEPTH else "long"
            raise Unusable(f"too {what} for a configuration", line)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def read_text(path: Path) -> str:
    """Return the text of a file of at most 1 MiB; raise OSError or Unusable."""
    # O_NONBLOCK: a FIFO without a writer must not hang the start.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        raw = b""
        while len(raw) <= MAX_BYTES and (piece := os.read(fd, MAX_BYTES + 1 - len(raw))):
            raw += piece
    finally:
        os.close(fd)
    if len(raw) > MAX_BYTES:
        raise Unusable(f"larger than {MAX_BYTES // 1024} KiB, which is no configuration")
    try:
        return raw.decode("utf-8")  # YAML itself takes a byte order mark
    except UnicodeDecodeError as err:
        line = raw.count(b"\n", 0, err.start) + 1
        raise Unusable(f"not UTF-8 (byte 0x{raw[err.start]:02x})", line) from err


def parse(text: str) -> Written | None:
    """Return the one document of a YAML text, None when it is empty; raise Unusable."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        # The parser puts half of some sentences into the context.
        parts = (err.context, err.problem) if (err.problem or "but").startswith("but") else (err.problem,)
        problem = one_line(" ".join(filter(None, parts)))
        raise Unusable(f"not valid YAML: {problem}", mark.line + 1 if mark else None) from err
    except yaml.reader.ReaderError as err:
        found = err.character if isinstance(err.character, int) else ord(err.character[0])
        line = text.count("\n", 0, err.position) + 1
        raise Unusable(f"the character U+{found:04X} is not allowed", line) from err
    return None if node is None else _written(node)


def scalar(text: str) -> Written:
    """Return a bare word as YAML would take it without quotes; any text is fine, no character is special."""
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    loader.dispose()
    return Written(_KINDS[str(tag)], text)


def entries(mapping: Written, prefix: str = "") -> Iterator[tuple[Written, Written]]:
    """Yield key and value of a mapping; raise Unusable on a key that is no word or stands there twice."""
    seen: dict[str, Written] = {}
    for key, value in mapping.entries:
        if key.kind in ("list", "mapping"):
            raise Unusable("a key must be one word", key.line)
        first = seen.setdefault(key.text, key)
        if first is not key:
            raise Unusable(f"{prefix}{one_line(key.text)}: written twice, first in line {first.line}", key.line)
        yield key, value


def _written(node: yaml.Node) -> Written:
    line = node.start_mark.line + 1
    kind = _KINDS.get(str(node.tag))
    if isinstance(node, yaml.ScalarNode) and kind not in (None, "list", "mapping"):
        return Written(kind, node.value, quoted=node.style is not None, line=line)
    if isinstance(node, yaml.SequenceNode) and kind == "list":
        return Written(kind, line=line, items=tuple(_written(item) for item in node.value))
    if isinstance(node, yaml.MappingNode) and kind == "mapping":
        pairs = tuple((_written(key), _written(value)) for key, value in node.value)
        return Written(kind, line=line, entries=pairs)
    raise Unusable("tags (!name) are not supported", line)


def one_line(text: str) -> str:
    """Keep a text from a file on one short line."""
    shown = "".join(character if character.isprintable() else " " for character in text[:80])
    return " ".join(shown.split())
