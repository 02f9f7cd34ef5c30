"""The description of the API: all of the table is in it, it is valid, and it is true of what goes in and out."""

from __future__ import annotations

import json
import re
from typing import Any, is_typeddict

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from hived.api import routes
from hived.api.http import openapi
from hived.api.http.access import INGEST, METRICS, NODE, PUBLIC
from hived.documents import asked
from hived.errors import PROBLEMS
from hived.records import measures
from tests import described
from tests import nodes as fleet
from tests.api.farm import MAC, NOW, Api

SAMPLES = {"mac": MAC, "alias": "s19", "id": "1", "name": "anna"}
ROWS = {f"{row[0]} {openapi.plain(row[1])}": row for row in routes.TABLE}


def operations() -> dict[str, Any]:
    paths = described.document()["paths"]
    return {f"{method.upper()} {path}": told for path, methods in paths.items() for method, told in methods.items()}


def schema_of(reference: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = described.document()["components"]["schemas"][reference["$ref"].rpartition("/")[2]]
    return found


def test_every_route_of_the_table_is_described_and_nothing_else_is() -> None:
    assert operations().keys() == ROWS.keys()


def test_the_description_is_one_of_openapi_3_1() -> None:
    assert list(OpenAPIV31SpecValidator(described.document()).iter_errors()) == []
    ids = [told["operationId"] for told in operations().values()]
    assert len(set(ids)) == len(ids)


def test_every_route_says_what_it_is_for_and_who_may_call_it() -> None:
    tags = {tag["name"] for tag in described.document()["tags"]}
    for name, told in operations().items():
        who = ROWS[name][3]
        assert len(told["summary"]) > 5, name
        assert set(told["tags"]) <= tags
        if who is PUBLIC:
            assert (told["security"], "401" in told["responses"]) == ([], name == "POST /api/v1/session"), name
        elif who in (NODE, INGEST):
            assert told["security"] == [{"node": []}]
        else:
            role = "viewer" if who is METRICS else who.value
            assert told["security"] == [{"token": [role]}, {"session": [role]}]


def test_every_code_of_an_error_is_described() -> None:
    codes = described.document()["components"]["schemas"]["ProblemCode"]
    assert codes["enum"] == list(PROBLEMS)
    assert all(f"`{one.code}`: {one.words}" in codes["description"] for one in PROBLEMS.values())


def test_every_measure_has_its_place_in_a_status_and_a_board() -> None:
    schemas = described.document()["components"]["schemas"]
    assert {one.outside for one in measures.MINER} <= schemas["Status"]["properties"].keys()
    assert {one.outside for one in measures.BOARD} <= schemas["Chain"]["properties"].keys()


def test_times_are_times_and_bodies_of_people_are_closed() -> None:
    schemas = described.document()["components"]["schemas"]
    assert schemas["Event"]["properties"]["at"] == {"type": ["string", "null"], "format": "date-time"}
    change = described.document()["paths"]["/api/v1/users/{name}"]["patch"]["requestBody"]
    assert change["required"], "nothing to change is no change"
    closed = {name for name, told in schemas.items() if told.get("additionalProperties") is False}
    assert closed == {name for name, kind in vars(asked).items() if is_typeddict(kind) and name in schemas}


async def test_it_is_made_when_somebody_asks_and_needs_no_login(api: Api, nobody: Api) -> None:
    made = api.app[openapi.MADE]
    assert made == []
    async with nobody.http.get("/api/openapi.json") as reply:
        assert (reply.status, reply.content_type) == (200, "application/json")
        assert json.loads(await reply.read()) == described.document()
        tag = reply.headers["ETag"]
    assert len(made) == 1
    async with nobody.http.get("/api/openapi.json", headers={"If-None-Match": tag}) as reply:
        assert reply.status == 304


def test_a_handler_that_says_nothing_of_itself_is_refused_at_the_start() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response()

    with pytest.raises(ValueError, match="GET /x: its handler has to say what it answers"):
        openapi.prepare(web.Application(), [("GET", "/x", handler, PUBLIC)], routes.area)


@pytest.mark.sqlite_only("a parser does not ask the database")
@pytest.mark.parametrize(
    "name",
    [name for name, told in operations().items() if "requestBody" in told and ROWS[name][3] not in (NODE, INGEST)],
)
async def test_a_body_has_the_members_that_its_parser_knows(name: str, api: Api, nobody: Api) -> None:
    """The parser names what it knows when it refuses what it does not."""
    told = operations()[name]
    known = schema_of(told["requestBody"]["content"]["application/json"]["schema"])["properties"]
    method, _, path = name.partition(" ")
    path = re.sub(r"\{(\w+)\}", lambda part: SAMPLES[part[1]], path)
    by = nobody if ROWS[name][3] is PUBLIC else api
    status, answer = await by.ask(method, path, {"no such member": 1})
    if name in ("POST /api/v1/join", "POST /sources"):  # what they do not know is left out
        return
    assert status in (400, 403), answer
    if status == 403:  # a token has no password to change
        assert name == "POST /api/v1/session/password"
        return
    names = set(
        re.findall(
            r"\w+", re.sub(r"'no such member'|unknown field|known are|expected|is none of them", "", answer["error"])
        )
    )
    assert names == known.keys(), answer


async def test_what_is_about_to_go_says_so_and_what_takes_its_place(api: Api) -> None:
    key = await api.store.write(fleet.let_in, "n1", NOW)
    told = operations()["POST /master/ingest"]
    assert told["deprecated"]
    async with api.browser(None) as node:
        proof = {"Authorization": f"Bearer {key.text}", "Content-Type": "application/json"}
        body = json.dumps({"url": "https://example.org/1", "content": "a vase", "node_id": "n1"})
        async with node.http.post("/master/ingest", data=body, headers=proof) as reply:
            assert reply.status == 200
            assert reply.headers["Deprecation"] == "@1796083200"
            assert reply.headers["Link"] == '</api/v1/ingest>; rel="successor-version"'
    async with api.http.get("/api/v1/hello") as reply:
        assert "Deprecation" not in reply.headers
