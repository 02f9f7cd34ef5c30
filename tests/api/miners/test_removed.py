"""Miners that are removed, and machines whose control board was replaced."""

from __future__ import annotations

from hived.store import audit
from hived.store.miners import miners
from tests.api import farm
from tests.api.farm import MAC, NOW, Api

OTHER = farm.mac_of(77)


async def gone(api: Api, mac: str) -> None:
    known = await api.store.read(miners.by_mac, mac)
    assert known is not None
    await api.do(miners.missed, [known.num], NOW, offline_after=1)


async def found(api: Api, mac: str, at: float) -> None:
    identity = farm.identity(1)
    other = type(identity)(mac, identity.model_name, identity.model_alias)
    await api.do(miners.saw, miners.Sighting(other, "127.20.3.3", at, "vnish", "chips"), node_id="node-1")


async def test_only_one_that_is_gone_can_be_removed_and_its_row_leaves_the_list(api: Api) -> None:
    code, said = await api.ask("DELETE", f"/api/miners/{MAC}")
    assert code == 409
    assert "is there" in said["error"]
    await gone(api, MAC)
    assert (await api.ask("DELETE", f"/api/miners/{MAC}"))[0] == 204
    assert (await api.ask("DELETE", f"/api/miners/{MAC}"))[0] == 404
    assert MAC not in {row["id"] for row in (await api.get("/api/v1/rows"))["rows"]}
    told = await api.store.read(audit.listing, limit=1)
    assert (told[0]["action"], told[0]["target"]) == ("miner.remove", MAC)


async def test_two_rows_become_one_miner(api: Api) -> None:
    await gone(api, MAC)
    await found(api, OTHER, NOW + 60)
    before = await api.get(f"/api/miners/{MAC}/statuses?limit=99")
    code, said = await api.ask("POST", f"/api/v1/miners/{MAC}/merge", {"into": OTHER})
    assert (code, said["id"], said["online"]) == (200, OTHER, True)
    assert [one["recorded_at"] for one in await api.get(f"/api/miners/{OTHER}/statuses?limit=99")] == [
        one["recorded_at"] for one in before
    ]
    rows = {row["id"] for row in (await api.get("/api/v1/rows"))["rows"]}
    assert (MAC in rows, OTHER in rows) == (False, True)
    assert (await api.ask("POST", f"/api/v1/miners/{MAC}/merge", {"into": OTHER}))[0] == 404
    for body in ({}, {"into": 7}, {"into": "x"}):
        assert (await api.ask("POST", f"/api/v1/miners/{OTHER}/merge", body))[0] == 400
    assert (await api.ask("POST", f"/api/v1/miners/{OTHER}/merge", {"into": OTHER}))[0] == 400
