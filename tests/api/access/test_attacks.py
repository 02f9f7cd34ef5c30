"""Attacks from outside, walked over the table of routes: what is added to it later is tried by these tests, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web

from hived.api import routes
from hived.api.http import access, static
from hived.api.http.access import ADMIN, INGEST, METRICS, NODE, OPERATOR, PUBLIC, VIEWER, Who
from hived.api.stream import Pace
from hived.records.access import AREAS, ROLES, STEER, ApiSecret, Role, new_token
from hived.records.joining import NodeKey, new_key
from hived.store import Database, Store
from hived.store.access import node_keys, sessions, tokens
from hived.store.schema import Node
from hived.store.schema import NodeKey as KeyRow
from tests import access as letting
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.api.http.listener import listen
from tests.api.http.test_origin_guard import raw
from tests.clock import FakeClock

DAY = 86_400.0
SAMPLES = {"mac": MAC, "alias": "s19", "id": "1", "name": "nobody"}
REFUSED = re.compile(r"only (a|an) .* may do this|only a node may do this|this token is for|this key may")
TABLE = [*routes.TABLE, *routes.pages(static.load(static.DASHBOARD))]
DATA = [row for row in TABLE if row[3] is not PUBLIC]


def path_of(path: str) -> str:
    """Fill the variables of a path."""
    return re.sub(r"\{(\w+)(:[^}]*)?\}", lambda found: SAMPLES[found[1]], path)


def walk(rows: list[routes.Row]) -> Iterator[tuple[str, str, Who, str]]:
    """Yield method, path to ask, who may, and the path of the table; HEAD wherever GET is."""
    for method, path, _, who in rows:
        for one in ("GET", "HEAD") if method == "GET" else (method,):
            yield one, path_of(path), who, path


async def ask(api: Api, method: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Return code, error and headers. Nothing is sent along; a reply that lasts is left after its head."""
    async with api.http.request(method, path, headers=headers) as reply:
        text = ""
        if reply.content_type == "application/json" and reply.status >= 400 and method != "HEAD":
            text = (await reply.json())["error"]
        return reply.status, text, dict(reply.headers)


def bearer(secret: ApiSecret | NodeKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret.text}"}


def make_token(db: Database, /, name: str, role: Role = "admin", **more: Any) -> ApiSecret:
    made = new_token()
    tokens.add(db, made, name=name, role=role, created_by="tests", at=NOW - 10, **more)
    return made


def make_node(
    db: Database, /, node_id: str, scope: str = "node", *, status: str = "approved", key: str = "active"
) -> NodeKey:
    made = new_key()
    Node.insert(id=node_id, name=node_id, status=status).on_conflict_ignore().execute(db)
    KeyRow.insert(
        id=made.id, node=node_id, secret_hash=made.secret_hash, status=key, scope=scope, created_at=NOW
    ).execute(db)
    return made


def test_the_table_leaves_nothing_open_by_mistake() -> None:
    public = {(method, path) for method, path, _, who in TABLE if who is PUBLIC}
    documents = {path for method, path in public if not path.startswith(("/api/", "/static/", "/healthz"))}
    assert public - {("GET", path) for path in documents} == {
        ("GET", "/healthz"), ("GET", "/static/{name:.+}"), ("GET", "/api/v1/hello"), ("GET", "/api/v1/limits"),
        ("GET", "/api/openapi.json"), ("GET", "/api/docs"),
        ("POST", "/api/v1/join"), ("GET", "/api/v1/session"), ("POST", "/api/v1/session"),
        ("DELETE", "/api/v1/session"), ("POST", "/api/v1/setup"), ("POST", "/api/v1/session/link"),
    }  # fmt: skip
    for method, path, handler, who in TABLE:
        assert handler.__module__.rpartition(".")[2] in ("static", "collecting") or path not in documents, path
        if method != "GET":
            assert who is not VIEWER or path == "/api/v1/session/password", (method, path)
        if who is not PUBLIC:
            assert routes.area(path) in AREAS, f"{path}: say in routes._AREAS which scope of a token it belongs to"


def test_a_row_that_does_not_say_who_may_is_refused_at_the_start() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response()

    for row in (("GET", "/x", handler), ("GET", "/x", handler, None), ("GET", "/x", handler, "admin")):
        with pytest.raises(ValueError, match="who may call it"):
            routes.add(web.Application(), (row,))  # type: ignore[arg-type]


async def test_a_route_that_came_past_the_table_is_refused(api: Api) -> None:
    key = ("GET", "/api/miners")
    rules = api.app[access.RULES]
    without = {where: who for where, who in rules.who.items() if where != key}
    object.__setattr__(rules, "who", without)
    code, error, _ = await ask(api, *key)
    assert (code, "does not say" in error) == (403, True)


