"""What is laid down for single miners and models, over HTTP: who may, what is shown, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records.access import Role
from hived.store import audit
from hived.store.miners import miners
from hived.store.schema import Miner
from tests.api import farm
from tests.api.farm import MAC, NOW, Api

PATH = f"/api/miners/{MAC}"
HOLD = {"why": "on the bench", "until": "2027-01-15T09:00:00Z"}
LAID = ("group", "tags", "locked", "protected", "min_preset")


async def row(api: Api) -> dict[str, Any]:
    return next(one for one in (await api.get("/api/v1/rows"))["rows"] if one["id"] == MAC)


async def test_rules_are_shown_in_the_miner_its_row_and_the_list_at_once_each_with_its_audit_row(api: Api) -> None:
    laid = {"group": "row 3", "tags": ["old", "hot", "old"], "locked": HOLD, "min_preset": "TURBO"}
    code, found = await api.ask("PATCH", PATH, laid)
    assert code == 200
    shown = {name: found[name] for name in LAID}
    assert shown == {
        "group": "row 3", "tags": ["hot", "old"], "protected": None, "min_preset": "Turbo",
        "locked": {
            "why": "on the bench", "by": "tests", "at": "2027-01-15T08:00:00.000Z", "until": "2027-01-15T09:00:00.000Z"
        },
    }  # fmt: skip
    for one in (await row(api), (await api.get("/api/miners"))[0]):
        assert {name: one[name] for name in LAID} == shown
    told = await api.store.read(audit.listing, limit=4)
    assert {one["action"]: (one["before"], one["after"]) for one in told} | {"miner.locked": None} == {
        "miner.group": ({"group": None}, {"group": "row 3"}), "miner.tags": ({"tags": []}, {"tags": ["hot", "old"]}),
        "miner.min_preset": ({"min_preset": None}, {"min_preset": "Turbo"}), "miner.locked": None,
    }  # fmt: skip
    assert {one["target"] for one in told} == {MAC}
    await api.ask("PATCH", PATH, {"group": "row 3"})
    assert len(await api.store.read(audit.listing, limit=10)) == 4, "what changes nothing is no change"
    nothing: dict[str, Any] = {"group": None, "tags": [], "locked": None, "min_preset": None}
    assert (await api.ask("PATCH", PATH, nothing))[1].items() >= (nothing | {"protected": None}).items()


async def test_a_hold_that_is_over_is_shown_no_more_though_nobody_took_it_away(api: Api) -> None:
    await api.ask("PATCH", PATH, {"locked": HOLD, "protected": {"why": "visitors"}})
    api.clock.advance(3599.0)
    await api.fleet.beat()
    assert (await row(api))["locked"] is not None
    api.clock.advance(2.0)
    serial = api.fleet.serial
    await api.fleet.beat()
    for one in (await row(api), await api.get(PATH)):
        assert (one["locked"], one["protected"]["why"]) == (None, "visitors")
    assert api.fleet.serial > serial, "who follows the stream is told"


@pytest.mark.parametrize(
    ("body", "least"),
    [
        ({"managed": False}, "operator"), ({"managed": True}, "admin"), ({"group": "a"}, "operator"),
        ({"group": None}, "operator"), ({"tags": ["a"]}, "operator"), ({"unlock_pass": "x"}, "operator"),
        ({"min_preset": "2350"}, "admin"), ({"min_preset": None}, "admin"), ({"locked": {"why": "x"}}, "admin"),
        ({"locked": None}, "admin"), ({"protected": {"why": "x"}}, "admin"), ({"protected": None}, "admin"),
        ({"group": "a", "managed": True}, "admin"),
    ],
)  # fmt: skip
async def test_each_rule_of_a_miner_takes_its_role(api: Api, body: dict[str, Any], least: Role) -> None:
    for role, allowed in (("viewer", False), ("operator", least == "operator"), ("admin", True)):
        async with api.browser(role) as client:  # type: ignore[arg-type]
            before = await api.get(PATH)
            code, said = await client.ask("PATCH", PATH, body)
            assert code == (200 if allowed else 403), (role, said)
            assert allowed or await api.get(PATH) == before


async def test_limits_of_a_model_take_their_role_and_leave_a_preset(api: Api) -> None:
    path = "/api/models/s19"
    async with api.browser("operator") as operator:
        for limits, code in (
            ({"max_preset": "3050"}, 200), ({"max_preset": "Turbo"}, 403), ({"max_preset": None}, 403),
            ({"max_preset": "2350"}, 200), ({"min_preset": "2350"}, 403), ({"min_preset": None}, 403),
        ):  # fmt: skip
            assert (await operator.ask("PATCH", path, limits))[0] == code, limits
    assert (await api.ask("PATCH", path, {"max_preset": "3050", "min_preset": "2350"}))[0] == 200
    assert (await row(api))["min_preset"] is None
    shown = (await api.get("/api/miners"))[0]["model"]
    assert (shown["min_preset"], shown["max_preset"]) == ("2350", "3050")
    for bad in ({"min_preset": "Turbo"}, {"max_preset": "disabled"}, {"min_preset": "9"}, {"min_preset": 2350}, {}):
        assert (await api.ask("PATCH", path, bad))[0] == 400, bad
    assert (await api.ask("PATCH", PATH, {"min_preset": "Turbo"}))[0] == 400, "its model allows less"
    told = await api.store.read(audit.listing, limit=1)
    assert (told[0]["action"], told[0]["after"]) == ("model.min_preset", {"min_preset": "2350"})


async def test_an_order_to_a_node_takes_the_role_of_what_it_widens(api: Api) -> None:
    async with api.browser("operator") as operator:
        for verb, args, code in (
            ("set_managed", {"mac": MAC, "managed": True}, 403), ("set_managed", {"mac": MAC, "managed": False}, 202),
            ("set_managed", {"mac": MAC}, 403), ("set_max_preset", {"alias": "s19", "name": None}, 403),
            ("set_max_preset", {"alias": "s19", "name": "2350"}, 403),
        ):  # fmt: skip
            assert (await operator.ask("POST", "/api/v1/commands", {"verb": verb, "args": args}))[0] == code, args


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"group": ""}, "group"), ({"group": 3}, "group"), ({"group": "a\nb"}, "group"), ({"group": "x" * 101}, "group"),
    ({"tags": "a"}, "tags"), ({"tags": None}, "tags"), ({"tags": [1]}, "tags"), ({"tags": ["a"] * 17}, "tags"),
    ({"locked": True}, "locked"), ({"locked": {}}, "locked"), ({"locked": {"why": ""}}, "why"),
    ({"locked": {"why": "x" * 201}}, "why"), ({"locked": {"why": "x", "by": "y"}}, "locked"),
    ({"protected": {"why": "x", "until": "tomorrow"}}, "until"), ({"locked": {"why": "x", "until": 5}}, "until"),
    ({"locked": {"why": "x", "until": "2027-01-15T07:59:59Z"}}, "over"), ({"locked": ["x"]}, "locked"),
    ({"min_preset": "9999"}, "2350"), ({"group": "a", "min_preset": "9999"}, "2350"), ({"lock": None}, "unknown"),
)  # fmt: skip


async def test_what_makes_no_sense_is_refused_with_a_sentence_and_changes_nothing(api: Api) -> None:
    before = await api.get(PATH)
    for body, word in BAD:
        code, said = await api.ask("PATCH", PATH, body)
        assert (code, word in said["error"]) == (400, True), (body, said)
    assert await api.get(PATH) == before


async def test_of_another_nodes_miner_that_node_keeps_the_rules(api: Api) -> None:
    await api.do(lambda db: Miner.update(remote=True, node_id="n1").where(Miner.mac == MAC).execute(db))
    bodies: tuple[dict[str, Any], ...] = ({"group": "a"}, {"tags": []}, {"locked": {"why": "x"}}, {"min_preset": None})
    for body in bodies:
        said = (409, {"error": "another node watches it: set this there"})
        assert await api.ask("PATCH", PATH, body) == said, body


async def test_verbs_are_what_the_firmware_can_do(api: Api) -> None:
    for features, verbs in (("chips", []), ("locate pause preset", ["pause", "resume", "locate", "preset", "power"])):
        sighting = miners.Sighting(farm.identity(1), farm.address_of(1), NOW, "vnish", features)
        await api.do(miners.saw, sighting, node_id="node-1")
        for one in (await row(api), await api.get(PATH)):
            assert one["verbs"] == verbs
