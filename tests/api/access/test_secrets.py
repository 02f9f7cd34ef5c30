"""No secret gets out, and nobody hides what they did: replies, logs and the audit."""

from __future__ import annotations

import pytest

from hived.records.access import ROLES
from hived.records.joining import hash_of
from hived.store import Database
from hived.store.access import tokens
from hived.store.schema import User
from tests import access as letting
from tests.api import farm
from tests.api.access.test_attacks import TABLE, ask, make_node, make_token, path_of
from tests.api.farm import MAC, NOW, Api
from tests.api.http.listener import listen


async def test_no_get_tells_a_secret(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secrets: dict[str, str] = {"miner's password": farm.PASSWORD, "miner's key": farm.KEY}

    def fill(db: Database) -> None:
        token, key, waiting = make_token(db, "t"), make_node(db, "n1"), make_node(db, "n3", key="pending")
        cookie = letting.session(db, "operator", NOW)
        hashed = letting.HASHER.hash("correct horse battery")
        User.update(password_hash=hashed).execute(db)
        secrets.update({
            "token": token.secret, "hash of the token": token.secret_hash, "node's key": key.secret,
            "hash of the key": key.secret_hash, "hash of a pending key": waiting.secret_hash, "cookie": cookie,
            "hash of the cookie": hash_of(cookie), "hash of the password": hashed,
            "our own token": letting.TOKEN.secret,
        })  # fmt: skip

    await api.store.write(fill)
    seen = 0
    for (
        method,
        path,
        _,
        who,
    ) in ((m, path_of(p), p, w) for m, p, _, w in TABLE if m == "GET"):
        if path.endswith("/stream"):
            continue
        async with api.http.get(path) as reply:
            text = (await reply.text()) + repr(reply.headers)
        seen += reply.status == 200
        for name, secret in secrets.items():
            assert secret not in text, (method, path, who, name)
        assert "$argon2" not in text
    assert seen > 25
    async with listen(api.port, "?since=0") as heard:
        await heard.next("fleet")
    for name, secret in secrets.items():
        assert secret not in repr([message.data for message in heard.seen]), name
        assert secret not in caplog.text, name


async def test_no_secret_of_a_request_gets_into_the_log_or_the_audit(
    nobody: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    words = "a-secret-in-a-request"
    await nobody.ask("POST", "/api/v1/session", {"user": words, "password": words})
    await nobody.ask("POST", "/api/v1/setup", {"code": words, "user": "x", "password": words})
    await ask(nobody, "GET", "/api/miners", Authorization=f"Bearer {words}")
    await ask(nobody, "GET", "/api/miners", Cookie=f"{nobody.cookie}={words}")
    async with nobody.browser("admin") as admin:
        wish = {"name": "bert", "role": "viewer", "password": words}
        assert (await admin.ask("POST", "/api/v1/users", wish))[0] == 201
        assert (await admin.ask("PATCH", "/api/v1/users/bert", {"password": words + "!"}))[0] == 200
        assert (await admin.ask("PATCH", f"/api/miners/{MAC}", {"unlock_pass": words}))[0] == 200
        code, made = await admin.ask("POST", "/api/v1/tokens", {"name": "t", "role": "viewer"})
        assert code == 201
        rows = await admin.get("/api/v1/audit")
    assert {"user.add", "user.password", "miner.password", "token.add", "login.failed"} <= {r["action"] for r in rows}
    for secret in (words, made["token"], made["token"].rpartition("_")[2]):
        assert secret not in caplog.text
        assert secret not in repr(rows)


async def test_the_audit_pages_back_and_keeps_its_newest_rows(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hived.store.audit.KEEP", 20)
    for n in range(30):
        assert (await api.ask("PATCH", f"/api/miners/{MAC}", {"managed": n % 2 == 0}))[0] == 200
    first = await api.get("/api/v1/audit?limit=15")
    then = await api.get(f"/api/v1/audit?limit=15&before={first[-1]['id']}")
    ids = [row["id"] for row in first + then]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 20
    assert {(row["who"], row["via"], row["address"]) for row in first} == {("tests", "token", "127.0.0.1")}
    assert (first[0]["before"], first[0]["after"]) == ({"managed": True}, {"managed": False})
    for bad in ("limit=0", "limit=1001", "before=x", "before=-1"):
        assert (await api.ask("GET", f"/api/v1/audit?{bad}"))[0] == 400


async def test_a_busy_operator_washes_nothing_away_but_their_own_many_changes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hived.store.audit.KEEP", 40)
    async with api.browser(None) as eve, api.browser("admin") as admin:
        for name, role in (("eve", "operator"), ("zoe", "viewer")):
            wish = {"name": name, "role": role, "password": "long enough for one"}
            assert (await admin.ask("POST", "/api/v1/users", wish))[0] == 201
        await api.ask("POST", "/api/v1/tokens", {"name": "t", "role": "viewer"})
        for _ in range(2):
            login = {"user": "eve", "password": "long enough for one"}
            assert (await eve.ask("POST", "/api/v1/session", login))[0] == 200
        assert (await eve.ask("PATCH", f"/api/miners/{MAC}", {"unlock_pass": "the one change that matters"}))[0] == 200
        before = await api.get("/api/v1/audit?limit=1000")
        for n in range(60):
            assert (await eve.ask("PATCH", f"/api/miners/{MAC}", {"group": f"g{n}"}))[0] == 200
        assert (await admin.ask("POST", "/api/v1/session", {"user": "zoe", "password": "not this one"}))[0] == 401
        rows = await api.get("/api/v1/audit?limit=1000")
    assert len(rows) == 40
    assert rows[-len(before) :] == before, "all that was there is there still"
    assert [row["action"] for row in rows[1 : -len(before)]] == ["miner.group"] * (39 - len(before))
    assert rows[1]["after"] == {"group": "g59"}, "of many the newest are kept"


async def test_nobody_makes_more_of_themselves_than_they_are(api: Api) -> None:
    """A role below admin cannot make a user or a token, nor change one: not even its own."""
    for role in ROLES[:2]:
        async with api.browser(role) as client:
            for method, path, body in (
                ("POST", "/api/v1/users", {"name": "x", "role": "admin", "password": "long enough for one"}),
                ("PATCH", f"/api/v1/users/{role}", {"role": "admin"}),
                ("POST", "/api/v1/tokens", {"name": "x", "role": "admin"}),
                ("POST", "/api/v1/enroll-codes", None),
            ):
                assert (await client.ask(method, path, body))[0] == 403
    assert len(await api.store.read(tokens.listing)) == 1
