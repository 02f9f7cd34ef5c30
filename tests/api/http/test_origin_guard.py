"""Who may ask what: names, pages of other sites, methods, sizes, slow clients; and the files of the dashboard."""

from __future__ import annotations

import asyncio
import gzip
import logging
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from hived.api.http import origin_guard, static
from hived.api.stream import STREAM
from hived.errors import HivedError
from hived.store import Store
from hived.store.miners import miners
from tests import access
from tests.api import farm
from tests.api.farm import MAC, Api
from tests.api.http.listener import WITHIN_S
from tests.clock import FakeClock
from tests.waiting import until

NAMES = origin_guard.own_names("Rig-7.example.org")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1:8080", "192.168.1.5:80", "[::1]", "[fe80::1]:8080", "localhost", "localhost:8080",
        "rig-7.local", "anything.local:8080", "rig-7", "rig-7:8080", "rig-7.example.org", "rig-7.lan",
        "rig-7.home.arpa:1", "rig-7.example.org.", "localhost.",
    ],
)  # fmt: skip
def test_our_own_names_are_taken(host: str) -> None:
    assert origin_guard.is_ours(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8080", "rig-7.evil.example", "rig-7.lan.evil.example", "local", "local.evil",
        "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1:8080:1", "[::1", "::1", "127.0.0.1@evil.example",
        "127.0.0.1/x", "127.0.0.1:", "127.0.0.1:999999", " 127.0.0.1", "127.1", "0x7f.1", "evil.lan", ".", "[1.2.3.4]x",
    ],
)  # fmt: skip
def test_foreign_names_are_refused(host: str) -> None:
    assert not origin_guard.is_ours(host, NAMES)


@given(st.text(max_size=60))
def test_no_host_header_makes_the_guard_fail(host: str) -> None:
    assert origin_guard.is_ours(host, NAMES) in (True, False)


async def raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are and return everything that comes back; nothing when the connection is reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(WITHIN_S):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


async def test_a_name_that_dns_was_bent_to_is_refused(api: Api) -> None:
    foreign = {"Host": "evil.example", "Origin": "http://evil.example"}
    async with api.browser() as browser:
        for method, path, body in (
            ("GET", "/", None), ("GET", "/api/miners", None), ("GET", "/static/x", None),
            ("GET", "/api/v1/session", None), ("POST", "/api/v1/session", {"user": "a", "password": "b"}),
            ("POST", "/api/v1/setup", {}), ("POST", "/api/v1/join", {}), ("POST", "/api/v1/scan", {}),
        ):  # fmt: skip
            code, reply = await browser.ask(method, path, body, **foreign)
            assert (code, "evil.example" in reply["error"], "http.names" in reply["error"]) == (403, True, True), path
    code, reply = await api.ask("POST", "/api/v1/session", {"user": "a", "password": "b"}, **foreign)
    assert (code, "http.names" in reply["error"]) == (403, True), "a header that proves nothing opens no login"
    for head in ("", "Host: localhost\r\nHost: localhost\r\n", "Host:\r\n"):
        answer = await raw(api.port, f"GET /api/miners HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
        assert answer.split(b" ")[1] in (b"400", b"403"), head


async def test_a_program_with_a_token_and_a_health_check_may_use_any_name(api: Api) -> None:
    for host in ("hive.example.com", "hive.example.com:8080", "rig-1.office.example.com", "node.tail1234.ts.net"):
        for path in ("/api/miners", "/api/v1/fleet", "/healthz"):
            assert (await api.ask("GET", path, Host=host))[0] == 200, (host, path)
        assert (await api.ask("PATCH", f"/api/miners/{MAC}", {"managed": True}, Host=host))[0] == 200
        code, _ = await api.ask("GET", "/api/miners", Host=host, Authorization="Bearer hived_wrong")
        assert code == 401
    async with api.browser(None) as browser:
        for path in ("/healthz", "/api/v1/hello", "/api/v1/limits"):
            assert (await browser.ask("GET", path, Host="hive.example.com"))[0] == 200, path
        assert (await browser.ask("POST", "/api/v1/join", {}, Host="hive.example.com:80"))[0] == 400


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("hive.example.com", "https://hive.example.com"), ("hive.example.com", "http://hive.example.com"),
        ("Hive.Example.com:8443", "https://hive.example.com:8443"),
        ("hive.example.com", "https://hive.example.com:8443"),  # nginx: $host
        ("127.0.0.1:8080", "https://hive.example.com"), ("backend.local", "https://hive.example.com"),  # $proxy_host
        ("192.168.1.5:443", "https://192.168.1.5"), ("192.168.1.5:80", "http://192.168.1.5"),
        ("192.168.1.5", "https://192.168.1.5:443"), ("192.168.1.5", "http://192.168.1.5:80"),
        ("[fe80::1]:443", "https://[fe80::1]"), ("rig-7.local", "https://rig-7.local"),
    ],
)  # fmt: skip
async def test_a_person_comes_through_a_proxy(store: Store, clock: FakeClock, host: str, origin: str) -> None:
    async with farm.serve(store, clock, names=("hive.example.com",)) as api, api.browser() as browser:
        headers = {"Host": host, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        assert (await browser.ask("GET", "/api/miners", Host=host))[0] == 200
        assert (await browser.ask("POST", "/api/v1/scrape/nothing", {}, **headers))[0] == 404


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("192.168.1.5", "http://192.168.1.5:9000"), ("192.168.1.5:9000", "http://192.168.1.5"),
        ("192.168.1.5:443", "http://192.168.1.5"), ("192.168.1.5:80", "https://192.168.1.5"),
        ("hive.example.com", "https://hive.example.com.evil.example"), ("hive.example.com", "https://evil.example"),
        ("hive.example.com", "null"), ("hive.example.com", "hive.example.com"), ("hive.example.com", "https://"),
        ("node-1.local", "https://node-1"), ("hive.example.com", "https://hive.example.com@evil.example"),
    ],
)  # fmt: skip
async def test_a_name_that_was_given_opens_no_other(store: Store, clock: FakeClock, host: str, origin: str) -> None:
    async with farm.serve(store, clock, names=("hive.example.com",)) as api, api.browser() as browser:
        code, reply = await browser.ask("POST", "/api/v1/scan", {}, Host=host, Origin=origin)
        assert (code, "another site" in reply["error"], "http.names" in reply["error"]) == (403, True, True)


