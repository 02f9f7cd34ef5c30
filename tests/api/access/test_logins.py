"""Logging in and out: sessions, pauses after failures, the first admin, one's own password."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from argon2 import PasswordHasher

from hived.records.logins import code_hash, new_code
from hived.services.access.setup_code import SetupCode
from hived.store import Database, Store, audit
from hived.store.access import codes, sessions, users
from hived.store.engine.db import tuples
from hived.store.schema import Session, User
from tests import access
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.clock import FakeClock

PASSWORD = "correct horse battery"
SESSION = "/api/v1/session"


@pytest.fixture
async def api(store: Store, clock: FakeClock) -> AsyncIterator[Api]:
    """One admin, whose password is PASSWORD, and nobody logged in."""
    async with farm.serve(store, clock) as running:
        await running.store.write(users.add, "anna", access.HASHER.hash(PASSWORD), "admin", NOW)
        async with running.browser(None) as browser:
            yield browser


async def log_in(api: Api, password: str = PASSWORD, user: str = "anna") -> int:
    code, _ = await api.ask("POST", SESSION, {"user": user, "password": password})
    return code


def cookie_of(api: Api) -> str | None:
    return next((one.value for one in api.http.cookie_jar if one.key == api.cookie), None)


@asynccontextmanager
async def from_address(api: Api, address: str) -> AsyncIterator[Api]:
    """Ask from another address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}", connector=connector, cookie_jar=jar) as http:
        yield Api(api.store, api.fleet, api.clock, api.app, api.listener, http)


async def test_a_login_opens_what_was_closed_until_the_logout(api: Api) -> None:
    assert (await api.ask("GET", "/api/miners"))[0] == 401
    assert (await api.get(SESSION))["user"] is None
    code, told = await api.ask("POST", SESSION, {"user": " Anna ", "password": PASSWORD})
    assert (code, told["user"], told["role"], told["local"]) == (200, "anna", "admin", False)
    assert told == await api.get(SESSION)
    assert (await api.ask("GET", "/api/miners"))[0] == 200
    kept = cookie_of(api)
    assert (await api.ask("DELETE", SESSION))[0] == 204
    assert cookie_of(api) is None
    assert (await api.ask("GET", "/api/miners", Cookie=f"{api.cookie}={kept}"))[0] == 401
    assert (await api.ask("DELETE", SESSION))[0] == 204


async def test_the_cookie_is_for_this_site_alone_and_only_its_hash_is_kept(api: Api) -> None:
    async with api.http.post(SESSION, json={"user": "anna", "password": PASSWORD}) as reply:
        given = reply.headers.getall("Set-Cookie")
    session, mark = given
    assert "Path=/api/v1/session" in mark
    assert "HttpOnly" in mark
    parts = [part.strip() for part in session.split(";")]
    assert parts[0].startswith(f"hived-{api.port}="), "browsers send it to every port: each has its own"
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(parts)
    assert "Secure" not in parts  # over plain HTTP a browser would not keep it
    value = parts[0].partition("=")[2]
    assert len(value) >= 43  # 32 bytes
    rows = await api.store.read(lambda db: tuples(Session.select(), db))
    assert value not in repr(rows)
    assert sum(1 for row in rows if row[1] == "anna") == 1


async def test_unknown_and_wrong_are_answered_alike(api: Api) -> None:
    unknown = await api.ask("POST", SESSION, {"user": "nobody", "password": PASSWORD})
    wrong = await api.ask("POST", SESSION, {"user": "anna", "password": "not this one"})
    odd = await api.ask("POST", SESSION, {"user": "../x\0", "password": ""})
    assert unknown == wrong == odd
    assert wrong[0] == 401
    for body in ({}, {"user": "anna"}, {"user": 7, "password": "x"}, {"user": "anna", "password": "\0" * 12}):
        assert (await api.ask("POST", SESSION, body))[0] == 400


async def test_a_login_never_goes_on_with_the_session_that_the_browser_came_with(api: Api) -> None:
    fixed = await api.store.write(access.session, "viewer", NOW)
    code, _ = await api.ask("POST", SESSION, {"user": "anna", "password": PASSWORD}, Cookie=f"{api.cookie}={fixed}")
    assert code == 200
    mine = cookie_of(api)
    assert mine not in (fixed, None)
    api.http.cookie_jar.clear()
    assert (await api.ask("GET", "/api/miners", Cookie=f"{api.cookie}={fixed}"))[0] == 401
    assert (await api.ask("GET", "/api/miners", Cookie=f"{api.cookie}={mine}"))[0] == 200
    chosen = "A" * 43  # a cookie that an attacker planted is nobody's
    assert (await api.ask("GET", "/api/miners", Cookie=f"{api.cookie}={chosen}"))[0] == 401


