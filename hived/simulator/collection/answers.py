"""How the simulated museum puts an answer: JSON, XML, pages, validators and 304."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from importlib import resources
from typing import Any

from aiohttp import web

from hived.simulator.collection.objects import Catalogue, mix

Json = dict[str, Any]

WORTH_PACKING = 1024
"""Bytes from which a page is sent compressed to clients that accept gzip."""

_CAPTURES = resources.files("hived.simulator.collection") / "captures"


def capture(name: str) -> bytes:
    """Return a recorded reply. Call at import: opening files later would block the event loop."""
    return _CAPTURES.joinpath(name).read_bytes()


def json_reply(document: Any, *, status: int = 200) -> web.Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def xml_reply(text: str) -> web.Response:
    return web.Response(body=text.encode(), content_type="text/xml", charset="utf-8")


def html_reply(text: str, *, status: int = 200) -> web.Response:
    return web.Response(body=text.encode(), status=status, content_type="text/html", charset="utf-8")


def packed(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Compress a long body for a client that takes gzip."""
    body = response.body
    takes = "gzip" in request.headers.get("Accept-Encoding", "")
    if takes and isinstance(body, bytes) and len(body) >= WORTH_PACKING and "Content-Encoding" not in response.headers:
        response.body = gzipped(body)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


def gzipped(body: bytes) -> bytes:
    """Compress with no time stamp inside: equal input gives equal bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(body) + packer.flush()


def http_date(at: float) -> str:
    return formatdate(at, usegmt=True)


def object_tag(catalogue: Catalogue, object_id: int, face: str) -> str:
    """Return the ETag of one object as one API shows it; weak for pages, as real servers that compress give them."""
    version = mix(catalogue.seed, object_id, catalogue.version_of(object_id), zlib.crc32(face.encode()))
    tag = f'"{version:016x}"'
    return f"W/{tag}" if face == "page" else tag


def list_tag(catalogue: Catalogue, name: str) -> str:
    """Return the ETag of a list: it changes when any object does."""
    return f'"{mix(catalogue.seed, catalogue.count, catalogue.generation, zlib.crc32(name.encode())):016x}"'


def conditional(
    request: web.BaseRequest, etag: str, changed_at: float | None, build: Callable[[], web.Response]
) -> web.Response:
    """Answer 304 to a client that holds this version already, else what `build` makes, with its validators.

    `changed_at` None: there is no Last-Modified, and If-Modified-Since is not looked at.
    """
    held = request.headers.get("If-None-Match")
    if held is not None:
        same = held.strip() == "*" or etag.removeprefix("W/") in [
            tag.strip().removeprefix("W/") for tag in held.split(",")
        ]
    else:
        same = _not_later(changed_at, request.headers.get("If-Modified-Since"))
    response = web.Response(status=304) if same else build()
    if response.status in (200, 304):
        response.headers["ETag"] = etag
        if changed_at is not None:
            response.headers["Last-Modified"] = http_date(changed_at)
    return response


def _not_later(changed_at: float | None, since: str | None) -> bool:
    if since is None or changed_at is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(int(changed_at), UTC) <= moment


def whole_number(text: str | None, default: int, *, least: int = 0, most: int = 10_000_000) -> int | None:
    """Return a query's number within its bounds, the default when it is absent, None when it is nonsense."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    number = int(text)
    return number if least <= number <= most else None
