"""The pools that are allowed, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from hived.store import audit
from tests.api.farm import MAC, Api

ALLOWED = "/api/v1/pools/allowed"


async def row(api: Api) -> dict[str, Any]:
    return next(one for one in (await api.get("/api/v1/rows"))["rows"] if one["id"] == MAC)


async def test_an_entry_judges_every_miner_at_once_and_its_end_too(api: Api) -> None:
    assert await api.get(ALLOWED) == []
    used = await api.get("/api/v1/pools")
    assert {one["allowed"] for one in used} == {None}
    assert any(MAC in one["miners"] for one in used)
    code, entry = await api.ask("POST", ALLOWED, {"url": "another.example", "worker": "farm"})
    assert (code, entry["url"], entry["worker"]) == (201, "another.example", "farm")
    assert await api.get(ALLOWED) == [entry]
    assert "foreign" in (await row(api))["condition"]["marks"]
    assert "not allowed" in (await row(api))["condition"]["why"]
    assert (await api.get("/api/v1/fleet"))["counts"]["foreign"] == 1
    assert (await api.get(f"/api/miners/{MAC}"))["condition"] == (await row(api))["condition"]
    assert (await api.get("/api/v1/pools"))[0]["allowed"] is False
    assert (await api.ask("POST", ALLOWED, {"url": "another.example", "worker": "farm"}))[0] == 409
    assert (await api.ask("DELETE", f"{ALLOWED}/{entry['id']}"))[0] == 204
    assert (await api.ask("DELETE", f"{ALLOWED}/{entry['id']}"))[0] == 404
    assert "foreign" not in (await row(api))["condition"]["marks"]
    told = await api.store.read(audit.listing, limit=2)
    assert [one["action"] for one in told] == ["pool.remove", "pool.allow"]


@pytest.mark.parametrize("body", [{}, {"url": ""}, {"url": 7}, {"url": "a b"}, {"url": "*"}, {"url": "x", "worker": 7}])
async def test_what_makes_no_sense_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert (await api.ask("POST", ALLOWED, body))[0] == 400
    for number in ("x", "-1", "1e3", "9" * 30):
        assert (await api.ask("DELETE", f"{ALLOWED}/{number}"))[0] == 400
