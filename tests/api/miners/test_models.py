"""The inherited calls about models."""

from __future__ import annotations

from hived.records.miner import ModelInfo, Preset
from hived.store.miners import models
from tests.api.farm import MAC, NOW, Api


async def test_a_model_has_every_field_of_the_contract(api: Api) -> None:
    found = await api.get("/api/models/s19")
    assert found == {
        "name": "Antminer S19", "alias": "s19", "max_preset": None, "min_preset": None,
        "presets": ["disabled", "2350", "3050", "Turbo"],
        "presets_power": [
            {"preset": "disabled", "power_w": None, "hashrate_th": None, "modded_psu_required": False},
            {"preset": "2350", "power_w": 2350.0, "hashrate_th": 78.0, "modded_psu_required": False},
            {"preset": "3050", "power_w": 3050.0, "hashrate_th": 96.0, "modded_psu_required": False},
            {"preset": "Turbo", "power_w": 3600.0, "hashrate_th": 110.0, "modded_psu_required": True},
        ],
        "created_at": "2027-01-15T07:50:00.000Z", "chips_per_chain": 3, "chains": 3, "topology": [[0, 1], [2, -1]],
        "firmware_versions": ["1.2.6"], "refreshed_at": "2027-01-15T07:50:00.000Z", "miners": 1,
    }  # fmt: skip
    assert await api.get("/api/models") == [found]


async def test_patch_max_preset_takes_a_preset_of_the_model_in_any_case(api: Api) -> None:
    code, found = await api.ask("PATCH", "/api/models/s19", {"max_preset": "turbo"})
    assert (code, found["max_preset"]) == (200, "Turbo")
    listed = (await api.get("/api/miners"))[0]
    assert (listed["max_preset"], listed["model"]["max_preset"]) == ("Turbo", "Turbo")
    assert (await api.get(f"/api/miners/{MAC}"))["model"]["max_preset"] == "Turbo"
    code, found = await api.ask("PATCH", "/api/models/s19", {"max_preset": None})
    assert (code, found["max_preset"]) == (200, None)
    assert (await api.get("/api/miners"))[0]["model"]["max_preset"] is None


async def test_anything_else_is_no_max_preset(api: Api) -> None:
    for body, word in (
        ({"max_preset": "9999"}, "2350, 3050"), ({"max_preset": ""}, "preset"), ({"max_preset": 3050}, "preset"),
        ({"max_preset": ["3050"]}, "preset"), ({}, "nothing to change"), ({"name": "x"}, "name"), ([], "object"),
        (b'{"max_preset": null, "max_preset": "3050"}', "more than once"),
    ):  # fmt: skip
        code, reply = await api.ask("PATCH", "/api/models/s19", body)
        assert code == 400, body
        assert word in reply["error"], (body, reply)
    assert (await api.get("/api/models/s19"))["max_preset"] is None


async def test_an_unknown_model_is_404(api: Api) -> None:
    for alias in ("s99", "..", "%2e%2e%2fx", "a" * 500, "%F0%9F%92%A9"):
        assert (await api.ask("PATCH", f"/api/models/{alias}", {"max_preset": None}))[0] == 404, alias
        assert (await api.ask("GET", f"/api/models/{alias}"))[0] == 404, alias


async def test_a_ladder_that_grows_without_a_change_of_its_miners_reaches_the_list(api: Api) -> None:
    ladder = [Preset("9000", 9000.0, 300e12)]
    await api.do(models.save, ModelInfo("s19", "Antminer S19"), ladder, "1.2.7", NOW)
    api.clock.advance(11)
    await api.fleet.beat()
    assert "9000" in (await api.get("/api/miners"))[0]["model"]["presets"]
