"""The description of the API (OpenAPI 3.1), made of the table of routes and what each handler says of itself.

It is made when somebody asks for it, and not before.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from hived import __version__
from hived.api.http import examples, responses
from hived.api.http.access import INGEST, INHERITED, METRICS, NODE, PUBLIC, VIEWER, Who
from hived.api.http.answers import JSON, SAID, UNCHANGED, Answers, answers
from hived.api.http.responses import Page
from hived.api.http.schemas import Schemas
from hived.documents.shape import Mac, Word
from hived.documents.shared import Json
from hived.errors import PROBLEMS

ABOUT = """\
What hived's dashboard and `hivectl` are made of, for other programs. Everything that is read is answered to HEAD, too,
and large answers come packed (gzip) to whoever takes that. Times are UTC, units are in the names (TH/s, W, °C, J/TH),
unknown is `null` and never 0.
An answer may get members that are not described here; a member that is described stays.
A route that is about to go says so in a header `Deprecation` (RFC 9745), with a link to the one that takes its place.
"""
TAGS = {
    "miners": "Miners, models, pools, the fleet and what it gave.",
    "steer": "Orders to miners, and plans of them.",
    "site": "What happened, what the daemons do, other devices.",
    "nodes": "Boxes that report to this one: for people, and for the boxes.",
    "collecting": "The auto-miner, its sources and artifacts.",
    "access": "Sessions, users, tokens, and who changed what.",
    "alerts": "What people are told of, by which rules, and how it comes to them.",
    "metrics": "For Prometheus.",
    "open": "What needs no login, and the files of the page.",
}
_IN_PATH = {"mac": Mac, "alias": Word, "name": Word}
_HEAD = re.compile(r"[A-Z]+ /\S*( \{.*?\}|[\w ']*)?: ", re.DOTALL)
"""What the docstring of a handler begins with: method, path and what it takes."""
_ERRORS = {
    400: ("BadRequest", "Something in it is not what was expected; the text says what was."),
    401: ("WhoAreYou", "Nobody who is known: log in, or send a token."),
    403: ("NotYou", "Whoever asks may not do this, or asks under a name that is not this box's."),
    404: ("NotThere", "There is no such thing."),
    408: ("TooSlow", "The body took too long."),
    409: ("Conflict", "It does not go together with what is there."),
    413: ("TooLarge", "The body is larger than is taken."),
    415: ("NotJson", "The body is not JSON, or is packed in an unknown way."),
    422: ("NotUnderstood", "The body is JSON and does not say what it should."),
    429: ("TooMany", "Too many requests of whoever asks; `Retry-After` says when to come back."),
    503: ("Busy", "It cannot be answered at this moment; `Retry-After` says when to come back."),
}
_GOOD = {
    200: "As asked.",
    201: "It is made.",
    202: "It is taken, and will be done.",
    204: "It is done.",
    304: "It is as you have it: `If-None-Match` is its `ETag`.",
}
_BODY = (400, 408, 413, 415)
_ALWAYS = (403, 429, 503)
_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}

Row = tuple[str, str, Handler, Who]
TABLE: web.AppKey[tuple[Sequence[Row], Callable[[str], str | None]]] = web.AppKey("table")
"""The routes, and to what area a path belongs."""
MADE: web.AppKey[list[Page]] = web.AppKey("openapi")


def prepare(app: web.Application, table: Sequence[Row], area: Callable[[str], str | None]) -> None:
    """Have an application describe a table. ValueError for a handler that says nothing of itself."""
    for method, path, handler, _ in table:
        if handler not in SAID:
            raise ValueError(f"{method} {path}: its handler has to say what it answers, by `answers`")
    app[TABLE] = table, area
    app[MADE] = []


@answers(dict[str, Any], also=UNCHANGED)
async def openapi(request: web.Request) -> web.StreamResponse:
    """GET /api/openapi.json: this description."""
    made = request.app[MADE]
    if not made:
        body = responses.encode(document(*request.app[TABLE]))
        made[:] = [Page(body, hashlib.sha256(body).hexdigest()[:32])]
    return await responses.send(request, made[0])


def document(table: Sequence[Row], area: Callable[[str], str | None]) -> Json:
    """Return the description of a table of routes."""
    schemas, shown = Schemas(), examples.load()
    paths: dict[str, Json] = {}
    for method, path, handler, who in table:
        told = _operation(schemas, method, path, handler, who, area(path))
        examples.add(told, shown.get(f"{method} {path}"))
        paths.setdefault(plain(path), {})[method.lower()] = told
    schemas.named |= {"Error": _error(), "ProblemCode": _codes()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hived", "version": __version__, "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This box."}],
        "tags": [{"name": name, "description": TAGS.get(name, f"{name.capitalize()}.")} for name in _tags(paths)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.named.items())),
            "responses": {name: _refusal(status, words) for status, (name, words) in _ERRORS.items()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token that an admin made."},
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "hived-8080",
                    "description": "The cookie of POST /api/v1/session; its name ends in the port of the box, and"
                    " begins with __Host- over TLS.",
                },
                "node": {"type": "http", "scheme": "bearer", "description": "A node's key."},
            },
        },
    }  # fmt: skip


def _tags(paths: Mapping[str, Json]) -> list[str]:
    used = {tag for methods in paths.values() for told in methods.values() for tag in told["tags"]}
    return sorted(used, key=[*TAGS, *sorted(used)].index)


def plain(path: str) -> str:
    """Return a path of the table without the patterns of its parts."""
    return re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path)


def _operation(schemas: Schemas, method: str, path: str, handler: Handler, who: Who, area: str | None) -> Json:
    said = SAID[handler]
    summary, about = _words(handler)
    parameters = [*_path(schemas, path, said), *_query(schemas, said), *_headers(schemas, said)]
    body = {"requestBody": _body(schemas, said.body)} if said.body is not None else {}
    module = handler.__module__.rpartition(".")[2]
    return {
        "operationId": f"{module}_{handler.__name__}", "tags": [area or "open"], "summary": summary,
        "description": f"{about}{_who(who)}".strip(), "security": _security(who),
        **({"parameters": parameters} if parameters else {}), **body,
        **({"deprecated": True} if said.deprecated else {}),
        "responses": _responses(schemas, method, path, who, said),
    }  # fmt: skip


def _words(handler: Handler) -> tuple[str, str]:
    """Return the sentence and the rest of a handler's docstring, without the path that it begins with."""
    text = _HEAD.sub("", inspect.cleandoc(handler.__doc__ or ""), count=1)
    first, _, rest = text.partition("\n\n")
    first = re.sub(r"[*`]", "", " ".join(first.split()))
    return first[:1].upper() + first[1:], f"{rest}\n\n" if rest else ""


