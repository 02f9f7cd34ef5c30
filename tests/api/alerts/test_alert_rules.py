"""The rules of alerts, maintenance and quiet hours over HTTP: read, changed whole or not at all, and audited."""

from __future__ import annotations

from typing import Any

from hived.records.alerts import DEFAULTS
from hived.records.signs import SIGNS
from hived.records.times import rfc3339
from hived.store import audit
from hived.store.alerts import rules as rows
from tests.api.farm import NOW, Api

RULES = "/api/v1/alerts/rules"
SIGNS_PATH = "/api/v1/alerts/signs"
WINDOWS = "/api/v1/alerts/windows"
HOT = {
    "name": "intake-hot", "sign": "measure.power_w", "severity": "bad", "for_seconds": 60, "clear_seconds": 120,
    "over": "over", "threshold": 3500, "clear": 3400, "miners": 2, "scope": {"group": "row A", "tag": "old"},
    "per_day": 3, "enabled": True,
}  # fmt: skip


async def put(api: Api, *rules: Any) -> tuple[int, Any]:
    return await api.ask("PUT", RULES, {"rules": list(rules)})


async def test_every_rule_and_everything_that_can_be_watched_is_listed(api: Api) -> None:
    found = (await api.get(RULES))["rules"]
    assert [one["name"] for one in found] == list(DEFAULTS)
    assert all(one["default"] and one["changed_at"] is None for one in found)
    hot = next(one for one in found if one["name"] == "too-hot")
    assert (hot["threshold"], hot["clear"], hot["unit"], hot["for_seconds"]) == (95, 90, "°C", 300)
    signs = await api.get(SIGNS_PATH)
    assert [one["name"] for one in signs] == list(SIGNS)
    units = {one["name"]: one["unit"] for one in signs}
    assert (units["measure.power_w"], units["mark.offline"], units["event.reboot"]) == ("W", None, None)


async def test_a_rule_of_ones_own_is_made_changed_and_removed(api: Api) -> None:
    code, made = await put(api, HOT)
    assert code == 200
    (rule,) = made["rules"]
    assert {name: rule[name] for name in HOT} == HOT
    assert (rule["changed_by"], rule["changed_at"], rule["default"], rule["unit"]) == (
        "tests", rfc3339(NOW), False, "W",
    )  # fmt: skip
    code, changed = await put(api, {"name": "intake-hot", "threshold": 3600, "enabled": False})
    assert code == 200
    assert changed["rules"][0] == rule | {"threshold": 3600, "clear": 3500, "enabled": False}  # which goes with it
    assert (await api.ask("DELETE", f"{RULES}/intake-hot"))[0] == 204
    assert (await api.ask("DELETE", f"{RULES}/intake-hot"))[0] == 404
    assert len((await api.get(RULES))["rules"]) == len(DEFAULTS)
    noted = await api.store.read(audit.listing, limit=9)
    assert [(row["action"], row["target"], row["who"]) for row in noted] == [
        (action, "intake-hot", "tests") for action in ("rule.remove", "rule.change", "rule.add")
    ]
    assert (noted[1]["before"], noted[1]["after"]) == (
        {"threshold": 3500, "clear": 3400, "enabled": True}, {"threshold": 3600, "clear": 3500, "enabled": False},
    )  # fmt: skip


async def test_what_is_read_can_be_sent_back_and_changes_nothing(api: Api) -> None:
    before = await api.get(RULES)
    code, after = await api.ask("PUT", RULES, before)
    assert (code, after) == (200, before)
    assert await api.store.read(audit.listing, limit=9) == []


async def test_as_many_rules_as_there_may_be_go_back_and_forth_and_not_one_more(api: Api) -> None:
    words = dict.fromkeys(("node", "model", "group", "tag"), "ü" * 100)
    many = [HOT | {"name": f"r{number:039}", "scope": words} for number in range(rows.MAX_RULES - len(DEFAULTS))]
    await api.store.write(rows.install)
    assert (await put(api, *many))[0] == 200
    whole = await api.get(RULES)
    assert len(whole["rules"]) == rows.MAX_RULES
    assert await api.ask("PUT", RULES, whole) == (200, whole)
    code, said = await put(api, HOT)
    assert (code, said["error"]) == (400, "there are 200 rules already")


async def test_a_rule_that_came_with_hived_is_made_what_it_was(api: Api) -> None:
    assert (await put(api, {"name": "too-hot", "threshold": 80, "severity": "warn"}))[0] == 200
    assert (await api.store.read(rows.one, "too-hot")).threshold == 80
    assert (await api.ask("DELETE", f"{RULES}/too-hot"))[0] == 204
    assert await api.store.read(rows.one, "too-hot") == DEFAULTS["too-hot"]
    assert [row["action"] for row in await api.store.read(audit.listing, limit=9)] == ["rule.reset", "rule.change"]


async def test_of_several_rules_all_are_changed_or_none(api: Api) -> None:
    good, bad = {"name": "too-hot", "threshold": 80}, {"name": "disk-low", "threshold": "much"}
    assert (await put(api, good, bad))[0] == 400
    assert (await api.store.read(rows.one, "too-hot")).threshold == 95
    assert (await put(api, good, good))[0] == 400


