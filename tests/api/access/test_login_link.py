"""A login link: one browser on the machine itself, once, within ten minutes; being on the machine alone is no proof."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from hived.records.access import By
from hived.records.logins import code_hash, new_code
from hived.services.access import login_link
from hived.store import Store, audit
from hived.store.access import codes
from hived.store.engine.db import tuples
from hived.store.schema import OneTimeCode
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.clock import FakeClock

LINK, SESSION = "/api/v1/session/link", "/api/v1/session"


@pytest.fixture
async def api(store: Store, clock: FakeClock) -> AsyncIterator[Api]:
    """A browser on this machine, before anybody made a user."""
    async with farm.serve(store, clock) as running, running.browser(None) as browser:
        yield browser


async def new_link(api: Api) -> str:
    code, _ = await api.store.write(login_link.make, By(at=api.clock(), who="root", via="command", address=None))
    return str(code)


async def test_the_code_of_a_link_lets_a_browser_in_once(api: Api) -> None:
    code = await new_link(api)
    status, told = await api.ask("POST", LINK, {"code": code})
    assert (status, told["user"], told["role"], told["local"]) == (200, "local", "admin", True)
    told = await api.get(SESSION)
    assert (told["user"], told["role"], told["local"], told["setup_needed"]) == ("local", "admin", True, True)
    assert (await api.ask("GET", "/api/v1/users"))[0] == 200
    status, told = await api.ask("POST", LINK, {"code": code})
    assert (status, told["error"]) == (403, login_link.SPENT)
    assert (await api.ask("DELETE", SESSION))[0] == 204
    assert (await api.ask("GET", "/api/v1/users"))[0] == 401


async def test_of_many_who_use_one_link_one_gets_in(api: Api) -> None:
    code = await new_link(api)
    answers = await asyncio.gather(*(api.ask("POST", LINK, {"code": code}) for _ in range(6)))
    assert sorted(status for status, _ in answers) == [200] + [403] * 5


async def test_a_link_ends_after_ten_minutes(api: Api, clock: FakeClock) -> None:
    code = await new_link(api)
    clock.now += login_link.VALID_S
    assert (await api.ask("POST", LINK, {"code": code}))[0] == 403
    assert (await api.ask("POST", LINK, {"code": await new_link(api)}))[0] == 200


async def test_codes_for_something_else_are_no_links_and_stay(api: Api) -> None:
    code = new_code()
    await api.store.write(codes.add, code_hash(code), kind="setup", at=NOW, expires_at=NOW + 900, by=None, most=4)
    assert (await api.ask("POST", LINK, {"code": code}))[0] == 403
    assert await api.store.read(codes.is_open, code_hash(code), NOW)
    link = await new_link(api)
    wish = {"code": link, "user": "chief", "password": "correct horse battery"}
    assert (await api.ask("POST", "/api/v1/setup", wish))[0] == 403
    assert (await api.ask("POST", LINK, {"code": link}))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "node-1"}, {"Host": "192.168.1.5"}, {"Host": "rig.local"}, {"X-Forwarded-For": "1.2.3.4"},
        {"Via": "1.1 proxy"}, {"Forwarded": "for=1.2.3.4"},
    ],
)  # fmt: skip
async def test_nobody_uses_a_link_or_its_session_from_elsewhere(api: Api, headers: dict[str, str]) -> None:
    code = await new_link(api)
    assert (await api.ask("POST", LINK, {"code": code}, **headers))[0] == 403
    assert (await api.ask("POST", LINK, {"code": code}))[0] == 200, "it was not spent by that"
    assert (await api.ask("GET", "/api/miners", **headers))[0] == 401
    assert (await api.ask("GET", "/api/miners"))[0] == 200


async def test_no_page_lets_anybody_in_who_just_is_on_this_machine(api: Api) -> None:
    """As they come through a proxy on it that adds no header, `ssh -L`, or from another account."""
    for path in ("/", "/login", "/site", "/collecting", "/nothing"):
        async with api.http.get(path, headers={"Accept": "text/html"}) as page:
            assert "Set-Cookie" not in page.headers, path
    assert (await api.get(SESSION))["user"] is None
    assert (await api.ask("GET", "/api/miners"))[0] == 401


async def test_a_page_of_another_site_cannot_spend_a_link(api: Api) -> None:
    code = await new_link(api)
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await api.ask("POST", LINK, {"code": code}, **headers))[0] == 403
    assert (await api.ask("POST", LINK, {"code": code}))[0] == 200


@pytest.mark.parametrize("body", [{}, {"code": None}, {"code": 7}, {"code": "x" * 257}, {"code": "x", "user": "me"}])
async def test_what_is_no_code_is_refused(api: Api, body: dict[str, object]) -> None:
    assert (await api.ask("POST", LINK, body))[0] == 400


async def test_the_code_is_kept_and_said_nowhere(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = await new_link(api)
    answers = [await api.ask("POST", LINK, {"code": code}) for _ in range(2)]
    assert [status for status, _ in answers] == [200, 403]
    rows = await api.store.read(audit.listing, limit=100)
    assert [row["action"] for row in rows] == ["login", "login.link"]
    stored = await api.store.read(lambda db: list(tuples(OneTimeCode.select(), db)))
    for place in (caplog.text, repr(rows), repr(stored), repr(answers)):
        assert code not in place
        assert code.replace("-", "") not in place
    assert code_hash(code) in repr(stored)
