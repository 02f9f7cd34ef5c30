"""python -m tests.record_examples: run a whole simulated site, ask it everything, and keep the answers as examples.

They go into hived/api/http/examples.json, of lists the first entries, and without the secrets that are shown once.
`tests/api/http/test_examples.py` holds them to the description.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from hived.api import routes
from hived.api.http import examples
from hived.api.http.answers import JSON, SAID
from tests.nodes import batch, said
from tests.system.test_suite import Suite
from tests.waiting import until

FILE = Path(examples.__file__).with_name(examples.FILE)
SHOWN_ONCE = {"token": "hive_...", "key": "hived_...", "code": "ABCD-EFGH"}
PASSWORD = "words that are easy to keep"
FIRST = 2
"""Entries of a list that are kept."""


class Recorder:
    """Asks a site as an admin, and keeps what was answered."""

    def __init__(self, suite: Suite, http: aiohttp.ClientSession) -> None:
        self.suite, self.http = suite, http
        self.kept: dict[str, dict[str, Any]] = {}

    async def ask(self, route: str, body: Any = None, *, query: str = "", keep: bool = True, **parts: Any) -> Any:
        """Ask a route of the table such as "GET /api/miners/{mac}"; AssertionError when it says no."""
        method, _, path = route.partition(" ")
        target = re.sub(r"\{(\w+)[^}]*\}", lambda found: str(parts[found[1]]), path)
        proof = {"Authorization": f"Bearer {parts['bearer']}"} if "bearer" in parts else {}
        async with self.http.request(method, target + query, json=body, headers=proof) as reply:
            text = await reply.read()
            assert reply.status < 300, (route, reply.status, text[:500])
        answer = json.loads(text) if text else None
        if keep:
            told = {"body": body, "status": reply.status, "answer": short(answer, hides=method == "POST")}
            self.kept[route] = {key: value for key, value in told.items() if value is not None}
        return answer


def short(value: Any, *, hides: bool = False) -> Any:
    """Return an answer with the first entries of its lists, and without secrets that are shown once."""
    if isinstance(value, dict):
        found = {name: short(one, hides=hides) for name, one in value.items()}
        return {
            name: SHOWN_ONCE.get(name, one) if hides and isinstance(one, str) else one for name, one in found.items()
        }
    return [short(one, hides=hides) for one in value[:FIRST]] if isinstance(value, list) else value


async def steer(site: Recorder, mac: str, alias: str) -> None:
    """Change what people change of miners, and give orders."""
    change = {"group": "row 3", "tags": ["hot aisle"], "managed": True}
    await site.ask("PATCH /api/miners/{mac}", change, mac=mac)
    presets = (await site.ask("GET /api/models/{alias}", alias=alias))["presets"]
    await site.ask("PATCH /api/models/{alias}", {"max_preset": presets[-1]}, alias=alias)
    pause = {
        "verb": "pause",
        "where": {"group": "row 3"},
        "packet": {"size": 10, "interval_seconds": 2},
        "key": "2026-12-01 a",
    }
    # What somebody tries out of the description by one click changes nothing.
    await site.ask("POST /api/v1/orders", {**pause, "dry_run": True})
    number = (await site.ask("POST /api/v1/orders", pause, keep=False))["id"]

    async def is_done() -> bool:
        order = await site.ask("GET /api/v1/orders/{id}", id=number)
        return bool(order["state"] == "done" and order["can_undo"])

    await until(is_done, 90)
    await site.ask("POST /api/v1/orders/{id}/undo", {"dry_run": True}, id=number)
    await site.ask("POST /api/v1/orders/{id}/undo", {}, id=number, keep=False)
    locate = {"verb": "locate", "miners": [mac], "args": {"seconds": 30}}
    other = (await site.ask("POST /api/v1/orders", locate, keep=False))["id"]
    await site.ask("POST /api/v1/orders/{id}/cancel", {}, id=other)
    night = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "17:00", "to": "20:00"}
    order = {"verb": "pause", "where": {"group": "row 3"}}
    plan = await site.ask("POST /api/v1/plans", {"name": "peak hours", "when": night, "order": order})
    await site.ask("PATCH /api/v1/plans/{id}", {"enabled": False}, id=plan["id"])
    until_then = (datetime.now(UTC) + timedelta(hours=3)).isoformat(timespec="seconds")
    await site.ask("POST /api/v1/plans/storm", {"name": "storm", "until": until_then, "order": order})
    await site.ask("POST /api/v1/miners/{mac}/agree", {}, mac=mac)
    await site.ask("POST /api/v1/pools/allowed", {"url": "*.pool.example", "worker": "farm"})
    found = await site.ask("POST /api/v1/scan", {})
    await site.ask("POST /api/v1/commands", {"verb": "scan", "args": {}})
    await site.ask("GET /api/v1/commands/{id}", id=found["id"])


async def warn(site: Recorder) -> None:
    """Have people be told of something, and take it in hand."""
    rule = {"name": "much-power", "sign": "measure.power_w", "severity": "warn", "threshold": 500, "miners": 2}
    await site.ask("PUT /api/v1/alerts/rules", {"rules": [rule]})
    when = {"days": ["sun"], "from": "06:00", "to": "08:00"}
    await site.ask("POST /api/v1/alerts/windows", {"name": "fans", "when": when, "scope": {"group": "row 3"}})
    url = "ntfys://ntfy.example.com/farm"
    await site.ask("POST /api/v1/channels", {"name": "phones", "url": url, "least": "bad"})
    await site.ask("PATCH /api/v1/channels/{name}", {"least": "warn"}, name="phones")

    async def is_open() -> bool:
        return any(one["rule"] == rule["name"] for one in await site.ask("GET /api/v1/alerts"))

    await until(is_open, 90)
    found = await site.ask("GET /api/v1/alerts")
    number = next(one["id"] for one in found if one["rule"] == rule["name"])
    await site.ask("POST /api/v1/alerts/{id}/snooze", {"seconds": 3600}, id=number)
    await site.ask("POST /api/v1/alerts/{id}/acknowledge", {}, id=number)
    await site.ask("GET /api/v1/alerts/{id}", id=number)


async def admit(site: Recorder) -> None:
    """Make users, tokens and nodes."""
    await site.ask("POST /api/v1/users", {"name": "anna", "role": "operator", "password": PASSWORD})
    await site.ask("PATCH /api/v1/users/{name}", {"role": "viewer"}, name="anna")
    await site.ask("POST /api/v1/tokens", {"name": "graphs", "role": "viewer", "scopes": ["miners", "metrics"]})
    await site.ask("POST /api/v1/enroll-codes", {})
    key = (await site.ask("POST /api/v1/nodes", {"node_id": "histo-1", "name": "Histo"}))["key"]
    sent = batch("histo-1", "contributions", 1, 1, [said(1, 1)])
    await site.ask("POST /api/v1/ingest", sent, bearer=key)
    old = {"url": "https://museum.example/objects/7", "content": {"title": "Vase"}, "node_id": "histo-1"}
    await site.ask("POST /master/ingest", old, bearer=key)
    await site.ask("POST /api/v1/nodes/{id}/revoke", {}, id="histo-1")
    await site.ask("POST /api/v1/nodes/refuse")


async def collect(site: Recorder) -> None:
    """Have the auto-miner run, and a source added."""
    await site.ask(
        "POST /sources", {"name": "A museum", "base_url": "https://museum.example/collection", "kind": "web"}
    )
    await site.ask("POST /scrape/start")

    async def has_some() -> bool:
        return bool(await site.ask("GET /artifacts", query="?state=described&limit=5"))

    await until(has_some, 120)
    await site.ask("POST /scrape/stop")
    newest = await site.ask("GET /artifacts", query="?state=described")
    await site.ask("GET /artifacts/{id}", id=newest[0]["id"])


async def look(site: Recorder, mac: str) -> None:
    """Ask for everything that can be read in JSON."""
    for method, path, handler, _ in routes.TABLE:
        route = f"{method} {path}"
        is_read = method == "GET" and SAID[handler].media == JSON and path != "/api/openapi.json"
        if is_read and route not in site.kept and ("{" not in path or "{mac}" in path):
            await site.ask(route, mac=mac)


async def record(port: int, folder: Path) -> dict[str, Any]:
    suite = Suite(folder, port, miners=3, nodes=1)
    try:

        async def is_up() -> bool:
            assert suite.process.poll() is None, suite.err.read_text()
            found = await suite.miners()
            return len(found) == 6 and all(one["latest_status"] and one["model_alias"] for one in found)

        await until(is_up, 120)
        async with aiohttp.ClientSession(suite.url, headers=suite.cookie, cookie_jar=aiohttp.DummyCookieJar()) as http:
            site = Recorder(suite, http)
            miner = next(one for one in await suite.miners() if one["node_name"] == "master" and one["verbs"])
            await collect(site)
            await warn(site)
            await steer(site, miner["id"], miner["model_alias"])
            await admit(site)
            await look(site, miner["id"])
            await site.ask("POST /api/v1/session", {"user": "anna", "password": PASSWORD})  # ends the one that asked
            return dict(sorted(site.kept.items()))
    finally:
        suite.end()


def main() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(record(port, Path(folder)))
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(found)} examples in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
