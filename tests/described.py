"""Answers held to the description of the API: every one that a test of the API gets is looked at."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import jsonschema_rs
from aiohttp import web

from hived.api import routes
from hived.api.http import openapi


@cache
def document() -> dict[str, Any]:
    """Return the description as it goes out."""
    made: dict[str, Any] = json.loads(json.dumps(openapi.document(routes.TABLE, routes.area)))
    return made


@cache
def closed() -> dict[str, Any]:
    """Return the schemas as they are today: a member that is not described is wrong."""
    schemas = document()["components"]["schemas"]
    return {
        name: {"additionalProperties": False, **told} if told.get("type") == "object" and "properties" in told else told
        for name, told in schemas.items()
    }


@cache
def validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    """Return what checks values against a schema of the description, given as JSON."""
    whole = {**json.loads(schema), "components": {"schemas": closed()}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def wrong(schema: dict[str, Any], value: Any) -> str | None:
    """Return what is wrong with a value, None for nothing."""
    for error in validator(json.dumps(schema, sort_keys=True)).iter_errors(value):
        return f"{'.'.join(map(str, error.instance_path))}: {error.message}"[:500]
    return None


def complaint(method: str, path: str, status: int, body: bytes, encoding: str | None = None) -> str | None:
    """Return how an answer is not what the description says of a path of the table, None when it is."""
    told = document()["paths"].get(openapi.plain(path), {}).get(method.lower())
    if told is None or status in (405, 500):  # a bug of ours is looked at by the tests themselves
        return None
    found = told["responses"].get(str(status))
    if found is None:
        return f"{method} {path}: {status} is not described: {body[:200]!r}"
    if "$ref" in found:
        found = document()["components"]["responses"][found["$ref"].rpartition("/")[2]]
    content = found.get("content", {}).get("application/json")
    if content is None:
        return f"{method} {path}: {status} has a body" if body and "content" not in found else None
    text = gzip.decompress(body) if encoding == "gzip" else body
    why = wrong(content["schema"], json.loads(text))
    return why and f"{method} {path}: {status}: {why}"


async def hold(request: web.Request, response: web.StreamResponse) -> None:
    """Make a wrong answer of one that is not as it is described."""
    resource = request.match_info.route.resource
    if not isinstance(response, web.Response) or resource is None or request.method == "HEAD":
        return
    body, encoding = response.body, response.headers.get("Content-Encoding")
    path = next((path for _, path, handler, _ in routes.TABLE if handler is request.match_info.handler), "")
    said = complaint(request.method, path, response.status, bytes(body or b""), encoding)  # type: ignore[arg-type]
    if said is not None:
        raise AssertionError(said)
