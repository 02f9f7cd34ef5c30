"""A node gets a master by a person's word, keeps to it, and gives its key to nobody else."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.clients.master.errors import NoTls, NotWelcome
from hived.errors import BadRequest, Transient
from hived.records.daemon import DaemonRow
from hived.records.joining import hash_of, new_key
from hived.records.streams import EVENTS, MINERS
from hived.records.uplink import ASKING, JOINED, LEFT, NONE, REFUSED
from hived.store import daemon_rows
from hived.store.nodes import uplink
from hived.store.schema import Node as NodeRow
from hived.store.schema import Uplink as UplinkRow
from tests.clients.master.tls import certificate
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, on, serving, status
from tests.services.nodes.node import OWN, MakeNode, fill, joined, kinds


async def test_a_node_asks_with_a_hash_and_both_sides_show_one_phrase(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    node = await make_node("auto")
    await node.wants(master.url)
    assert await node.tick() is None
    link = await node.link()
    assert link.state == ASKING
    assert link.key is not None
    assert master.keys == {link.key.id: (hash_of(link.key.secret), "pending")}
    assert master.phrases[link.key.id] == link.phrase
    assert caplog.text.count(str(link.phrase)) == 1
    assert node.sync.summary() == f"asking site-master, compare {link.phrase}"
    assert link.key.secret not in caplog.text


async def test_an_approved_node_carries(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    assert "master_joined" in await kinds(node)
    await node.store.write(fill, node.clock())
    await node.tick(5)
    assert len(master.seqs(MINERS)) == 3


async def test_the_key_at_rest_is_sealed(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    key = (await node.link()).key
    assert key is not None
    secret: Any = UplinkRow.select(UplinkRow.secret)
    stored = await node.store.read(lambda db: secret.bind(db).scalar())
    assert key.secret not in stored
    assert stored.startswith("sealed:")


async def test_who_waits_asks_less_often_after_ten_minutes(make_node: MakeNode, master: SmallMaster) -> None:
    node = await make_node("auto")
    await node.wants(master.url)
    await node.tick()
    await node.tick(1, times=60)
    assert 11 <= master.calls("nodes/me/contact") <= 13
    await node.tick(1, times=550)
    before = master.calls("nodes/me/contact")
    await node.tick(1, times=300)
    assert 4 <= master.calls("nodes/me/contact") - before <= 6
    assert master.calls("join") <= 3, "made again from time to time, for the master may have lost it"


async def test_a_wish_that_the_master_lost_is_made_again(make_node: MakeNode, master: SmallMaster) -> None:
    node = await make_node("auto")
    await node.wants(master.url)
    await node.tick()
    (key_id,) = master.keys
    master.keys.clear()
    await node.tick(60, times=11)
    assert list(master.keys) == [key_id], "with the same key"


async def test_a_node_killed_before_it_asked_asks_with_the_key_it_made(
    make_node: MakeNode, master: SmallMaster
) -> None:
    node = await make_node("auto")
    master.faults.append(on("join", status(503), times=1))
    with pytest.raises(Transient):
        await node.asks(master.url)
    key = (await node.link()).key
    assert key is not None
    await node.anew()
    await node.tick()
    assert list(master.keys) == [key.id]


async def test_who_is_turned_down_asks_rarely_and_says_so(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    node = await make_node("auto")
    await node.wants(master.url)
    await node.tick()
    master.revoke()
    await node.tick(60, times=12)
    assert (await node.link()).state == REFUSED
    before = len(master.log)
    await node.tick(60, times=14)
    assert len(master.log) - before <= 2, "the question for a proof, and the key"
    assert caplog.text.count("no longer accepts this node's key") == 1


async def test_a_box_that_is_the_master_carries_nothing_and_tells_its_own_health(
    make_node: MakeNode, master: SmallMaster
) -> None:
    node = await make_node("auto")
    await node.store.write(lambda db: NodeRow.insert(id=OWN, name="here", role="master", status="approved").execute(db))
    await node.store.write(daemon_rows.save_daemon, DaemonRow("hive-apid", 1, "0.1.0", 0.0, node.clock(), ""))
    await node.sees(master.url)
    await node.tick(1, times=3)
    assert master.log == []
    (row,) = await node.store.read(lambda db: list(NodeRow.select(NodeRow.health).tuples().bind(db)))
    assert row == ('{"load_1m": 0.5}',)
    assert "is the master" in node.sync.summary()


async def test_a_password_in_the_masters_url_goes_nowhere(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    """A master takes keys alone, so it would open nothing, and be in every log and list."""
    caplog.set_level(logging.DEBUG)
    url = master.url.replace("//", "//anna:hunter2@")
    node = await make_node(url)
    await node.tick(5, times=2)
    assert master.url in node.sync.summary()
    await node.wants(url)
    await node.tick(5, times=2)
    link = await node.link()
    assert (link.state, link.url) == (ASKING, master.url)
    assert "hunter2" not in caplog.text


async def test_off_is_off(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    before = len(master.log)
    await node.anew("off")
    await node.tick(5, times=5)
    assert len(master.log) == before
    assert node.sync.summary().startswith("off")


async def test_a_url_that_leads_to_this_box_is_refused(make_node: MakeNode, master: SmallMaster) -> None:
    node = await make_node("auto")
    master.id = OWN
    with pytest.raises(BadRequest, match="this box itself"):
        await node.asks(master.url)
    assert (await node.link()).state == NONE


# -- codes -----------------------------------------------------------------------------------------------------------


async def test_a_good_code_lets_it_in_at_once(make_node: MakeNode, master: SmallMaster) -> None:
    node = await make_node("auto")
    link = await node.asks(master.url, "GOOD-CODE")
    assert link.state == JOINED
    await node.store.write(fill, node.clock())
    await node.tick()
    assert len(master.seqs(MINERS)) == 3, "the daemon takes it up by itself"


async def test_a_bad_code_changes_nothing(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    before = await node.link()
    with pytest.raises(NotWelcome, match="code is wrong"):
        await node.asks(master.url, "BADD-CODE")
    assert await node.link() == before


# -- afterwards ------------------------------------------------------------------------------------------------------


async def test_a_revoked_node_stops_says_so_once_and_goes_on_when_it_is_let_in_again(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    node = await joined(make_node, master)
    await node.store.write(fill, node.clock())
    caplog.set_level(logging.INFO)
    kept = dict(master.keys)
    master.revoke()
    await node.tick(15)
    assert (await node.link()).state == REFUSED
    assert master.seqs(MINERS) == []
    before = len(master.log)
    await node.tick(60, times=14)
    assert len(master.log) == before, "a quarter of an hour"
    tried = master.calls("nodes/me/contact")
    await node.tick(60, times=60)
    assert 3 <= master.calls("nodes/me/contact") - tried <= 5
    assert caplog.text.count("no longer accepts this node's key") == 1
    assert (await kinds(node)).count("master_refused") == 1
    assert "refuses this node's key" in node.sync.summary()
    assert (await node.told(MINERS)) != []
    master.keys = kept
    await node.tick(900)
    await node.tick(5)
    assert (await node.link()).state == JOINED
    assert len(master.seqs(MINERS)) == 3
    assert "works again after" in caplog.text


async def test_a_person_who_joins_anew_ends_the_wait(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    master.revoke()
    await node.tick(15)
    await node.asks(master.url, "GOOD-CODE")
    await node.tick(1)
    await node.tick(5)
    assert (await node.link()).state == JOINED
    assert EVENTS in {stream for _, stream in master.log}


async def test_a_late_no_to_the_old_key_does_not_end_the_new_one(make_node: MakeNode, master: SmallMaster) -> None:
    """A person joins anew while the daemon's question with the old key is on its way."""
    node = await joined(make_node, master)
    fresh: list[Any] = []

    async def meanwhile(_: SmallMaster, path: str, doc: dict[str, Any]) -> web.Response | None:
        if path != "nodes/me/contact" or fresh:
            return None
        fresh.append(None)
        fresh.append(await node.asks(master.url, "GOOD-CODE"))
        return status(401)(doc)

    master.faults.append(meanwhile)
    await node.tick(15)
    link = await node.link()
    assert link.key == fresh[1].key
    await node.tick(1)
    await node.tick(5)
    assert (await node.link()).state == JOINED