async def test_without_any_proof_every_route_is_401(nobody: Api) -> None:
    for method, path, _, _ in walk(DATA):
        code, error, headers = await ask(nobody, method, path)
        assert (code, headers.get("WWW-Authenticate")) == (401, "Bearer"), (method, path)
        assert method == "HEAD" or "log in" in error, (method, path)
    for method, path in (("GET", "/api/x"), ("PUT", "/api/miners"), ("POST", "/artifacts"), ("GET", "/master/x")):
        assert (await ask(nobody, method, path))[0] == 401, path
    assert (await ask(nobody, "GET", "/nothing"))[0] == 404


async def test_a_proof_that_is_none_is_401_on_every_route(nobody: Api) -> None:
    def proofs(db: Database) -> dict[str, str]:
        good = make_token(db, "good")
        expired = make_token(db, "expired", expires_at=NOW)
        revoked = make_token(db, "revoked")
        tokens.revoke(db, "revoked", NOW)
        key = make_node(db, "n1")
        left = make_node(db, "n2", key="revoked")
        waiting = make_node(db, "n3", key="pending")
        shut = make_node(db, "n4", status="revoked")
        other = new_token()
        texts = {
            "expired": expired.text, "revoked": revoked.text, "unknown": other.text,
            "wrong secret": f"hived_{good.id}_{other.secret}", "the secret of another": f"hived_{good.id}_{key.secret}",
            "cut": good.text[:-1], "longer": good.text + "0", "upper case": good.text.upper(), "empty": "",
            "the hash": f"hived_{good.id}_{good.secret_hash}", "huge": "x" * 5000, "a key's revoked": left.text,
            "a key's pending": waiting.text, "a node's revoked": shut.text, "a key's wrong": key.text[:-64] + "0" * 64,
            "a key as token": good.text.replace("hived_", "hive_"), "SQL": "hived_' OR 1=1 --_x",
        }  # fmt: skip
        bearers = {name: f"Bearer {text}" for name, text in texts.items()}
        return bearers | {"basic": "Basic YWRtaW46YWRtaW4=", "no scheme": good.text, "no space": f"Bearer{good.text}"}

    told = set()
    for name, proof in (await nobody.store.write(proofs)).items():
        for method, path, _, _ in walk(DATA):
            code, error, headers = await ask(nobody, method, path, Authorization=proof)
            assert (code, headers.get("WWW-Authenticate")) == (401, "Bearer"), (name, method, path)
            told.add(error)
    assert told == {"", "this token is not valid"}, "which of these it was is not told"


async def test_two_proofs_are_none(api: Api) -> None:
    twice = letting.HEADER * 2
    answer = await raw(
        api.port, f"GET /api/miners HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{twice}\r\n".encode()
    )
    assert b" 401 " in answer.splitlines()[0]
    async with api.browser("admin") as browser:  # a good cookie does not heal a bad token
        assert (await ask(browser, "GET", "/api/miners", Authorization="Bearer x"))[0] == 401


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "x" * 4000, "../../etc/passwd", '"'])
async def test_a_cookie_that_is_none_is_401(nobody: Api, cookie: str) -> None:
    for method, path in (("GET", "/api/miners"), ("PATCH", path_of("/api/miners/{mac}")), ("GET", "/api/v1/users")):
        assert (await ask(nobody, method, path, Cookie=f"{nobody.cookie}={cookie}"))[0] == 401


RANK: dict[Who, int] = {VIEWER: 0, METRICS: 0, OPERATOR: 1, ADMIN: 2}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", ["token", "session"])
async def test_each_role_may_what_the_table_says_on_every_route(api: Api, role: Role, kind: str) -> None:
    if kind == "token":
        proof = bearer(await api.store.write(make_token, role, role))
    else:
        proof = {"Cookie": f"{api.cookie}={await api.store.write(letting.session, role, NOW)}"}
    async with api.browser(None) as client:
        for method, path, who, row in walk(DATA):
            code, error, _ = await ask(client, method, path, **proof)
            steers = routes.area(row) == STEER and who is OPERATOR
            if who in RANK and ROLES.index(role) >= RANK[who] and not (steers and kind == "token"):
                assert code != 401, (method, row)
                assert not REFUSED.search(error), (method, row, error)
            else:
                assert code == 403, (method, row)
                assert method == "HEAD" or REFUSED.search(error), (method, row, error)


@pytest.mark.parametrize("scope", ["node", "ingest"])
async def test_a_nodes_key_opens_what_is_for_nodes_and_nothing_else(api: Api, scope: str) -> None:
    proof = bearer(await api.store.write(make_node, "n1", scope))
    async with api.browser(None) as client:
        for method, path, who, row in walk(DATA):
            code, error, _ = await ask(client, method, path, **proof)
            if who is INGEST or (who is NODE and scope == "node"):
                assert code not in (401, 403) or not REFUSED.search(error), (method, row, error)
            else:
                assert code == 403, (method, row)
                assert method == "HEAD" or REFUSED.search(error), (method, row, error)