def _who(who: Who) -> str:
    if who is PUBLIC:
        return "For everybody."
    told = {
        NODE: "For nodes.",
        INGEST: "For nodes and collectors.",
        METRICS: "For the role viewer and above, and the networks of `http.metrics_from`.",
    }
    return told.get(who, f"For the role {who.value} and above.")


def _security(who: Who) -> list[Json]:
    if who is PUBLIC:
        return []
    if who in (NODE, INGEST):
        return [{"node": []}]
    role = VIEWER if who is METRICS else who
    return [{"token": [role.value]}, {"session": [role.value]}]


def _path(schemas: Schemas, path: str, said: Answers) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(_IN_PATH.get(name, said.id))}
        for name in re.findall(r"\{(\w+)", path)
    ]


def _query(schemas: Schemas, said: Answers) -> list[Json]:
    return [{"name": name, "in": "query", "schema": schemas.of(kind)} for name, kind in said.query.items()]


def _headers(schemas: Schemas, said: Answers) -> list[Json]:
    return [{"name": name, "in": "header", "schema": schemas.of(kind)} for name, kind in said.headers.items()]


def _body(schemas: Schemas, kind: Any) -> Json:
    schema = schemas.of(kind)
    named = schemas.named[schema["$ref"].rpartition("/")[2]]
    needed = bool(named.get("required") or named.get("minProperties"))
    return {"required": needed, "content": {JSON: {"schema": schema}}}


def _responses(schemas: Schemas, method: str, path: str, who: Who, said: Answers) -> Json:
    good = {said.status: said.answer, **said.also}
    found = {str(status): _good(schemas, status, kind, said) for status, kind in good.items()}
    in_path = (404,) if "{" in path else ()
    given = (400,) if said.query or said.headers or in_path else ()
    known = () if who is PUBLIC else (401,)
    body = _BODY if method != "GET" else ()
    for status in sorted({*_ALWAYS, *known, *given, *in_path, *body, *said.refuses}):
        found[str(status)] = {"$ref": f"#/components/responses/{_ERRORS[status][0]}"}
    return found


def _good(schemas: Schemas, status: int, kind: Any, said: Answers) -> Json:
    head: Json = {"description": _GOOD[status]}
    if said.deprecated is not None:
        head["headers"] = {
            "Deprecation": {"description": "Since when (RFC 9745).", "schema": {"type": "string"}},
            "Link": {"description": "What takes its place.", "schema": {"type": "string"}},
        }
    return head if kind is None else {**head, "content": {said.media: _content(schemas, kind)}}


def _content(schemas: Schemas, kind: Any) -> Json:
    if isinstance(kind, Mapping):  # events by their names
        return {"schema": {"oneOf": [_event(name, schemas.of(one)) for name, one in kind.items()]}}
    return {"schema": schemas.of(kind)}


def _event(name: str, data: Json) -> Json:
    text = {"type": "string", "contentMediaType": JSON, "contentSchema": data}
    properties = {"event": {"const": name}, "data": text, "id": {"type": "string"}}
    return {"type": "object", "title": name, "required": ["event", "data"], "properties": properties}


def _refusal(status: int, words: str) -> Json:
    head = {"headers": _AFTER} if status in (429, 503) else {}
    return {"description": words, **head, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _error() -> Json:
    detail = f"The same as `error`, on the paths of the predecessor: /{', /'.join(sorted(INHERITED))}."
    return {
        "type": "object", "description": "What went wrong.", "required": ["error"],
        "properties": {
            "error": {"type": "string", "description": "For people."},
            "code": {"$ref": "#/components/schemas/ProblemCode"},
            "detail": {"type": "string", "description": detail},
            "limits": {"type": "object", "description": "Of a body that was too large."},
        },
    }  # fmt: skip


def _codes() -> Json:
    words = "\n".join(f"- `{one.code}`: {one.words}" for one in PROBLEMS.values())
    about = f"What a program may tell apart. The same codes stand beside errors of miners and nodes:\n\n{words}"
    return {"type": "string", "enum": list(PROBLEMS), "description": about}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Say of a route that is about to go that it is, and what takes its place."""
    said = SAID.get(request.match_info.handler)
    if said is not None and said.deprecated is not None:
        response.headers["Deprecation"] = f"@{said.deprecated.since}"
        response.headers["Link"] = f'<{said.deprecated.instead}>; rel="successor-version"'
