"""What answers at an address with a miner's MAC is that miner, once the operator says so."""

from __future__ import annotations

from typing import Any

from hived.store import audit
from hived.store.miners import miners, trust
from tests.api import farm
from tests.api.farm import MAC, NOW, Api


async def known(api: Api) -> Any:
    return await api.store.read(miners.by_mac, MAC)


async def test_the_operator_agrees_to_an_address(api: Api) -> None:
    there = await known(api)
    await api.do(trust.doubt, there.num, there.ip, NOW, "not_agreed", "does not take our key")
    row = await api.get(f"/api/miners/{MAC}")
    assert (row["condition"]["tone"], row["condition"]["why"]) == (
        "bad", "is at an address that nobody agreed to: it gets no password there",
    )  # fmt: skip
    code, said = await api.ask("POST", f"/api/v1/miners/{MAC}/agree", {})
    assert (code, said["id"]) == (200, MAC)
    assert said["condition"]["why"] != row["condition"]["why"]
    assert ((await known(api)).agreed_ip, (await known(api)).doubted_ip) == (there.ip, None)
    told = await api.store.read(audit.listing, limit=1)
    assert (told[0]["action"], told[0]["target"]) == ("miner.agree", MAC)


async def test_another_address_may_be_named_and_has_to_be_one(api: Api) -> None:
    there = await known(api)
    code, _ = await api.ask("POST", f"/api/v1/miners/{MAC}/agree", {"ip": "127.20.3.9"})
    assert code == 200
    assert ((await known(api)).agreed_ip, (await known(api)).doubted_ip) == ("127.20.3.9", there.ip)
    for body in ({"ip": 7}, {"ip": "x"}, {"ip": "127.20.3.0/24"}, {"ip": "255.255.255.255"}, {"address": "127.0.0.1"}):
        assert (await api.ask("POST", f"/api/v1/miners/{MAC}/agree", body))[0] == 400, body
    assert (await api.ask("POST", f"/api/v1/miners/{farm.mac_of(999)}/agree", {}))[0] == 404