async def test_a_page_of_another_site_changes_nothing(api: Api) -> None:
    here = f"http://127.0.0.1:{api.port}"
    async with api.browser() as browser:
        for headers in (
            {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": ""},
            {"Origin": f"{here}.evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
            {"Origin": here, "Sec-Fetch-Site": "cross-site"},
        ):  # fmt: skip
            for method, path, body in (
                ("PATCH", f"/api/miners/{MAC}", {"managed": True}), ("POST", "/api/v1/scan", None),
            ):  # fmt: skip
                code, reply = await browser.ask(method, path, body, **headers)
                assert (code, "another site" in reply["error"]) == (403, True), headers
        known = await api.store.read(miners.by_mac, MAC)
        assert known is not None
        assert not known.managed
        ours = {"Origin": here, "Sec-Fetch-Site": "same-origin"}
        assert (await browser.ask("PATCH", f"/api/miners/{MAC}", {"managed": True}, **ours))[0] == 200


async def test_a_program_with_a_token_may_say_any_origin(api: Api) -> None:
    foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await api.ask("PATCH", f"/api/miners/{MAC}", {"managed": True}, **foreign))[0] == 200


async def test_a_form_is_no_json(api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        code, reply = await api.ask("PATCH", f"/api/miners/{MAC}", b'{"managed": true}', **{"Content-Type": kind})
        assert (code, "JSON" in reply["error"]) == (415, True), kind
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert (await api.ask("PATCH", f"/api/miners/{MAC}", b'{"managed": true}', **charset))[0] == 200


async def test_every_reply_binds_the_browser(api: Api) -> None:
    for path in ("/", "/api/miners", "/api/nothing", "/api/v1/fleet", "/healthz", "/static/nothing.js"):
        async with api.http.get(path) as reply:
            for name, value in origin_guard.HEADERS.items():
                assert reply.headers.getall(name) == [value], (path, name)
            assert "Access-Control-Allow-Origin" not in reply.headers
    policy = origin_guard.HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


async def test_errors_are_json_with_one_sentence(api: Api) -> None:
    for method, path, code in (
        ("GET", "/api/nothing", 404), ("GET", "/nothing", 404), ("POST", "/api/miners", 405), ("PUT", "/", 405),
        ("DELETE", "/api/models/s19", 405), ("PATCH", "/api/miners", 405), ("TRACE", "/api/miners", 405),
        ("GET", "/api/miners/", 404), ("GET", "/api/v1/commands/", 404),
    ):  # fmt: skip
        got, reply = await api.ask(method, path)
        assert (got, list(reply)) == (code, ["error"]), (method, path)
        assert isinstance(reply["error"], str)


async def test_a_browser_gets_the_dashboards_own_page_for_a_path_that_does_not_exist(api: Api) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with api.http.get("/") as reply:
        index = await reply.read()
    for path in ("/nope", "/fleet", "/miners/a/b", "/%ff", "/nodes/x?y=1"):
        async with api.http.get(URL(path, encoded=True), headers=accept) as reply:
            assert (reply.status, reply.content_type) == (404, "text/html"), path
            assert await reply.read() == index, path
            tag = reply.headers["ETag"]
        async with api.http.get(URL(path, encoded=True), headers=accept | {"If-None-Match": tag}) as reply:
            assert reply.status == 404, path
        async with api.http.head(URL(path, encoded=True), headers=accept) as reply:
            assert (reply.status, await reply.read()) == (404, b""), path
    for path in ("/api/nope", "/api/v1/nope", "/artifacts/1/2", "/scrape/x", "/static/nope.js"):
        async with api.http.get(path, headers=accept) as reply:
            assert (reply.status, reply.content_type) == (404, "application/json"), path
    async with api.http.post("/nope", headers=accept) as reply:
        assert (reply.status, reply.content_type) == (404, "application/json")


async def test_options_names_the_methods_and_head_has_no_body(api: Api) -> None:
    async with api.http.options(f"/api/miners/{MAC}") as reply:
        assert (reply.status, reply.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
    for path in ("/", "/api/miners", f"/api/miners/{MAC}", "/api/v1/stream", "/healthz"):
        async with api.http.head(path) as reply:
            assert (reply.status, await reply.read()) == (200, b""), path
    assert api.app[STREAM].readers.running == 0


async def test_a_body_of_more_than_64_kib_is_413(api: Api) -> None:
    big = b'{"unlock_pass": "' + b"x" * 70_000 + b'"}'
    code, reply = await api.ask("PATCH", f"/api/miners/{MAC}", big)
    assert (code, "64 KiB" in reply["error"]) == (413, True)
    async with api.http.patch(
        f"/api/miners/{MAC}",
        data=gzip.compress(b"[" * 5_000_000),
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    ) as bomb:
        assert bomb.status == 413


async def test_a_head_that_is_too_large_or_no_http_is_refused(api: Api) -> None:
    for request in (
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: a\r\n" % i for i in range(40_000)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ):
        answer = await raw(api.port, request)
        if answer == b"" and len(request) > 65_536:
            continue  # closed while it was still being sent: the reset may overtake the answer
        assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400")), answer[:200]
        assert answer.endswith(b'{"error":"this request cannot be read"}')
    assert await api.get("/healthz")


async def test_a_client_that_never_finishes_its_head_is_cut_off(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock, keepalive_timeout=0.2) as api:
        assert await raw(api.port, b"GET /api/miners HTTP/1.1\r\nHost: loc") == b""
        assert await raw(api.port, b"") == b""


async def test_a_body_that_never_comes_is_408(store: Store, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hived.api.http.params.BODY_S", 0.1)
    head = (
        access.HEADER
        + "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{"
    )
    async with farm.serve(store, clock, lingering_time=0.1) as api:
        answer = await raw(api.port, f"PATCH /api/miners/{MAC} HTTP/1.1\r\n{head}".encode())
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'{"error":"the request took too long"}' in answer


async def test_more_connections_than_allowed_are_refused_at_once(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock, connections=3) as api:
        held = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(3)]
        assert (await raw(api.port, b"")).startswith(b"HTTP/1.1 503")
        for _, writer in held:
            writer.transport.abort()

        async def answers() -> bool:
            try:
                return (await api.ask("GET", "/healthz"))[0] == 200
            except aiohttp.ClientConnectionError:
                return False

        await until(answers)


async def test_a_bug_is_500_without_a_word_of_our_inside(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret inside")

    caplog.set_level(logging.ERROR)
    for bug in (broken, lambda *_: (_ for _ in ()).throw(HivedError("/var/lib is damaged"))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(api.fleet, "totals", bug)
            code, reply = await api.ask("GET", "/api/v1/fleet", Accept="text/html")
        assert (code, reply) == (500, {"error": "hive-apid failed, its log says more"})
    assert "secret inside" in caplog.text


async def test_the_dashboard_is_served_with_types_etag_and_its_own_routes(api: Api) -> None:
    files = static.load(static.DASHBOARD)
    index = files["index.html"].body
    pages = [path.format(mac=MAC, id=1) for path in static.pages(files)]
    assert {"/", f"/miners/{MAC}", "/models", "/events", "/site", "/collecting", "/login"} <= set(pages)
    for path in (*pages, "/?state=failure"):
        async with api.http.get(path) as reply:
            assert (reply.status, reply.content_type, reply.charset) == (200, "text/html", "utf-8")
            assert await reply.read() == index
            etag = reply.headers["ETag"]
        async with api.http.get(path, headers={"If-None-Match": etag}) as reply:
            assert reply.status == 304


async def test_static_files_are_those_of_the_folder_and_nothing_else(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    folder = tmp_path / "dashboard"
    (folder / "vendor").mkdir(parents=True)
    for name in ("index.html", "app.js", "a.css", "i.svg", "vendor/LICENSE", ".hidden.js", "x.exe"):
        (folder / name).write_text(f"<{name}>")
    (folder / "link.js").symlink_to(tmp_path / "hived.db")
    files = static.load(folder)
    assert {name: page.content_type for name, page in files.items()} == {
        "index.html": "text/html", "app.js": "text/javascript", "a.css": "text/css", "i.svg": "image/svg+xml",
        "vendor/LICENSE": "text/plain",
    }  # fmt: skip
    async with farm.serve(store, clock) as api:
        api.app[static.FILES].update(files)
        async with api.http.get("/static/app.js") as reply:
            assert (reply.content_type, await reply.text()) == ("text/javascript", "<app.js>")
        for path in (
            "/static/", "/static", "/static/vendor", "/static/vendor/", "/static/../app.py", "/static/%2e%2e/app.py",
            "/static/..%2fapp.py", "/static//etc/passwd", "/static/%00", "/static/link.js", "/static/.hidden.js",
        ):  # fmt: skip
            async with api.http.get(URL(f"http://127.0.0.1:{api.port}{path}", encoded=True)) as reply:
                assert reply.status == 404, path
