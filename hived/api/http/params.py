"""What a client asked for, checked before use: path parts, query values, JSON bodies. All refusals are BadRequest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from hived.api.http import body
from hived.errors import BadRequest, NotFound
from hived.records.net import as_mac
from hived.records.times import from_text

MAX_LIMIT = 1000
MAX_BODY_BYTES = 64 * 1024  # the largest body we understand is a list of 64 networks
BODY_S = 10.0  # for the whole body: 64 KiB take a slow phone a second

MAX_NODE_ID = 64

_WHOLE = re.compile(r"[0-9]{1,16}")

Check = Callable[[Any], Any]
"""Returns the value to go on with, or raises BadRequest that says what was expected."""


def mac(request: web.Request) -> str:
    """Return the miner's MAC of the path, lower case with colons; NotFound for what is no MAC."""
    text = request.match_info["mac"]
    if (mac := as_mac(text)) is None:
        raise NotFound(f"there is no miner {text[:40]!r}: expected a MAC address such as 02:0e:7e:00:00:01")
    return mac


def queries(request: web.Request, *known: str) -> Mapping[str, str]:
    """Return the query's values; BadRequest for one given twice. Unknown ones are left to others (cache busters)."""
    for name in known:
        if len(request.query.getall(name, [])) > 1:
            raise BadRequest(f"{name}: given more than once")
    return request.query


def limit(request: web.Request, default: int) -> int:
    """Return how many rows were asked for: 1 to MAX_LIMIT, anything else is refused rather than cut in silence."""
    text = queries(request, "limit").get("limit")
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadRequest(f"limit: expected a whole number from 1 to {MAX_LIMIT}, got {text[:40]!r}")
    return int(text)


def node(request: web.Request) -> str | None:
    """Return the node whose things are asked for; None: those of all."""
    text = queries(request, "node").get("node")
    return None if text is None else node_id("node", text)


def count(request: web.Request, name: str) -> int | None:
    """Return the whole number that a query gives under a name, None for none."""
    text = queries(request, name).get(name)
    return None if text is None else whole(name, text)


def number(request: web.Request, what: str) -> int:
    """Return the number of the path; NotFound for what is none, such as "there is no artifact 'x'"."""
    text = request.match_info["id"]
    try:
        return whole("id", text)
    except BadRequest:
        raise NotFound(f"there is no {what} {text[:40]!r}") from None


def time(name: str, text: Any) -> float:
    """Return the UTC epoch seconds of an RFC 3339 text."""
    try:
        return from_text(text)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: expected a time such as 2026-01-31T12:00:00Z, got {str(text)[:40]!r}") from None


def whole(name: str, text: str) -> int:
    """Return a whole number from 0 that JavaScript can hold."""
    if not _WHOLE.fullmatch(text) or int(text) > 2**53:
        raise BadRequest(f"{name}: expected a whole number, got {text[:40]!r}")
    return int(text)


def text(name: str, most: int = 4096) -> Check:
    """Return the check of a text of at most so many characters."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise BadRequest(f"{name}: expected a text of at most {most} characters")
        return value

    return check


def node_id(name: str, value: Any) -> str:
    """Return the id of a node."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NODE_ID:
        raise BadRequest(f"{name}: expected the id of a node")
    return value


async def document(request: web.Request, most: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """Return the JSON object in the body, of at most so many bytes; an empty body is an empty object.

    BadRequest for halves of surrogate pairs too: no database takes them. What nodes send may hold some, and is cleaned.
    """
    members = parsed(await body.read(request, most, BODY_S))
    try:
        json.dumps(members, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest("the body has half of a surrogate pair (\\ud800 to \\udfff), which is no character") from None
    return members


async def fields(
    request: web.Request, checks: Mapping[str, Check], *, needed: Sequence[str] = (), others: bool = False
) -> dict[str, Any]:
    """Return the members of the JSON object in the body, each checked.

    `needed` are those that must be there. `others`: unknown members are left out in place of being refused.
    """
    members = await document(request)
    unknown = sorted(set(members) - set(checks))
    if unknown and not others:
        raise BadRequest(f"{unknown[0][:40]!r}: unknown field, known are {', '.join(sorted(checks))}")
    if missing := [name for name in needed if name not in members]:
        raise BadRequest(f"{missing[0]} is missing")
    return {name: checks[name](value) for name, value in members.items() if name in checks}


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is, an empty one for none; BadRequest for anything else."""
    if not body.strip():
        return {}
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_number)
    except (UnicodeDecodeError, RecursionError):
        raise BadRequest("the body is not JSON in UTF-8") from None
    except json.JSONDecodeError as err:
        raise BadRequest(f"the body is not JSON: {err.msg} at line {err.lineno} column {err.colno}") from None
    except ValueError:  # an integer of thousands of digits
        raise BadRequest("the body is not JSON that can be read: a number is too long") from None
    if not isinstance(document, dict):
        raise BadRequest("the body must be a JSON object")
    return document


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest(f"{name[:40]!r}: given more than once")
        found[name] = value
    return found


def _no_number(text: str) -> Any:
    raise BadRequest(f"the body is not JSON: {text} is not a number of JSON")
