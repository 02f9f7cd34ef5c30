"""Any request to any route: an answer in our words, never an error of ours, never a secret, and the server goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from backports import zstd

from hived.api import routes
from hived.api.http.access import INGEST, NODE
from hived.records.joining import NodeKey
from hived.store import Database
from hived.store.access import users
from hived.store.alerts import alerts
from tests import access
from tests import alerts as troubles
from tests import nodes as fleet
from tests.api import farm
from tests.api.farm import MAC, NOW, Api, mac_of
from tests.api.http.test_odd_requests import HEADERS, VALUES
from tests.api.nodes.test_tolerance import BODIES as BATCHES
from tests.mutated import LONG, Mutator, count, watched

CASES = count(300, 20_000)
SAMPLES = {"mac": MAC, "alias": "s19", "id": "1", "name": "anna"}
QUERY = {
    "limit": "10", "node": "n1", "miner": MAC, "kind": "reboot", "before": "5", "q": "vase", "source_id": "1",
    "state": "described", "provider": "met", "bubbles_before": "3", "hours": "4", "of": "node:n1", "since": "0",
    "from": "2027-01-14T08:00:00Z", "to": "2027-01-15T08:00:00Z", "node_id": "n1", "nonce": "0" * 32,
    "key_id": "0" * 16, "pictures": "1",
}  # fmt: skip
CONTACT: dict[str, Any] = {
    "wire": 2, "version": "0.2.0", "name": "shed", "site": None, "epoch": fleet.EPOCH, "at": "2027-01-15T08:00:00Z",
    "newest": {"events": 7}, "oldest_unsent_at": {"events": "2027-01-15T07:59:00Z"},
    "health": {"disk": {"free_bytes": 7}, "words": ["a"]}, "done": [{"id": 1, "result": {"state": "done"}}],
}  # fmt: skip
WORDS = ("n1", "id-1", "node-1", MAC, mac_of(2), "s19", "3050", "admin", "viewer", "miners", "events", "scan")
BODIES: dict[str, list[Any]] = {
    "PATCH /api/miners/{mac}": [
        {"managed": True, "unlock_pass": "another-password"},
        {"group": "row 3", "tags": ["hot", "old"], "min_preset": "2350", "protected": None,
         "locked": {"why": "on the bench", "until": "2028-01-15T08:00:00Z"}},
    ],
    "POST /api/v1/orders": [
        {"verb": "pause", "miners": [MAC], "dry_run": False, "packet": {"size": 5, "interval_seconds": 2.5},
         "expires_seconds": 600, "key": "k", "force": True, "args": {}},
        {"verb": "preset", "where": {"model": "s19", "group": "row 3"}, "args": {"name": "2350", "untuned": True}},
        {"verb": "pools", "where": {}, "password": "correct horse battery",
         "args": {"pools": [{"slot": 0, "url": "pool.example:3333", "user": "a.b", "password": "x"}]}},
        {"verb": "locate", "miners": [MAC], "args": {"on": True, "seconds": 5}, "dry_run": True},
    ],
    "POST /api/v1/orders/{id}/cancel": [{}],
    "POST /api/v1/orders/{id}/undo": [{"password": "correct horse battery"}],
    "POST /api/v1/plans": [
        {"name": "night", "when": {"days": ["fri"], "from": "22:00", "to": "06:00"}, "late": True,
         "order": {"verb": "pause", "where": {}}},
        {"name": "once", "when": {"at": "2027-01-16T08:00:00Z", "until": "2027-01-16T09:00:00Z"},
         "order": {"verb": "dimmer", "miners": [MAC], "args": {"percent": 50}}},
    ],
    "POST /api/v1/plans/storm": [
        {"name": "storm", "until": "2027-01-16T08:00:00Z", "order": {"verb": "pause", "where": {}}}
    ],
    "PATCH /api/v1/plans/{id}": [{"enabled": False}],
    "POST /api/v1/miners/{mac}/merge": [{"into": mac_of(2)}],
    "POST /api/v1/miners/{mac}/agree": [{"ip": "127.20.0.1"}],
    "PATCH /api/models/{alias}": [{"max_preset": "3050", "min_preset": "2350"}],
    "POST /api/v1/scan": [{"targets": ["127.20.0.0/28"], "outside": False, "node_id": "n1"}, {}],
    "POST /api/v1/commands": [
        {"verb": "set_managed", "args": {"mac": MAC, "managed": True}},
        {"verb": "set_unlock_pass", "args": {"mac": MAC, "password": "long enough"}, "node_id": "n1"},
        {"verb": "set_max_preset", "args": {"alias": "s19", "name": None}},
    ],
    "PUT /api/v1/alerts/rules": [
        {"rules": [{"name": "too-hot", "threshold": 90, "clear": 85.5, "enabled": False, "severity": "warn"},
                   {"name": "new", "sign": "measure.power_w", "threshold": 3500, "scope": {"group": "row 3"},
                    "for_seconds": 60, "clear_seconds": 60, "miners": 3, "per_day": 5, "over": "over"}]},
    ],
    "POST /api/v1/alerts/windows": [
        {"name": "rewiring", "when": {"until": "2027-01-16T08:00:00Z"}, "scope": {"model": "s19"}},
        {"name": "night", "kind": "quiet", "severity": "warn", "when": {"from": "22:00", "to": "06:00"}},
    ],
    "POST /api/v1/alerts/{id}/acknowledge": [{}],
    "POST /api/v1/alerts/{id}/snooze": [{"seconds": 3600}, {"until": "2027-01-16T08:00:00Z"}],
    "POST /api/v1/channels": [{"name": "ops", "url": "ntfys://ntfy.example.com/secret-topic", "least": "bad"}],
    "PATCH /api/v1/channels/{name}": [{"least": "bad", "enabled": False}],
    "POST /api/v1/channels/{name}/test": [{}],
    "POST /api/v1/webhooks": [{"name": "erp", "url": "https://erp.invalid/in", "kinds": ["reboot"]}],
    "PATCH /api/v1/webhooks/{name}": [{"kinds": ["reboot"], "enabled": False}],
    "POST /api/v1/webhooks/{name}/test": [{}],
    "POST /api/v1/pools/allowed": [{"url": "stratum+tcp://pool.example:3333", "worker": "farm.w1"}],
    "POST /api/v1/session": [{"user": "anna", "password": "correct horse battery"}],
    "POST /api/v1/session/link": [{"code": "0123456789abcdef"}],
    "POST /api/v1/session/password": [{"old": "correct horse battery", "new": "another long one"}],
    "POST /api/v1/setup": [{"code": "0123-4567", "user": "eva", "password": "long enough for one"}],
    "POST /api/v1/users": [{"name": "bert", "role": "viewer", "password": "long enough for one"}],
    "PATCH /api/v1/users/{name}": [{"role": "operator", "password": "another long one"}],
    "POST /api/v1/tokens": [
        {"name": "t", "role": "viewer", "scopes": ["miners"], "expires_at": "2028-01-15T08:00:00Z"}
    ],
    "POST /api/v1/join": [
        {"node_id": "n9", "name": "shed", "site": "x", "version": "1", "key_id": "0" * 16, "key_hash": "0" * 64,
         "code": "ABCD-EFGH"}
    ],
    "POST /api/v1/nodes": [{"node_id": "histo", "name": "Histo"}],
    "POST /api/v1/nodes/{id}/approve": [{"phrase": "one two three"}],
    "POST /api/v1/nodes/{id}/revoke": [{}],
    "POST /api/v1/nodes/refuse": [{}],
    "POST /api/v1/enroll-codes": [{"node_id": "n1"}],
    "POST /api/v1/nodes/me/contact": [CONTACT],
    "POST /api/v1/nodes/me/keys": [{"key_id": "0" * 16, "key_hash": "0" * 64}],
    "POST /api/v1/nodes/me/lent": [
        {"by": "m:1b d 2", "room": 5, "holding": ["https://museum.example/objects/1"], "told": [
            {"url": "https://museum.example/objects/1", "input_hash": "1", "content": {"summary": "A vase."},
             "model": "m:1b", "model_digest": "d", "prompt_version": 2, "collected_at": "2027-01-15T08:00:00Z"},
            {"url": "https://museum.example/objects/2", "reason": "useless", "is_hopeless": True},
        ]}
    ],
    "POST /api/v1/ingest": list(BATCHES.values()),
    "POST /master/ingest": [{"url": "https://example.org/1", "content": {"title": "a"}, "node_id": "n1"}],
    "POST /scrape/start": [{}],
    "POST /scrape/stop": [{}],
    "POST /sources": [{"name": "Met", "base_url": "https://example.org/", "kind": "web"}],
}  # fmt: skip
FRAMES = (
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Upgrade",
    "Expect",
)  # see test_framing, test_odd_requests
OTHER_HEADERS = [name for name in HEADERS if name not in FRAMES]


def furnish(db: Database) -> NodeKey:
    """Put back what requests may have removed: a user, and a node that is let in; return its key."""
    if not any(user.name == "anna" for user in users.listing(db)):
        users.add(db, "anna", access.HASHER.hash("correct horse battery"), "operator", NOW)
    if not alerts.open_ones(db):
        troubles.furnish(db, NOW)
    key = fleet.let_in(db, "n1", NOW)
    fleet.touch(db, "n1", NOW)
    return key


def row_of(one: Mutator) -> routes.Row:
    return one.random.choice(routes.TABLE)


def request_of(one: Mutator, row: routes.Row, key: NodeKey) -> bytes:
    """Return a request to a route: here and there not what it expects, but framed as HTTP wants it."""
    method, template, _, who = row
    target = re.sub(r"\{(\w+)(:[^}]*)?\}", lambda found: _part(one, SAMPLES[found[1]]), template)
    names = one.random.sample(sorted(QUERY), one.random.choice((0, 0, 1, 2, 3)))
    if names:
        asked = [
            (name, QUERY[name] if one.often(0.4) else one.text(QUERY[name])[: one.random.choice((80, 900))])
            for name in names
        ]
        target += "?" + urlencode(asked * one.random.choice((1, 1, 1, 2)), errors="surrogatepass")
    proof = f"Bearer {key.text}" if (who in (NODE, INGEST)) != one.often(0.05) else access.BEARER["Authorization"]
    head: dict[str, bytes] = {"Host": b"localhost", "Connection": b"close"}
    head |= {} if one.often(0.03) else {"Authorization": proof.encode()}
    body = b""
    if method != "GET" or one.often(0.05):
        good = one.random.choice(BODIES.get(f"{method} {template}", [{}]))
        body = json.dumps(good).encode() if one.often(0.2) else one.body(good)
        head["Content-Type"] = b"application/json"
        if one.often(0.1):
            kind = one.random.choice(("gzip", "zstd"))
            body = gzip.compress(body) if kind == "gzip" else zstd.compress(body)
            body = one.bytes(body) if one.often(0.3) else body
            head["Content-Encoding"] = kind.encode()
        head["Content-Length"] = str(len(body)).encode()
    if one.often(0.2):
        head[one.random.choice(OTHER_HEADERS)] = one.random.choice(VALUES)
    if one.often(0.05):
        method = one.random.choice(("HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST", "GET", "BREW"))
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), head[name]) for name in head)
    return f"{method} ".encode() + target.encode("latin-1") + b" HTTP/1.1\r\n" + lines + b"\r\n" + body


def _part(one: Mutator, good: str) -> str:
    """Return a part of a path: quoted, or some bytes as they are."""
    if one.often(0.5):
        return good
    if one.often(0.9):
        return quote(one.text(good), safe="", errors="surrogatepass")[:3000]
    return one.random.choice(("%", "%ff", "\xff", "%ED%A0%80", "\xc3\xa9", "%2f..%2f", "..", ".", "%00", ";a=b", "*"))


async def answer_to(port: int, request: bytes) -> tuple[int, bytes]:
    """Return code and bytes of the answer; of a stream, which does not end, the head; 0 when there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            rest = b"" if b"text/event-stream" in head else await reader.read()
        return int(head.split(b" ")[1]), head + rest
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return 0, b""
    finally:
        writer.transport.abort()


