"""Webhooks over HTTP: masked, for admins alone, the secret shown once, and tried by a signed request."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hived.records.hosts import OwnHosts
from hived.services.alerts.outgoing import Outgoing
from hived.store import Store, audit
from tests.api import farm
from tests.api.farm import Api
from tests.clients.outgoing.receivers import web
from tests.clock import FakeClock

HOOKS = "/api/v1/webhooks"
URL = "https://erp.example.com/geheim"
OUT = Outgoing((), OwnHosts.of(["127.0.0.1"]))


@pytest.fixture
async def api(made: Callable[[str], str], clock: FakeClock) -> AsyncIterator[Api]:
    async with Store.open(made("empty")) as opened, farm.serve(opened, clock, outgoing=OUT) as running:
        yield running


async def test_a_webhook_is_added_with_its_secret_shown_once_changed_tried_and_removed(api: Api) -> None:
    code, made = await api.ask("POST", HOOKS, {"name": "erp", "url": URL, "kinds": ["miner_offline"]})
    assert (code, made["url"], made["kinds"]) == (201, "https://erp.example.com/***", ["miner_offline"])
    assert made["secret"].startswith("whsec_")
    (shown,) = await api.get(HOOKS)
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    code, changed = await api.ask("PATCH", f"{HOOKS}/erp", {"kinds": [], "enabled": False})
    assert (code, changed["kinds"], changed["enabled"]) == (200, [], False)
    assert (await api.ask("POST", HOOKS, {"name": "erp", "url": URL}))[0] == 409
    async with web() as hook:
        here = {"name": "here", "url": f"http://127.0.0.1:{hook.port}/"}
        assert (await api.ask("POST", HOOKS, here))[0] == 201
        code, tried = await api.ask("POST", f"{HOOKS}/here/test")
        assert (code, tried) == (200, {"ok": True, "status": 200, "said": "fine!"})
        assert b"webhook-signature: v1," in hook.got[0]
    assert (await api.ask("DELETE", f"{HOOKS}/erp"))[0] == 204
    assert (await api.ask("DELETE", f"{HOOKS}/erp"))[0] == 404
    noted = json.dumps([await api.store.read(audit.listing, limit=9), await api.get(HOOKS)])
    assert "geheim" not in noted
    assert "whsec_" not in noted


NO_HOOKS: tuple[dict[str, Any], ...] = (
    {}, {"name": "erp"}, {"url": URL}, {"name": "Erp", "url": URL}, {"name": "erp", "url": "ftp://x/geheim"},
    {"name": "erp", "url": 7}, {"name": "erp", "url": URL, "kinds": "all"}, {"name": "erp", "url": URL, "kinds": [7]},
    {"name": "erp", "url": URL, "kinds": ["no_kind"]}, {"name": "erp", "url": URL, "secret": "short"},
    {"name": "erp", "url": URL, "more": 1}, {"name": "erp", "url": URL, "kinds": ["reboot"] * 101},
)  # fmt: skip


async def test_what_makes_no_webhook_is_refused(api: Api) -> None:
    for body in NO_HOOKS:
        code, said = await api.ask("POST", HOOKS, body)
        assert (code, "geheim" in said["error"]) == (400, False), body
    assert (await api.ask("PATCH", f"{HOOKS}/none", {"enabled": True}))[0] == 404
    assert (await api.ask("POST", f"{HOOKS}/none/test"))[0] == 404
