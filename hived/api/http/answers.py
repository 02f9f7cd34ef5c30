"""What a handler says of itself for the description of the API: what it takes and answers.

Its docstring is the rest of it; `http.openapi` puts both together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from aiohttp.typedefs import Handler

from hived.api.http.params import MAX_LIMIT
from hived.documents.shape import AnyNode, Number, shape

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A route that somebody should not begin to use. `since`: epoch seconds, `instead`: a path of the table."""

    since: int
    instead: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What `answers` says; types are read when somebody asks for the description."""

    answer: Any
    """The type of the good answer, None without a body."""
    status: int = 200
    query: Mapping[str, Any] = field(default_factory=dict)
    """The type of each parameter; none has to be given."""
    body: Any = None
    also: Mapping[int, Any] = field(default_factory=dict)
    """Other good answers."""
    refuses: tuple[int, ...] = ()
    """Statuses of errors that not every route has."""
    id: Any = Number
    """The type of `{id}` in the path."""
    media: str = JSON
    headers: Mapping[str, Any] = field(default_factory=dict)
    """The type of each header that it reads."""
    deprecated: Deprecated | None = None


SAID: dict[Handler, Answers] = {}
"""By handler."""


def answers(
    answer: Any,
    status: int = 200,
    *,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
    also: Mapping[int, Any] | None = None,
    refuses: tuple[int, ...] = (),
    id: Any = Number,  # noqa: A002 - it is called so in the path
    media: str = JSON,
    headers: Mapping[str, Any] | None = None,
    deprecated: Deprecated | None = None,
) -> Callable[[Handler], Handler]:
    """Keep what a handler takes and answers, as `Answers` has it; the handler stays as it is."""
    said = Answers(answer, status, query or {}, body, also or {}, refuses, id, media, headers or {}, deprecated)

    def keep(handler: Handler) -> Handler:
        SAID[handler] = said
        return handler

    return keep


def limit(default: int) -> Any:
    """Return the type of the most rows of a list."""
    return Annotated[int, shape(minimum=1, maximum=MAX_LIMIT, default=default, description="At most so many.")]


UNCHANGED = {304: None}
"""For what has an ETag."""
NODE = {"node": Annotated[AnyNode, shape(description="Only what this node told.")]}
BEFORE = {"before": Annotated[Number, shape(description="Only ids below: the last one of a page goes on from there.")]}
