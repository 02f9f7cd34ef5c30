"""How nodes come to their master: asking, phrases, codes, keys, contacts, and who is let in."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from hived.api.http import access
from hived.records.joining import NodeKey, new_key, phrase, proof
from hived.records.node import DEAD_S, SUSPECT_S
from hived.records.streams import STREAMS
from hived.records.times import to_text
from hived.store import events
from hived.store.nodes import contacts
from tests import nodes as fleet
from tests.api import farm

JOIN = "/api/v1/join"
CONTACT = "/api/v1/nodes/me/contact"


def wish(key: NodeKey, node_id: str = "n1", **changes: Any) -> dict[str, Any]:
    return {
        "node_id": node_id, "name": "shed", "site": "North field", "version": "0.1.0", "key_id": key.id,
        "key_hash": key.secret_hash,
    } | changes  # fmt: skip


def told(api: farm.Api, **changes: Any) -> dict[str, Any]:
    return {
        "version": "0.1.0", "name": "shed", "site": None, "epoch": "e1", "at": to_text(api.clock()),
        "newest": {"events": 7, "status": 0}, "oldest_unsent_at": {"events": to_text(api.clock() - 60)},
        "health": {"disk_free_bytes": 5, "daemons": {"hive-polld": {"alive": True, "status": "ok"}}}, "done": [],
    } | changes  # fmt: skip


async def asks(api: farm.Api, body: Any) -> tuple[int, Any]:
    async with api.browser(role=None) as guest:
        return await guest.ask("POST", JOIN, body)


async def of(api: farm.Api, node_id: str) -> Any:
    return next(one for one in await api.get("/api/v1/nodes") if one["node_id"] == node_id)


async def waiting(api: farm.Api) -> list[str]:
    return [one["node_id"] for one in await api.get("/api/v1/nodes") if one["phrases"]]


async def test_a_node_asks_is_shown_with_its_phrase_and_is_let_in_by_hand(api: farm.Api) -> None:
    key = new_key()
    status, answer = await asks(api, wish(key))
    said = phrase("n1", key.secret_hash, None)
    assert (status, answer["status"], answer["phrase"]) == (202, "pending", said)
    assert answer["master"] == {"node_id": "id-1", "name": "node-1"}
    waiting = await of(api, "n1")
    assert (waiting["status"], waiting["phrases"], waiting["name"]) == ("pending", [said], "shed")
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(key)))[0] == 401
    assert (await api.ask("POST", "/api/v1/nodes/n1/approve"))[0] == 200
    assert (await asks(api, wish(key)))[0] == 200
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(key)))[0] == 200
    (row,) = [one for one in await api.get("/api/v1/audit") if one["action"] == "node.approve"]
    assert (row["target"], row["after"]["key_id"]) == ("n1", key.id)
    assert "node_joined" in [one["kind"] for one in await api.get("/api/v1/events")]


async def test_a_master_proves_that_it_keeps_the_hash_of_a_nodes_key(api: farm.Api) -> None:
    key, nonce = await api.store.write(fleet.let_in, "n1", api.clock()), "5e" * 32
    asked = {"node_id": "n1", "key_id": key.id, "nonce": nonce}

    async def hello(**changes: str) -> tuple[int, Any]:
        async with api.browser(role=None) as guest:
            return await guest.ask("GET", f"/api/v1/hello?{urlencode(asked | changes)}")

    status, told = await hello()
    assert (status, told["proof"]) == (200, proof(key.secret_hash, nonce, "n1", "id-1", None))
    for other in ({"nonce": "5f" * 32}, {"node_id": "n2"}, {"key_id": "0" * 16}):
        status, told = await hello(**other)
        assert (status, told["proof"]) != (200, proof(key.secret_hash, nonce, "n1", "id-1", None)), other
    assert (await hello(key_id="0" * 16))[1]["proof"] is None
    for bad in ({"nonce": "5e"}, {"nonce": "é" * 64}, {"node_id": ""}, {"key_id": "x\0"}):
        assert (await hello(**bad))[0] == 400, bad
    async with api.browser(role=None) as guest:
        assert (await guest.ask("GET", "/api/v1/hello"))[1]["proof"] is None


async def test_nobody_joins_over_plain_http_from_another_machine(api: farm.Api) -> None:
    async with api.browser(role=None) as guest:
        for header in access.PROXY:  # then it is not this machine that asks
            status, answer = await guest.ask("POST", JOIN, wish(new_key()), **{header: "192.0.2.9"})
            assert (status, "over TLS alone" in answer["error"]) == (403, True)
    assert [one["node_id"] for one in await api.get("/api/v1/nodes")] == []


async def test_asking_again_changes_nothing(api: farm.Api) -> None:
    key = new_key()
    first = await asks(api, wish(key))
    before = await of(api, "n1")
    api.clock.advance(5)
    assert await asks(api, wish(key, name="another name")) == first
    assert await of(api, "n1") == before
    await api.ask("POST", "/api/v1/nodes/n1/approve")
    before = await of(api, "n1")
    assert (await asks(api, wish(key, name="another name")))[0] == 200
    assert await of(api, "n1") == before


async def test_a_key_id_with_another_secret_or_node_is_409(api: farm.Api) -> None:
    key = new_key()
    await asks(api, wish(key))
    assert (await asks(api, wish(key, key_hash="0" * 64)))[0] == 409
    assert (await asks(api, wish(key, node_id="n2")))[0] == 409


async def test_whoever_asks_under_the_id_of_a_node_touches_nothing_and_shows_as_a_second_key(api: farm.Api) -> None:
    good = await api.store.write(fleet.let_in, "n1", api.clock())
    before = await of(api, "n1")
    other = new_key()
    assert (await asks(api, wish(other, name="evil")))[0] == 202
    after = await of(api, "n1")
    assert {**after, "keys": [], "phrases": []} == {**before, "keys": [], "phrases": []}
    assert after["phrases"] == [phrase("n1", other.secret_hash, None)]
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(good)))[0] == 200
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(other)))[0] == 401


async def test_when_several_keys_wait_the_phrase_says_which(api: farm.Api) -> None:
    mine, other = new_key(), new_key()
    for key in (other, mine):
        await asks(api, wish(key))
    assert (await api.ask("POST", "/api/v1/nodes/n1/approve"))[0] == 400
    assert (await api.ask("POST", "/api/v1/nodes/n1/approve", {"phrase": "babab-babab-babab-babab"}))[0] == 400
    said = phrase("n1", mine.secret_hash, None)
    assert (await api.ask("POST", "/api/v1/nodes/n1/approve", {"phrase": said.replace("-", " ").upper()}))[0] == 200
    assert (await asks(api, wish(mine)))[0] == 200
    assert (await asks(api, wish(other)))[0] == 202


async def test_a_code_lets_one_node_in_once(api: farm.Api) -> None:
    status, made = await api.ask("POST", "/api/v1/enroll-codes")
    assert status == 201
    assert re.fullmatch(r"[B-Z2-9]{4}-[B-Z2-9]{4}", made["code"])
    key = new_key()
    typed = made["code"].lower().replace("-", " ")
    assert (await asks(api, wish(key, code=typed)))[0] == 200
    assert (await asks(api, wish(key, code=typed)))[0] == 200  # a repeat by the same key
    assert (await asks(api, wish(new_key(), "n2", code=typed)))[0] == 403
    assert [one["node_id"] for one in await api.get("/api/v1/nodes") if one["role"] == "node"] == ["n1"]


async def test_a_code_ends_after_a_quarter_of_an_hour_and_a_wrong_one_is_none(api: farm.Api) -> None:
    made = (await api.ask("POST", "/api/v1/enroll-codes"))[1]["code"]
    assert (await asks(api, wish(new_key(), code="BBBB-BBBB")))[0] == 403
    api.clock.advance(900)
    assert (await asks(api, wish(new_key(), code=made)))[0] == 403


async def test_a_waiting_node_can_still_use_a_code(api: farm.Api) -> None:
    key = new_key()
    await asks(api, wish(key))
    made = (await api.ask("POST", "/api/v1/enroll-codes"))[1]["code"]
    assert (await asks(api, wish(key, code=made)))[0] == 200
    assert (await of(api, "n1"))["status"] == "approved"


async def test_one_waiting_key_is_refused_by_its_phrase_and_the_others_stay(api: farm.Api) -> None:
    good, other = new_key(), new_key()
    await asks(api, wish(good))
    await asks(api, wish(other))
    await api.ask("POST", "/api/v1/nodes/n1/approve", {"phrase": phrase("n1", good.secret_hash, None)})
    refused = {"phrase": phrase("n1", other.secret_hash, None).replace("-", " ").upper()}
    status, now = await api.ask("POST", "/api/v1/nodes/n1/revoke", refused)
    assert (status, now["status"], now["phrases"]) == (200, "approved", [])
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(good)))[0] == 200
    assert (await asks(api, wish(other)))[0] == 403
    assert (await api.ask("POST", "/api/v1/nodes/n1/revoke", refused))[0] == 409
    assert "node.refuse" in [one["action"] for one in await api.get("/api/v1/audit")]


async def test_who_is_refused_before_it_was_let_in_waits_no_more(api: farm.Api) -> None:
    key = new_key()
    await asks(api, wish(key))
    refused = {"phrase": phrase("n1", key.secret_hash, None)}
    assert (await api.ask("POST", "/api/v1/nodes/n1/revoke", refused))[1]["status"] == "revoked"
    again = new_key()
    await asks(api, wish(again))
    assert (await of(api, "n1"))["phrases"] == [phrase("n1", again.secret_hash, None)]


async def test_a_revoked_node_is_out_at_once_and_its_key_stays_out(api: farm.Api) -> None:
    key = await api.store.write(fleet.let_in, "n1", api.clock())
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(key)))[0] == 200
    assert (await api.ask("POST", "/api/v1/nodes/n1/revoke"))[1]["status"] == "revoked"
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(key)))[0] == 401
    assert (await asks(api, wish(key)))[0] == 403


async def test_a_removed_node_is_forgotten(api: farm.Api) -> None:
    await api.store.write(fleet.let_in, "n1", api.clock())
    assert (await api.ask("DELETE", "/api/v1/nodes/n1"))[0] == 204
    assert (await api.ask("DELETE", "/api/v1/nodes/n1"))[0] == 404
    assert [one for one in await api.get("/api/v1/nodes") if one["node_id"] == "n1"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"node_id": ""}, {"node_id": "a" * 65}, {"node_id": "a/b"}, {"node_id": 7}, {"node_id": "-a"},
        {"name": ""}, {"name": "a" * 101}, {"name": None}, {"site": "a" * 101}, {"version": "v" * 65},
        {"key_id": "0" * 15}, {"key_id": "G" * 16}, {"key_hash": "0" * 63}, {"key_hash": None}, {"code": "x"},
        {"code": 7},
    ],
)  # fmt: skip
async def test_a_wish_that_makes_no_sense_is_400(api: farm.Api, change: dict[str, Any]) -> None:
    assert (await asks(api, wish(new_key()) | change))[0] == 400


async def test_nobody_takes_the_masters_own_id(api: farm.Api) -> None:
    assert (await asks(api, wish(new_key(), "id-1")))[0] == 403
    assert (await api.ask("POST", "/api/v1/nodes", {"node_id": "node 1", "name": "x"}))[0] == 400


# -- codes and nodes that are known already ----------------------------------------------------------------------------


async def kinds(api: farm.Api) -> list[str]:
    return [event.kind for event in await api.store.read(events.newest)]


@pytest.mark.parametrize("known", ["approved", "revoked", "collector"])
async def test_a_code_takes_no_node_over(api: farm.Api, known: str) -> None:
    if known == "collector":
        await api.ask("POST", "/api/v1/nodes", {"node_id": "n1", "name": "histo"})
    else:
        good = await api.store.write(fleet.let_in, "n1", api.clock())
        assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(good)))[0] == 200
    if known == "revoked":
        await api.ask("POST", "/api/v1/nodes/n1/revoke")
    made, thief = (await api.ask("POST", "/api/v1/enroll-codes"))[1]["code"], new_key()
    status, answer = await asks(api, wish(thief, code=made))
    assert (status, answer["status"]) == (202, "pending")
    assert answer["phrase"] == phrase("n1", thief.secret_hash, None)
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(thief)))[0] == 401
    if known == "approved":
        assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(good)))[0] == 200
    assert (await kinds(api)).count("node_claimed") == 1
    row = next(one for one in await api.get("/api/v1/audit") if one["action"] == "node.claim")
    assert (row["who"], row["target"], row["after"]["key_id"]) == ("code", "n1", thief.id)
    assert (await asks(api, wish(new_key(), "n2", code=made)))[0] == 200, "it was not used up"


async def test_a_wrong_code_for_a_known_node_is_refused(api: farm.Api) -> None:
    await api.store.write(fleet.let_in, "n1", api.clock())
    assert (await asks(api, wish(new_key(), code="BBBB-BBBB")))[0] == 403
    assert await waiting(api) == []


async def test_a_code_for_a_known_node_lets_that_one_in_with_an_event_and_an_audit_row(api: farm.Api) -> None:
    old = await api.store.write(fleet.let_in, "n1", api.clock())
    assert (await api.ask("POST", "/api/v1/enroll-codes", {"node_id": "n7"}))[0] == 404
    made = (await api.ask("POST", "/api/v1/enroll-codes", {"node_id": "n1"}))[1]["code"]
    assert (await asks(api, wish(new_key(), "n2", code=made)))[0] == 403
    new = new_key()
    assert (await asks(api, wish(new, code=made.lower().replace("-", " "))))[0] == 200
    assert (await asks(api, wish(new_key(), code=made)))[0] == 403
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(new)))[0] == 200
    assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(old)))[0] == 401
    assert (await kinds(api))[0] == "node_rekeyed"
    assert [one["action"] for one in await api.get("/api/v1/audit")][:2] == ["node.join", "node.code"]


async def test_a_code_with_more_letters_opens_by_its_first_eight(api: farm.Api) -> None:
    """0.1.0 sends all that was typed, the key of the master with it."""
    made = (await api.ask("POST", "/api/v1/enroll-codes"))[1]["code"]
    assert (await asks(api, wish(new_key(), code=f"{made}-0000-1111-2222-3333")))[0] == 200


async def test_a_contact_is_shown_and_answered(api: farm.Api) -> None:
    key = await api.store.write(fleet.let_in, "n1", api.clock())
    body = told(api, at=to_text(api.clock() + 90), name="Shed\u202e 2")
    status, answer = await api.ask("POST", CONTACT, body, **fleet.bearer(key))
    assert status == 200
    assert answer["held"] == dict.fromkeys(STREAMS, 0)
    assert (answer["node_id"], answer["orders"], answer["at"]) == ("id-1", [], to_text(api.clock()))
    assert answer["limits"] == await api.get("/api/v1/limits")
    shown = await of(api, "n1")
    assert (shown["name"], shown["state"], shown["skew_s"], shown["secure"]) == ("Shed 2", "alive", 90.0, False)
    assert shown["lag"]["events"]["behind"] == 7
    assert shown["health"]["disk_free_bytes"] == 5
    sent = fleet.batch("n1", "events", 1, 7, [fleet.event(7)])
    assert (await api.ask("POST", "/api/v1/ingest", sent, **fleet.bearer(key)))[0] == 200
    assert (await api.ask("POST", CONTACT, body, **fleet.bearer(key)))[1]["held"]["events"] == 7
    assert (await of(api, "n1"))["lag"]["events"] == {"behind": 0, "oldest_at": None}


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": None}, {"at": 7}, {"name": ""}, {"newest": {"events": -1}}, {"newest": [1]}, {"done": [7]},
        {"health": {"x": "y" * 20_000}}, {"oldest_unsent_at": {"events": "never"}}, {"done": [{"id": 0}]},
    ],
)  # fmt: skip
async def test_a_contact_that_makes_no_sense_is_400(api: farm.Api, change: dict[str, Any]) -> None:
    key = await api.store.write(fleet.let_in, "n1", api.clock())
    assert (await api.ask("POST", CONTACT, told(api, **change), **fleet.bearer(key)))[0] == 400


async def test_a_second_key_ends_the_first_when_it_is_used(api: farm.Api) -> None:
    key, new, newer = await api.store.write(fleet.let_in, "n1", api.clock()), new_key(), new_key()
    for one in (new, newer, newer):  # what was never used gives way, a repeat changes nothing
        body = {"key_id": one.id, "key_hash": one.secret_hash}
        assert (await api.ask("POST", "/api/v1/nodes/me/keys", body, **fleet.bearer(key)))[0] == 200
    for one, status in ((new, 401), (key, 200), (newer, 200), (key, 401), (newer, 200)):
        assert (await api.ask("POST", CONTACT, told(api), **fleet.bearer(one)))[0] == status
    clash = {"key_id": newer.id, "key_hash": "0" * 64}
    assert (await api.ask("POST", "/api/v1/nodes/me/keys", clash, **fleet.bearer(newer)))[0] == 409


async def test_a_silent_node_is_suspect_then_dead_and_comes_back(api: farm.Api) -> None:
    key = await api.store.write(fleet.let_in, "n1", api.clock())
    await api.ask("POST", CONTACT, told(api), **fleet.bearer(key))
    began = api.clock()
    states = []
    for seconds in (SUSPECT_S - 1, SUSPECT_S, DEAD_S - 1, DEAD_S):
        await api.store.write(contacts.watch, began + seconds, since=0.0)
        states.append((await of(api, "n1"))["state"])
    assert states == ["alive", "suspect", "suspect", "dead"]
    api.clock.advance(DEAD_S + 60)
    await api.ask("POST", CONTACT, told(api), **fleet.bearer(key))
    shown = await of(api, "n1")
    assert (shown["state"], shown["since"]) == ("alive", shown["contact_at"])
    kinds = [one["kind"] for one in await api.get("/api/v1/events?limit=3")]
    assert kinds[:3] == ["node_back", "node_lost", "node_joined"]


async def test_nobody_is_called_dead_for_what_was_said_while_the_master_was_off(api: farm.Api) -> None:
    await api.store.write(fleet.let_in, "n1", api.clock())
    await api.store.write(fleet.touch, "n1", api.clock())
    later = api.clock() + 86_400
    assert await api.store.write(contacts.watch, later, since=later - 10) == []
    assert (await of(api, "n1"))["state"] == "alive"
    assert await api.store.write(contacts.watch, later + DEAD_S, since=later - 10) == ["shed"]
