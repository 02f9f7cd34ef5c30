"""Types of Python as JSON Schema: those that documents are made of, and no others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from hived.documents import asked
from hived.documents.miner_shapes import MeasuredDocument
from hived.documents.shape import MORE, Shape
from hived.documents.shared import Json
from hived.records import measures

_PLAIN: Mapping[Any, Json] = {
    str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"},
    NoneType: {"type": "null"}, None: {"type": "null"}, Any: {}, dict: {"type": "object"},
}  # fmt: skip
_MEASURED = [one.outside for one in (*measures.MINER, *measures.BOARD)]
_TIMES = ("at", "since", "until")


class Schemas:
    """Schemas by name, for the components of a description; `of` returns a reference to what has a name."""

    def __init__(self) -> None:
        self.named: dict[str, Json] = {}
        self._types: dict[str, Any] = {}

    def of(self, kind: Any) -> Json:
        """Return the schema of a type. TypeError for one that no document is made of."""
        origin, args = get_origin(kind), get_args(kind)
        if is_typeddict(kind):
            return self._named(kind)
        if origin is Annotated:
            return self._shaped(args)
        if origin in (Required, NotRequired):
            return self.of(args[0])
        if origin in (Union, UnionType):
            return self._either(args)
        if origin is Literal:
            return {"type": "string", "enum": list(args)}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            of = self.of(args[1])
            return {"type": "object", **({"additionalProperties": of} if of else {})}
        if isinstance(origin, type) and issubclass(origin, Sequence):
            return {"type": "array", "items": self.of(args[0])}
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        raise TypeError(f"no document is made of {kind}")

    def _shaped(self, args: tuple[Any, ...]) -> Json:
        words = {name: value for one in args[1:] if isinstance(one, Shape) for name, value in one.words.items()}
        return {**self.of(args[0]), **words}

    def _either(self, kinds: tuple[Any, ...]) -> Json:
        found = [self.of(kind) for kind in kinds]
        if len(found) == 2 and found[1] == {"type": "null"} and isinstance(found[0].get("type"), str):
            enum = {"enum": [*found[0]["enum"], None]} if "enum" in found[0] else {}
            return {**found[0], "type": [found[0]["type"], "null"], **enum}
        return {} if {} in found else {"anyOf": found}

    def _named(self, kind: Any) -> Json:
        name = kind.__name__.removesuffix("Document")
        if name not in self.named:
            self._types[name] = kind
            self.named[name] = {}  # one that holds itself
            self.named[name] = self._object(kind)
        elif self._types[name] is not kind:
            raise TypeError(f"two documents are called {name}")
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: Any) -> Json:
        hints = get_type_hints(kind, include_extras=True)
        if MeasuredDocument.__optional_keys__ <= hints.keys():
            hints |= {
                one.outside: float | None for one in (*measures.MINER, *measures.BOARD) if one.outside not in hints
            }
        may_lack = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
        must = {name for name, hint in hints.items() if get_origin(hint) is Required}
        needed = [name for name in hints if name in (kind.__required_keys__ - may_lack) | must]
        about = inspect.cleandoc(kind.__doc__ or "")
        return {
            "type": "object", **({"description": about} if about else {}),
            "properties": {name: self._member(name, hint) for name, hint in hints.items()},
            **({"required": needed} if needed else {}),
            **({"minProperties": 1} if kind in asked.CHANGES else {}),
            **({"additionalProperties": self.of(MORE[kind]) or True} if kind in MORE else {}),
            **({"additionalProperties": False} if kind.__module__ == asked.__name__ else {}),
        }  # fmt: skip

    def _member(self, name: str, hint: Any) -> Json:
        told = self.of(hint)
        is_time = name.endswith("_at") or name in _TIMES
        if is_time and told.get("type") in ("string", ["string", "null"]):
            told = {**told, "format": "date-time"}
        return told
