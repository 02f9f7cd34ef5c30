"""The ways to people over HTTP: masked, for admins alone, and tried by a message to a real receiver."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hived.records.hosts import OwnHosts
from hived.runtime.named_urls import NamedUrl
from hived.services.alerts.outgoing import Outgoing
from hived.store import Store, audit
from tests import alerts
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.clients.outgoing.receivers import web
from tests.clock import FakeClock

CHANNELS = "/api/v1/channels"
URL = "gotify://gotify.example.com/Ageheimnis12345"


OUT = Outgoing((NamedUrl("phone", "ntfys://ntfy.example.com/geheim"),), OwnHosts.of(["127.0.0.1"]))
"""The configuration has one channel, and lets others reach this machine."""


@pytest.fixture
async def api(made: Callable[[str], str], clock: FakeClock) -> AsyncIterator[Api]:
    async with Store.open(made("empty")) as opened, farm.serve(opened, clock, outgoing=OUT) as running:
        yield running


async def test_a_channel_is_added_shown_masked_changed_and_removed(api: Api) -> None:
    code, made = await api.ask("POST", CHANNELS, {"name": "ops", "url": URL, "least": "bad"})
    assert (code, made["url"], made["least"], made["by"]) == (201, "gotify://gotify.example.com/***", "bad", "tests")
    assert [(one["name"], one["configured"]) for one in await api.get(CHANNELS)] == [("ops", False), ("phone", True)]
    code, changed = await api.ask("PATCH", f"{CHANNELS}/phone", {"enabled": False, "least": "bad"})
    assert (code, changed["enabled"], changed["least"]) == (200, False, "bad")
    assert (await api.ask("POST", CHANNELS, {"name": "ops", "url": URL}))[0] == 409
    assert (await api.ask("DELETE", f"{CHANNELS}/phone"))[0] == 409  # its file says so
    assert (await api.ask("DELETE", f"{CHANNELS}/ops"))[0] == 204
    assert (await api.ask("DELETE", f"{CHANNELS}/ops"))[0] == 404
    noted = await api.store.read(audit.listing, limit=9)
    assert [row["action"] for row in noted] == ["channel.remove", "channel.change", "channel.add"]
    assert "geheim" not in json.dumps([noted, await api.get(CHANNELS)])


NO_CHANNELS: tuple[dict[str, Any], ...] = (
    {}, {"name": "ops"}, {"url": URL}, {"name": "Ops", "url": URL}, {"name": "ops", "url": "exec://rm"},
    {"name": "ops", "url": URL, "least": "loud"}, {"name": "ops", "url": 7}, {"name": "ops", "url": URL, "more": 1},
    {"name": "ops", "url": "gotify://h/" + "x" * 2000},
)  # fmt: skip


async def test_what_makes_no_channel_is_refused_without_a_word_of_its_url(api: Api) -> None:
    for body in NO_CHANNELS:
        code, said = await api.ask("POST", CHANNELS, body)
        assert (code, "geheim" in said["error"]) == (400, False), body
    assert (await api.ask("PATCH", f"{CHANNELS}/phone", {"enabled": "no"}))[0] == 400
    assert [one["name"] for one in await api.get(CHANNELS)] == ["phone"]


async def test_a_test_says_what_was_answered_and_sends_one_message(api: Api) -> None:
    answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 480\r\n\r\n" + b"out of order" * 40
    async with web(answer) as there:
        url = f"json://127.0.0.1:{there.port}/secret-path"
        assert (await api.ask("POST", CHANNELS, {"name": "ops", "url": url}))[0] == 201
        code, said = await api.ask("POST", f"{CHANNELS}/ops/test", {})
    assert (code, said["ok"], said["status"]) == (200, False, 502)
    assert said["said"].startswith("out of order")
    assert len(said["said"]) <= 200
    assert len(there.got) == 1
    assert (await api.ask("POST", f"{CHANNELS}/nothing/test", {}))[0] == 404
    noted = await api.store.read(audit.listing, limit=1)
    assert (noted[0]["action"], noted[0]["after"]) == ("channel.test", {"ok": False, "status": 502})


async def test_what_does_not_arrive_is_shown_with_its_channel(api: Api) -> None:
    await api.store.write(alerts.furnish, NOW)
    found = {one["name"]: one for one in await api.get(CHANNELS)}
    assert found["mail"]["undelivered"] == []
    failed = found["ops"]["undelivered"]
    assert [(one["attempts"], one["said"], one["title"].partition(":")[0]) for one in failed] == [
        (1, "502: bad gateway", "127.20.0.21"), (1, "502: bad gateway", "12 miners offline, all at once"),
    ]  # fmt: skip
    assert "secret" not in json.dumps(found)
