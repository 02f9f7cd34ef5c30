"""One HTTP request as the miner's handlers see it, and the few kinds of answers they give."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from hived.simulator.miners import replies
from hived.simulator.miners.captures import Json
from hived.simulator.miners.miner import SimulatedMiner

Headers = Any
"""Multidict of the request's headers: names match in any case."""


class BadRequest(Exception):
    """A request that is answered with a status and {"err": ...}."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the handlers see it."""

    miner: SimulatedMiner
    headers: Headers
    body: bytes

    @property
    def authorised(self) -> bool:
        return self.miner.access.admits(self.headers, self.miner.now())

    def json(self) -> Any:
        """Return the decoded body. Raises BadRequest."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as err:
            raise BadRequest(500, f"Failed to parse body: {err}") from err

    def json_object(self) -> Json:
        document = self.json()
        if not isinstance(document, dict):
            raise BadRequest(500, "Failed to parse body: expected an object")
        return document

    def text(self, name: str) -> str:
        """Return one text field of the body. Raises BadRequest."""
        value = self.json_object().get(name)
        if not isinstance(value, str):
            raise BadRequest(500, f"Failed to parse body: missing field `{name}`")
        return value


Handler = Callable[[Call], web.Response]


@dataclass(frozen=True, slots=True)
class Route:
    handler: Handler
    locked: bool = False
    """Needs a token or a key."""
    only: str | None = None
    """"1.2" or "1.3": firmware that has it. None: both."""


def reply(document: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=replies.encode(document), status=status, content_type="application/json")


def raw(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def empty(status: int = 200) -> web.Response:
    """Return a reply of really zero bytes, as most POSTs of this firmware have."""
    return web.Response(status=status)


def cached(name: str, build: Callable[[SimulatedMiner], Any]) -> Route:
    """Make a route of a document that is the same for every caller."""

    def handler(call: Call) -> web.Response:
        miner = call.miner
        return raw(miner.cached(name, lambda: replies.encode(build(miner))))

    return Route(handler)