NO_RULES: tuple[Any, ...] = (
    "rule", {}, {"name": "Too Hot"}, {"name": "x" * 41, "sign": "mark.offline"}, {"name": "new"},
    {"name": "new", "sign": "measure.nothing"}, {"name": "new", "sign": ["mark.offline"]},
    {"name": "new", "sign": "measure.power_w"}, {"name": "new", "sign": "measure.power_w", "threshold": None},
    {"name": "new", "sign": "mark.offline", "threshold": 3}, {"name": "new", "sign": "node.dead", "miners": 2},
    {"name": "new", "sign": "node.dead", "scope": {"group": "row A"}},
    HOT | {"severity": "loud"}, HOT | {"for_seconds": -1}, HOT | {"for_seconds": 1e9}, HOT | {"clear_seconds": None},
    HOT | {"over": "above"}, HOT | {"threshold": True}, HOT | {"threshold": 1e300}, HOT | {"clear": 3501},
    HOT | {"over": "under"}, HOT | {"miners": 0}, HOT | {"miners": 2.5}, HOT | {"per_day": 0},
    HOT | {"scope": {"site": "x"}}, HOT | {"scope": {"group": 3}}, HOT | {"scope": "row A"}, HOT | {"enabled": 1},
    HOT | {"surprise": 1}, {"name": "too-hot", "sign": "measure.power_w"},
)  # fmt: skip


async def test_rules_that_make_no_sense_are_refused_in_words(api: Api) -> None:
    for rule in NO_RULES:
        code, said = await put(api, rule)
        assert (code, len(said["error"]) > 10) == (400, True), rule
    bodies: tuple[Any, ...] = ({}, {"rules": []}, {"rules": {}}, {"rules": None}, {"rules": [HOT], "surprise": 1})
    for body in bodies:
        assert (await api.ask("PUT", RULES, body))[0] == 400
    assert (await api.ask("PUT", RULES, b'{"rules": [{"name": "too-hot", "threshold": 1e999}]}'))[0] == 400
    assert [one["name"] for one in (await api.get(RULES))["rules"]] == list(DEFAULTS)
    assert await api.store.read(audit.listing, limit=9) == []


async def test_maintenance_once_and_weekly_is_kept_listed_and_removed(api: Api) -> None:
    once = {"name": "rewiring", "when": {"until": rfc3339(NOW + 3600)}, "scope": {"group": "row A"}}
    code, made = await api.ask("POST", WINDOWS, once)
    assert (code, made["kind"], made["scope"], made["open"]) == (201, "maintenance", {"group": "row A"}, True)
    assert (made["next"], made["next_at"], made["by"]) == ("ends", rfc3339(NOW + 3600), "tests")
    weekly = {"name": "fans", "when": {"days": ["sun"], "from": "06:00", "to": "07:00"}}
    code, second = await api.ask("POST", WINDOWS, weekly)
    assert (code, second["when"], second["open"], second["next"]) == (201, weekly["when"], False, "begins")
    assert [one["name"] for one in await api.get(WINDOWS)] == ["fans", "rewiring"]
    assert (await api.ask("POST", WINDOWS, weekly))[0] == 409
    assert (await api.ask("DELETE", f"{WINDOWS}/{second['id']}"))[0] == 204
    assert (await api.ask("DELETE", f"{WINDOWS}/{second['id']}"))[0] == 404
    actions = [(row["action"], row["target"]) for row in await api.store.read(audit.listing, limit=9)]
    assert actions == [("window.remove", "fans"), ("window.add", "fans"), ("window.add", "rewiring")]
    api.clock.advance(4000)
    ((over,),) = [[(one["open"], one["next"]) for one in await api.get(WINDOWS)]]
    assert over == (False, None)
    assert (await api.ask("POST", WINDOWS, weekly))[0] == 201
    assert [one["name"] for one in await api.get(WINDOWS)] == ["fans"]  # what is over is forgotten then


async def test_quiet_hours_are_up_to_a_severity(api: Api) -> None:
    quiet = {"name": "night", "kind": "quiet", "severity": "bad", "when": {"from": "22:00", "to": "06:00"}}
    code, made = await api.ask("POST", WINDOWS, quiet)
    assert (code, made["kind"], made["severity"]) == (201, "quiet", "bad")


WEEKLY = {"from": "22:00", "to": "06:00"}


NO_WINDOWS: tuple[dict[str, Any], ...] = (
    {}, {"name": "x"}, {"name": "", "when": WEEKLY}, {"name": "x", "when": {"from": "22:00"}},
    {"name": "x", "when": {"at": rfc3339(NOW + 60)}}, {"name": "x", "when": {"until": rfc3339(NOW - 600)}},
    {"name": "x", "when": WEEKLY, "kind": "loud"}, {"name": "x", "when": WEEKLY, "severity": "bad"},
    {"name": "x", "when": WEEKLY, "kind": "quiet", "scope": {"group": "row A"}},
    {"name": "x", "when": WEEKLY, "scope": {"site": "a"}}, {"name": "x", "when": WEEKLY, "surprise": 1},
)  # fmt: skip


async def test_a_window_that_makes_no_sense_is_refused(api: Api) -> None:
    for body in NO_WINDOWS:
        assert (await api.ask("POST", WINDOWS, body))[0] == 400, body
    assert await api.get(WINDOWS) == []