def test_every_route_that_takes_a_body_has_one_to_be_mutated() -> None:
    bare = {"POST /api/v1/nodes/{id}/revoke"}
    takes = {f"{method} {path}" for method, path, _, _ in routes.TABLE if method in ("POST", "PATCH", "PUT")}
    assert takes == BODIES.keys() | bare


@pytest.mark.timeout(3600 if LONG else 120)
async def test_no_request_to_any_route_makes_a_mistake_of_ours_or_tells_a_secret(api: Api) -> None:
    codes: Counter[int] = Counter()
    wrong: list[tuple[Any, ...]] = []
    good: set[str] = set()
    key = await api.store.write(furnish)
    secrets = [farm.PASSWORD, farm.KEY, access.TOKEN.secret, access.TOKEN.secret_hash, "$argon2", "correct horse"]
    with watched([*secrets, key.secret]):
        for number in range(CASES):
            case = f"request {number}"
            one = Mutator(case, WORDS)
            row = row_of(one)
            sent = request_of(one, row, key)
            code, answer = await answer_to(api.port, sent)
            told = [secret for secret in (*secrets, key.secret) if secret.encode() in answer]
            # Who is refused in the middle of a large body may be told by a reset alone.
            if told or not (200 <= code < 500 or (code == 0 and len(sent) > 16384)):
                wrong.append((case, code, told, sent[:600], answer[-300:]))
            codes[code] += 1
            good |= {f"{row[0]} {row[1]}"} if code < 300 else set()
            if number % 20 == 19:
                api.clock.advance(60)
                await api.fleet.beat()
            if number % 100 == 99:
                key = await api.store.write(furnish)
        assert not wrong, (len(wrong), wrong[:5])
    print(f"{CASES} requests: {sorted(codes.items())}; {len(good)} of {len(routes.TABLE)} routes were reached")
    assert len(good) > len(routes.TABLE) * (0.85 if LONG else 0.5), "most requests went wrong before they came anywhere"
    assert (await api.get("/healthz"))["status"] in ("ok", "degraded")
