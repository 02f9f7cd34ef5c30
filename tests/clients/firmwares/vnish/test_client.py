"""The VNish client against a real server on loopback: what it sends, what it makes of every kind of answer."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from hived import errors
from hived.clients.firmwares import ends
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.client import VnishClient
from hived.records.firmware import Reach
from hived.records.miner import ApiKey, MinerReading
from tests.clients.firmwares.vnish.expected import EXPECTED
from tests.clients.firmwares.vnish.test_parse import OLD_CHIPS, capture
from tests.clients.peer import Peer, cut, reply, reset

IP = "127.0.0.1"
KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
PASSWORD = "open sesame"
OPEN, REACH = Reach(IP), Reach(IP, KEY)
S19 = "s19-1.2.6-running/"
INFO = reply(200, capture(S19 + "info.json"))


# what is asked and what comes back


READS: list[tuple[str, str, Callable[[VnishClient], Awaitable[Any]]]] = [
    ("/info", "info.json", lambda client: client.identify(IP)),
    ("/model", "model.json", lambda client: client.model(REACH)),
    ("/summary", "summary.json", lambda client: client.summary(REACH)),
    ("/perf-summary", "perf-summary.json", lambda client: client.perf_summary(REACH)),
    ("/chains", "chains.json", lambda client: client.boards(REACH)),
    ("/autotune/presets", "autotune_presets.json", lambda client: client.presets(REACH)),
    ("/apikeys", "apikeys.json", lambda client: client.api_keys(OPEN, TOKEN)),
]


@pytest.mark.parametrize(("path", "name", "read"), READS, ids=[path for path, _, _ in READS])
async def test_a_read_gives_the_record_of_the_capture(
    peer: Peer, client: VnishClient, path: str, name: str, read: Callable[[VnishClient], Awaitable[Any]]
) -> None:
    peer.says(path, reply(200, capture(S19 + name)))
    assert await read(client) == EXPECTED[S19 + name][1]
    assert peer.asked[0].headers.get("x-api-key") == (KEY if path == "/autotune/presets" else None)
    assert peer.asked[0].headers["accept-encoding"] == "identity"
    assert peer.asked[0].headers["user-agent"].startswith("hived/")


async def test_settings_are_read_too(peer: Peer, client: VnishClient) -> None:
    peer.says("/settings", reply(200, capture("s21pro-1.2.7-autotuning/settings.json")))
    assert (await client.settings(REACH)).document["requested_preset"] == "3160"


async def test_credentials_go_into_their_headers_and_only_where_given(peer: Peer, client: VnishClient) -> None:
    peer.says("/summary", reply(200, b'{"miner": null}'))
    peer.says("/apikeys", reply(200, b"[]"))
    peer.says("/settings", reply(200, b"{}"))
    assert await client.summary(REACH) == MinerReading()
    await client.settings(REACH)
    await client.api_keys(OPEN, TOKEN)
    sent = [(asked.headers.get("x-api-key"), asked.headers.get("authorization")) for asked in peer.asked]
    assert sent == [(None, None), (KEY, None), (None, f"Bearer {TOKEN}")]


async def test_a_key_is_made_listed_and_removed_with_empty_answers(peer: Peer, client: VnishClient) -> None:
    peer.says("/unlock", reply(200, capture(S19 + "post_unlock.json")), "POST")
    peer.says("/apikeys", reply(200, b'{"status": "inserted"}'), "POST")
    peer.says("/apikeys", reply(200, json.dumps([{"key": KEY, "description": "hived"}]).encode()))
    peer.says("/apikeys/delete", reply(200), "POST")
    peer.says("/lock", reply(200), "POST")
    token = await client.unlock(OPEN, PASSWORD)
    assert token == TOKEN
    assert await client.add_api_key(OPEN, token, KEY, "hived") == "inserted"
    assert await client.api_keys(OPEN, token) == (ApiKey(KEY, "hived"),)
    await client.delete_api_key(OPEN, token, KEY)
    await client.lock(OPEN, token)
    assert [json.loads(asked.body) for asked in peer.asked if asked.body] == [
        {"pw": PASSWORD},
        {"key": KEY, "description": "hived"},
        {"key": KEY},
    ]
    assert peer.asked[0].headers["content-type"] == "application/json"


async def test_a_key_of_another_length_is_never_sent(peer: Peer, client: VnishClient) -> None:
    with pytest.raises(errors.BadRequest, match="32"):
        await client.add_api_key(OPEN, TOKEN, "short", "hived")
    with pytest.raises(errors.BadCredentials):
        await client.settings(Reach(IP, "a\r\nx-evil: 1"))
    assert peer.asked == []


async def test_a_name_is_not_looked_up(peer: Peer, client: VnishClient) -> None:
    with pytest.raises(errors.BadRequest, match="not by a name"):
        await client.identify("localhost")
    async with open_session() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"http://localhost:{peer.port}/")
    assert peer.connections == 0


async def test_a_session_without_the_bounds_is_refused() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="open_session"):
            VnishClient(session, port=80, timeout_s=1.0)


# keys and passwords


async def test_a_refused_password_tells_the_lockout(peer: Peer, client: VnishClient) -> None:
    peer.says("/unlock", reply(403, b'{"unlock_timeout": 30}'), "POST")
    with pytest.raises(errors.WrongPassword) as refused:
        await client.unlock(OPEN, PASSWORD)
    assert refused.value.retry_after_s == 30
    peer.says("/unlock", reply(403, b'{"unlock_timeout": null}'), "POST")
    with pytest.raises(errors.WrongPassword) as refused:
        await client.unlock(OPEN, PASSWORD)
    assert refused.value.retry_after_s is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(400, b'{"err": "invalid password"}'), errors.WrongPassword),
        (reply(401), errors.WrongPassword),
        (reply(401, b"", WWW_Authenticate="Bearer"), errors.WrongPassword),
        (reply(422, b"{}"), errors.WrongPassword),
        (reply(200, b'{"error": "wrong password"}'), errors.WrongPassword),
        (reply(202, b'{"err": "invalid password", "token": ""}'), errors.WrongPassword),
        (reply(200, b'{"error": null}'), errors.Unreadable),
        (reply(200, b'{"err": ["no"]}'), errors.Unreadable),
        (reply(204), errors.Unreadable),
        (reply(200, b"[]"), errors.Unreadable),
        (reply(200, b'{"token": "with blanks"}'), errors.Unreadable),
        (reply(405), errors.NotSupported),
        (reply(418), errors.Refused),
        (reply(408), errors.Transient),
        (reply(502, b"<html>bad gateway"), errors.Transient),
        (reply(401, b"", WWW_Authenticate='Basic realm="x"'), errors.NotThisFirmware),
    ],
)
async def test_what_an_unlock_may_answer_but_a_token(
    peer: Peer, client: VnishClient, answer: bytes, kind: type[errors.HivedError]
) -> None:
    peer.says("/unlock", answer, "POST")
    with pytest.raises(errors.HivedError) as told:
        await client.unlock(OPEN, PASSWORD)
    assert type(told.value) is kind
    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(429, b'{"unlock_timeout": 600}'), 600),
        (reply(429, b"", Retry_After="120"), 120),
        (reply(429, b"", Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (reply(429, b'{"unlock_timeout": 9999999}'), 86_400),
        (reply(429, b"<html>"), None),
    ],
    ids=["told", "header", "date", "absurd", "silent"],
)
async def test_too_many_tries_lock_out(peer: Peer, client: VnishClient, answer: bytes, seconds: float | None) -> None:
    peer.says("/unlock", answer, "POST")
    with pytest.raises(errors.LockedOut) as locked:
        await client.unlock(OPEN, PASSWORD)
    assert locked.value.retry_after_s == seconds


async def test_checking_a_key_says_yes_or_no(peer: Peer, client: VnishClient) -> None:
    peer.says("/auth-check", reply(200, b'{"unlock_timeout": null}'))
    assert await client.check_key(OPEN, KEY) is True
    peer.says("/auth-check", reply(401, b'{"unlock_timeout": null}'))
    assert await client.check_key(OPEN, KEY) is False
    assert await client.check_key(OPEN, "no good\n") is False
    peer.says("/auth-check", reply(200, b"<html>welcome</html>"))
    with pytest.raises(errors.Unreadable):
        await client.check_key(OPEN, KEY)


DIGEST = 'Digest realm="antMiner Configuration",nonce="5f",qop="auth"'


async def test_stock_firmware_after_a_failed_boot_is_not_an_expired_key(peer: Peer, client: VnishClient) -> None:
    for path in ("/info", "/auth-check", "/settings"):
        peer.says(path, reply(401, b"", WWW_Authenticate=DIGEST))
    for ask in (client.identify(IP), client.check_key(OPEN, KEY), client.settings(REACH)):
        with pytest.raises(errors.NotThisFirmware) as refused:
            await ask
        assert refused.value.kind == "antminer-stock"


# every status has its error


STATUSES: list[tuple[bytes, type[errors.HivedError], str]] = [
    (reply(401), errors.BadCredentials, "401"),
    (reply(401, b"", WWW_Authenticate='Bearer realm="x"'), errors.BadCredentials, "401"),
    (reply(401, b"", WWW_Authenticate='Basic realm="router"'), errors.NotThisFirmware, "login"),
    (reply(302, b"", Location="http://127.0.0.9/"), errors.NotThisFirmware, "redirect"),
    (reply(404), errors.NotSupported, "404"),
    (reply(405), errors.NotSupported, "405"),
    (reply(400, b'{"err": "no such preset"}'), errors.Refused, "HTTP 400: no such preset"),
    (reply(403), errors.Refused, "HTTP 403"),
    (reply(500, b'{"err": "Could not find\\u0000 pool"}'), errors.Transient, "HTTP 500: Could not find pool"),
    (reply(500, b"<html>oops"), errors.Transient, "HTTP 500"),
    (reply(503), errors.Transient, "HTTP 503"),
    (reply(404, b"x", Content_Encoding="gzip"), errors.NotSupported, "404"),
    (reply(200, b"{}", Content_Encoding="gzip"), errors.Unreadable, "compressed"),
    (reply(200, b"{"), errors.Unreadable, "not JSON"),
    (reply(200, b"[]"), errors.Unreadable, "not a JSON object"),
    (reply(200), errors.Unreadable, "empty"),
]


@pytest.mark.parametrize(
    ("answer", "error", "words"), STATUSES, ids=[f"{n}-{case[2]}" for n, case in enumerate(STATUSES)]
)
async def test_an_answer_has_its_error(
    peer: Peer, client: VnishClient, answer: bytes, error: type[errors.HivedError], words: str
) -> None:
    peer.says("/settings", answer)
    with pytest.raises(error, match=words) as raised:
        await client.settings(REACH)
    assert type(raised.value) is error
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_no_error_repeats_what_was_secret(peer: Peer, client: VnishClient, status: int) -> None:
    echo = json.dumps({"err": f"bad {KEY} and {TOKEN} and {PASSWORD}"}).encode()
    for path in ("/unlock", "/apikeys", "/apikeys/delete", "/lock"):
        peer.says(path, reply(status, echo), "POST")
    peer.says("/settings", reply(status, echo))
    calls: list[tuple[tuple[str, ...], Awaitable[Any]]] = [
        ((PASSWORD,), client.unlock(OPEN, PASSWORD)),
        ((TOKEN, KEY), client.add_api_key(OPEN, TOKEN, KEY, "hived")),
        ((TOKEN, KEY), client.delete_api_key(OPEN, TOKEN, KEY)),
        ((TOKEN,), client.lock(OPEN, TOKEN)),
        ((KEY,), client.settings(REACH)),
    ]
    for secrets, call in calls:
        with pytest.raises(errors.HivedError) as raised:
            await call
        shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
        assert not [secret for secret in secrets if secret in shown]


async def test_a_broken_connection_shows_no_secret_either(peer: Peer, client: VnishClient) -> None:
    for answer in (cut(b"junk\r\n\r\n"), reset(), cut(b"")):
        peer.says("/settings", answer)
        with pytest.raises(errors.Transient) as raised:
            await client.settings(REACH)
        assert KEY not in "".join(traceback.format_exception(raised.value))
        assert raised.value.__suppress_context__  # aiohttp's error carries the request's headers


# boards of every version


async def test_the_board_call_that_answered_is_remembered(peer: Peer, client: VnishClient) -> None:
    peer.says("/boards", reply(200, capture(S19 + "chains.json")))
    assert len(await client.boards(OPEN)) == 3
    assert len(await client.boards(OPEN)) == 3
    assert peer.calls() == ["GET /api/v1/chains", "GET /api/v1/boards", "GET /api/v1/boards"]


async def test_an_update_of_the_firmware_may_change_the_board_call(peer: Peer, client: VnishClient) -> None:
    peer.says("/boards", reply(200, b"[]"))
    assert await client.boards(OPEN) == ()
    peer.answers.clear()
    peer.says("/chips", reply(200, OLD_CHIPS))
    assert len((await client.boards(OPEN))[0].chips) == 2
    peer.answers.clear()
    with pytest.raises(errors.NotSupported, match="/chains"):
        await client.boards(OPEN)


async def test_the_memory_of_board_calls_is_bounded(
    peer: Peer, client: VnishClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "MAX_REMEMBERED", 1)
    peer.says("/boards", reply(200, b"[]"))
    await client.boards(OPEN)
    with pytest.raises(errors.Transient):
        await client.boards(Reach("127.0.0.2"))  # nothing listens there, so nothing is learnt
    assert list(client._board_calls) == [IP]
    ends.remember(client._board_calls, "127.0.0.2", "/boards")
    assert list(client._board_calls) == ["127.0.0.2"]