async def test_who_left_asks_nobody_until_a_person_wants_it(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    await node.store.write(uplink.leave, node.clock())
    before = len(master.log)
    await node.tick(5, times=5)
    assert len(master.log) == before
    assert (await node.link()).state == LEFT
    assert (await node.link()).key is None
    await node.asks(master.url, "GOOD-CODE")
    await node.tick(5)
    assert (await node.link()).state == JOINED


async def test_a_key_that_cannot_be_opened_any_more_is_asked_for_anew(make_node: MakeNode, master: SmallMaster) -> None:
    node = await joined(make_node, master)
    await node.store.write(lambda db: UplinkRow.update(secret="sealed:1:AAAA").execute(db))
    await node.tick(5)
    link = await node.link()
    assert link.state == ASKING
    assert link.key is not None
    assert master.keys[link.key.id][1] == "pending"


# -- another address, another key ------------------------------------------------------------------------------------


async def test_the_phrase_is_made_of_the_key_that_was_seen(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The master computes its phrase from its own key; somebody in between makes the two differ."""
    own = certificate(tmp_path)
    async with serving(SmallMaster(clock, own)) as master:
        node = await make_node("auto")
        link = await node.asks(master.url)
        assert link.key is not None
        assert link.phrase == master.phrases[link.key.id]
        assert link.pin == own.pin
        master.certificate = replace(own, pin="ab" * 32)  # as if what answers only passed it on
        await node.asks(master.url)
        assert (await node.link()).phrase not in master.phrases.values()
        assert "Do not approve" in caplog.text


async def test_what_is_carried_in_the_open_is_said(make_node: MakeNode, caplog: pytest.LogCaptureFixture) -> None:
    from hived.services.nodes.join import warn_if_readable

    node = await make_node("auto")
    link = replace(await node.link(), url="http://192.0.2.7:8080", state=ASKING, key=new_key(), asked_at=1.0)
    warn_if_readable(link)
    assert "anyone on the path can read" in caplog.text
    assert "hivectl secure" in caplog.text
    caplog.clear()
    warn_if_readable(replace(link, url="https://192.0.2.7"))
    assert caplog.text == ""


async def test_a_master_without_tls_is_told_nothing(make_node: MakeNode, master: SmallMaster) -> None:
    """Such as a proxy before it; 0.0.0.0 leads here too, and is no name of this machine."""
    node = await make_node("auto")
    for code in (None, "GOOD-CODE"):
        with pytest.raises(NoTls, match="without TLS"):
            await node.asks(master.url.replace("127.0.0.1", "0.0.0.0"), code)
    assert {path for path, _ in master.log} == {"hello"}
    assert (await node.link()).key is None


async def test_a_master_of_0_1_0_without_tls_is_joined_on_the_operators_word_alone(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    node = await make_node("auto")
    link = await node.asks(master.url.replace("127.0.0.1", "0.0.0.0"), "GOOD-CODE", plain=True)
    assert (link.state, link.tls, link.consent) == (JOINED, False, "code")
    assert "anyone on the path can read this node's key and everything it sends" in caplog.text
    assert await node.tick(5) is None


# -- another key of ours ---------------------------------------------------------------------------------------------