async def test_a_session_ends_when_it_is_idle_and_when_it_is_old(api: Api) -> None:
    assert await log_in(api) == 200
    for _ in range(4):
        api.clock.advance(sessions.IDLE_S - 60)
        assert (await api.ask("GET", "/api/miners"))[0] == 200
    api.clock.advance(sessions.LONGEST_S - 4 * (sessions.IDLE_S - 60))
    assert (await api.ask("GET", "/api/miners"))[0] == 401
    assert await log_in(api) == 200
    api.clock.advance(sessions.IDLE_S)
    assert (await api.ask("GET", "/api/miners"))[0] == 401


async def test_what_changes_a_user_ends_their_sessions_at_once(api: Api) -> None:
    async with api.browser("admin") as admin:
        for body in ({"role": "viewer"}, {"role": "admin"}, {"password": PASSWORD + "!"}, {"password": PASSWORD}):
            password = PASSWORD if body.get("password") != PASSWORD else PASSWORD + "!"
            assert await log_in(api, password) == 200
            assert (await admin.ask("PATCH", "/api/v1/users/anna", body))[0] == 200
            assert (await api.ask("GET", "/api/miners"))[0] == 401, body
        assert await log_in(api) == 200
        assert (await admin.ask("DELETE", "/api/v1/users/anna"))[0] == 204
        assert (await api.ask("GET", "/api/miners"))[0] == 401
        assert await log_in(api) == 401


async def test_ones_own_new_password_ends_the_other_sessions(api: Api) -> None:
    assert await log_in(api) == 200
    async with api.browser(None) as other:
        assert await log_in(other) == 200
        path = f"{SESSION}/password"
        assert (await api.ask("POST", path, {"old": "not this one", "new": "another password"}))[0] == 403
        assert (await api.ask("POST", path, {"old": PASSWORD, "new": "short"}))[0] == 400
        assert (await other.ask("GET", "/api/miners"))[0] == 200
        assert (await api.ask("POST", path, {"old": PASSWORD, "new": "another password"}))[0] == 200
        assert (await other.ask("GET", "/api/miners"))[0] == 401
        assert (await api.ask("GET", "/api/miners"))[0] == 200
        assert await log_in(other) == 401
        assert await log_in(other, "another password") == 200
    assert (await api.ask("POST", path, {"old": PASSWORD, "new": PASSWORD}, **access.BEARER))[0] == 403


async def test_passwords_that_look_the_same_are_the_same(api: Api) -> None:
    async with api.browser("admin") as admin:
        wish = {"name": "bert", "role": "viewer", "password": "ｐａｓｓword\u00a0\u00e9\u00e9"}
        assert (await admin.ask("POST", "/api/v1/users", wish))[0] == 201
    assert await log_in(api, "password e\u0301e\u0301", "bert") == 200
    assert await log_in(api, "password ee", "bert") == 401


@pytest.mark.parametrize("password", ["", "123456789", "x" * 257, "tab\tin the middle", "nul\0 in the middle", 7, None])
async def test_a_password_that_is_none_is_refused(api: Api, password: object) -> None:
    async with api.browser("admin") as admin:
        wish = {"name": "bert", "role": "viewer", "password": password}
        assert (await admin.ask("POST", "/api/v1/users", wish))[0] == 400
    assert await api.store.read(users.password_hash, "bert") is None


async def test_an_older_hash_is_made_anew_at_a_login(api: Api) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    await api.store.write(users.set_password, "anna", older, NOW)
    assert await log_in(api) == 200
    now = await api.store.read(users.password_hash, "anna")
    assert now not in (older, None)
    assert await log_in(api) == 200
    assert await api.store.read(users.password_hash, "anna") == now


async def test_the_list_of_sessions_is_bounded(api: Api) -> None:
    def many(db: Database) -> list[str]:
        return [access.session(db, "viewer", NOW + n) for n in range(sessions.MAX_OF_USER + 5)]

    cookies = await api.store.write(many)
    api.clock.advance(60)
    found = [(await api.ask("GET", "/api/miners", Cookie=f"{api.cookie}={one}"))[0] for one in cookies]
    assert found == [401] * 5 + [200] * sessions.MAX_OF_USER


# -- guessing ------------------------------------------------------------------------------------------------------