@pytest.mark.parametrize("area", AREAS)
async def test_a_token_with_a_scope_works_there_alone(api: Api, area: str) -> None:
    proof = bearer(await api.store.write(make_token, area, "admin", scopes=(area,)))
    async with api.browser(None) as client:
        for method, path, who, row in walk(DATA):
            if who not in RANK:
                continue
            code, error, _ = await ask(client, method, path, **proof)
            assert code != 401, (method, row)
            if method != "HEAD":
                refused = code == 403 and "this token is for" in error
                reads_orders = area == "miners" and routes.area(row) == STEER and method == "GET"
                assert refused == (routes.area(row) != area and not reads_orders), (method, row, error)


async def test_what_was_revoked_opens_nothing_in_another_process_either(
    made: Callable[[str], str], clock: FakeClock
) -> None:
    url = made("small")
    async with Store.open(url) as store, Store.open(url) as other, farm.serve(store, clock) as api:
        token, key = await api.store.write(make_token, "t"), await api.store.write(make_node, "n1")
        cookie = await api.store.write(letting.session, "viewer", NOW)
        async with farm.serve_again(other, clock) as second, second.browser(None) as client:
            proofs = (bearer(token), bearer(key), {"Cookie": f"{client.cookie}={cookie}"})
            codes = [(await ask(client, "GET", "/api/miners", **proof))[0] for proof in proofs]
            assert codes == [200, 403, 200]
            await api.store.write(tokens.revoke, "t", NOW)
            await api.store.write(lambda db: KeyRow.update(status="revoked").execute(db))
            await api.store.write(sessions.end_of, "viewer")
            codes = [(await ask(client, "GET", "/api/miners", **proof))[0] for proof in proofs]
            assert codes == [401, 401, 401]


async def test_a_stream_ends_when_its_reader_is_not_let_in_any_more(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock, pace=Pace(look_s=0.02, admit_s=0.05)) as api, listen(api.port) as heard:
        await heard.next("hello")
        await api.store.write(tokens.revoke, "tests", NOW)
        with pytest.raises(AssertionError, match="the stream ended"):
            await heard.next("nothing that is ever sent")


async def test_the_first_use_of_a_new_key_ends_the_older_ones_of_the_node(api: Api) -> None:
    def keys(db: Database) -> list[NodeKey]:
        found = [make_node(db, "n1"), make_node(db, "n1"), make_node(db, "n1", "ingest"), make_node(db, "n2")]
        for n, key in enumerate(found):
            KeyRow.update(created_at=NOW + n).where(KeyRow.id == key.id).execute(db)
        return found

    old, new, collector, stranger = await api.store.write(keys)
    async with api.browser(None) as client:

        async def code(key: NodeKey) -> int:
            return (await ask(client, "POST", "/api/v1/ingest", **bearer(key)))[0]

        for key in (old, collector, stranger):
            assert await code(key) != 401
        assert await code(old) != 401  # not before the new one was used
        assert await code(new) != 401
        assert [await code(key) == 401 for key in (old, new, collector, stranger)] == [True, False, False, False]
    found = await api.store.read(node_keys.find, new)
    assert found is not None
    assert found.used_at == NOW


async def test_the_last_use_of_a_token_is_known_to_a_minute(api: Api) -> None:
    token = await api.store.write(make_token, "t")

    async def used() -> float | None:
        found = await api.store.read(tokens.find, token, api.clock())
        assert found is not None
        return found.used_at

    async with api.browser(None) as client:
        for wait, known in ((0, NOW), (59, NOW), (1, NOW + 60), (30, NOW + 60)):
            api.clock.advance(wait)
            assert (await ask(client, "GET", "/api/miners", **bearer(token)))[0] == 200
            assert await used() == known


@pytest.mark.parametrize(
    "target",
    [
        "/static/../../../../../../etc/passwd", "/static/..%2f..%2f..%2f..%2fetc%2fpasswd", "/static//etc/passwd",
        "/static/%2e%2e/%2e%2e/app.py", "/static/....//....//etc/passwd", "/static/..\\..\\etc\\passwd",
        "/static/%00/etc/passwd", "/static/%c0%ae%c0%ae/app.py", "/../etc/passwd", "/miners/../../../etc/passwd",
        "/miners/..%2f..%2fetc%2fpasswd", "/static/js/..%5c..%5capp.py", "/static/vendor/../../routes.py",
        "//etc/passwd", "/static/file:///etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
    ],
)  # fmt: skip
async def test_no_path_leads_out_of_the_dashboards_folder(api: Api, target: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{letting.HEADER}\r\n"
    answer = await raw(api.port, head.encode())
    assert answer.split(b" ")[1] in (b"404", b"400", b"200"), target
    assert b"root:" not in answer
    assert b"import annotations" not in answer
    if b" 200 " in answer.splitlines()[0]:  # the dashboard's own document, which says that it knows no such page
        assert b"<!doctype html>" in answer.lower()