async def pause_of(api: Api, password: str = PASSWORD, user: str = "anna") -> int:
    """Log in during a pause; return for how long it says."""
    async with api.http.post(SESSION, json={"user": user, "password": password}) as reply:
        assert reply.status == 429, await reply.read()
        return int(reply.headers["Retry-After"])


async def test_failures_bring_growing_pauses_in_which_the_right_password_is_refused_too(api: Api) -> None:
    for _ in range(5):
        assert await log_in(api, "wrong") == 401
    pauses = []
    for _ in range(12):
        assert await log_in(api, "wrong") == 401
        pauses.append(await pause_of(api))
        assert await pause_of(api) == pauses[-1]  # a try in a pause makes it no longer
        api.clock.advance(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert await log_in(api) == 200
    api.clock.advance(3600)
    for _ in range(5):
        assert await log_in(api, "wrong") == 401


async def test_many_guesses_at_once_are_no_more_than_one_after_the_other(api: Api) -> None:
    answers = await asyncio.gather(*(log_in(api, f"guess {n}") for n in range(40)))
    assert answers.count(401) == 6
    assert answers.count(429) == 34


async def test_ones_own_logins_between_buy_no_more_guesses(api: Api) -> None:
    await api.store.write(users.add, "eve", access.HASHER.hash(PASSWORD), "viewer", NOW)
    guesses = 0
    for _ in range(20):
        for _ in range(4):
            guesses += await log_in(api, "wrong") == 401
        await log_in(api, PASSWORD, "eve")
    assert guesses <= 7


async def test_guessing_from_many_addresses_is_slowed_and_locks_nobody_out_of_their_own_place(api: Api) -> None:
    async with from_address(api, "127.0.9.1") as home:
        assert await log_in(home) == 200
        guessed = 0
        for n in range(30):
            async with from_address(api, f"127.0.8.{n + 1}") as elsewhere:
                guessed += await log_in(elsewhere, "wrong") == 401
        assert guessed == 11  # ten are free, and the one before the first pause
        for _ in range(10):
            api.clock.advance(30)
            async with from_address(api, "127.0.8.99") as elsewhere:
                assert await log_in(elsewhere, "wrong") in (401, 429)
                assert 1 <= await pause_of(elsewhere, "wrong") <= 300
        assert await log_in(home) == 200
    for user in ("nobody", "someone else"):  # that there is no such user is not to be told by a missing pause
        for n in range(11):
            async with from_address(api, f"127.0.7.{n + 1}") as elsewhere:
                await log_in(elsewhere, "wrong", user)
        assert await pause_of(api, user=user) == 1


async def test_a_browser_that_logged_in_before_does_not_wait_for_the_failures_of_others_behind_its_address(
    api: Api,
) -> None:
    await api.store.write(users.add, "bert", access.HASHER.hash(PASSWORD), "viewer", NOW)
    assert await log_in(api) == 200
    assert (await api.ask("DELETE", SESSION))[0] == 204
    async with from_address(api, "127.0.0.1") as stranger:
        for _ in range(6):
            assert await log_in(stranger, "wrong") == 401
        assert await log_in(stranger) == 429
        api.clock.advance(86_400)
        for _ in range(6):
            await log_in(stranger, "wrong")
        assert await log_in(stranger) == 429
        assert await log_in(api) == 200, "its own pauses, and nobody else's"
        assert await log_in(api, user="bert") == 429, "the mark is for who logged in with it"
        for _ in range(6):
            assert await log_in(api, "wrong") == 401
        assert await log_in(api) == 429, "it buys no more guesses than an address does"
        assert await log_in(stranger) == 429
    for n in range(12):  # the name is held up, too, but for the browser
        async with from_address(api, f"127.0.6.{n + 1}") as elsewhere:
            await log_in(elsewhere, "wrong")
    api.clock.advance(1)
    assert await log_in(api) == 200
    api.clock.advance(91 * 86_400)
    for _ in range(6):
        await log_in(api, "wrong")
    async with from_address(api, "127.0.0.1") as stranger:
        assert await log_in(stranger) == 429, "a mark of last spring is none: the failures are the address's"


async def test_a_mark_that_nobody_gave_opens_nothing_and_exempts_from_nothing(api: Api) -> None:
    for n in range(6):
        code, _ = await api.ask(
            "POST", SESSION, {"user": "anna", "password": "wrong"}, Cookie=f"hived-mark-{api.port}=invented{n}"
        )
        assert code == 401
    planted = {"Cookie": f"hived-mark-{api.port}=planted"}
    assert (await api.ask("POST", SESSION, {"user": "anna", "password": PASSWORD}, **planted))[0] == 429
    assert (await api.ask("GET", "/api/miners", **planted))[0] == 401


async def test_a_failed_login_is_one_audit_row_for_each_pause_and_tells_no_secret(api: Api) -> None:
    for _ in range(5):
        await log_in(api, "wrong-secret")
    for _ in range(20):
        await log_in(api, "wrong-secret")
    await log_in(api, "x", "my password in the wrong field")
    rows = [row for row in await api.store.read(audit.listing, limit=100) if row["action"] == "login.failed"]
    assert [(row["who"], row["address"]) for row in rows] == [("anna", "127.0.0.1")] * 6
    assert "secret" not in repr(rows)


# -- the first admin -----------------------------------------------------------------------------------------------


def alone(db: Database) -> None:
    User.delete().execute(db)


async def said(api: Api, caplog: pytest.LogCaptureFixture) -> str:
    """Start as hive-apid does; return the code in its log."""
    caplog.clear()
    await SetupCode(api.store, "http://x:8080", api.clock).beat()
    (line,) = [record.message for record in caplog.records if "no user yet" in record.message]
    assert "http://x:8080/setup" in line
    return line.split()[-1]


async def test_the_code_in_the_log_makes_the_first_admin_once(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await api.store.write(alone)
    assert (await api.get(SESSION))["setup_needed"]
    code = await said(api, caplog)
    wish = {"code": code.upper().replace("-", " "), "user": "Chief", "password": PASSWORD}
    assert (await api.ask("POST", "/api/v1/setup", {**wish, "code": new_code()}))[0] == 403
    assert (await api.ask("POST", "/api/v1/setup", {**wish, "password": "short"}))[0] == 400
    status, told = await api.ask("POST", "/api/v1/setup", wish)
    assert (status, told["user"], told["role"], told["setup_needed"]) == (200, "chief", "admin", False)
    assert (await api.ask("GET", "/api/v1/users"))[0] == 200
    assert (await api.ask("POST", "/api/v1/setup", {**wish, "user": "second"}))[0] == 409
    await api.store.write(alone)
    assert (await api.ask("POST", "/api/v1/setup", {**wish, "user": "second"}))[0] == 403


async def test_a_code_expires_and_is_renewed_and_a_user_ends_it(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await api.store.write(alone)
    setup = SetupCode(api.store, "http://x", api.clock)
    await setup.beat()
    await setup.beat()
    assert caplog.text.count("no user yet") == 1
    first = caplog.messages[-1].split()[-1]
    api.clock.advance(86_400)
    wish = {"code": first, "user": "chief", "password": PASSWORD}
    assert (await api.ask("POST", "/api/v1/setup", wish))[0] == 403
    await setup.beat()
    assert caplog.text.count("no user yet") == 2
    await said(api, caplog)  # another process, or a restart: both codes are valid
    await api.store.write(users.add, "anna", "x", "admin", NOW)
    await setup.beat()
    assert not await api.store.read(codes.any_open, "setup", api.clock())
    await api.store.write(alone)
    assert (await api.ask("POST", "/api/v1/setup", {**wish, "code": first}))[0] == 403


async def test_codes_cannot_be_guessed_quickly(api: Api) -> None:
    await api.store.write(alone)
    wish = {"code": "x", "user": "chief", "password": PASSWORD}
    tries = [(await api.ask("POST", "/api/v1/setup", wish))[0] for _ in range(10)]
    assert tries == [403] * 6 + [429] * 4


async def test_of_two_who_use_one_code_one_becomes_the_admin(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await api.store.write(alone)
    code = await said(api, caplog)
    wishes = [{"code": code, "user": f"chief{n}", "password": PASSWORD} for n in range(4)]
    answers = await asyncio.gather(*(api.ask("POST", "/api/v1/setup", wish) for wish in wishes))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
    assert len(await api.store.read(users.listing)) == 1
    assert code_hash(code) != code


async def test_failed_logins_are_in_the_log_with_the_address_and_no_more_than_the_pauses_let(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for number in range(20):
        await api.ask("POST", SESSION, {"user": f"somebody-{number}", "password": PASSWORD})
    lines = [record.getMessage() for record in caplog.records]
    assert lines
    assert set(lines) == {"a login failed, from 127.0.0.1"}
    assert len(lines) <= 6
    assert "somebody" not in caplog.text, "it may be a password in the wrong field"
