"""A node belongs to a master when its own operator says so: until then nothing is said, sent or obeyed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hived.clients.master.errors import OtherKey
from hived.errors import BadRequest, NotFound
from hived.records.access import By
from hived.records.enrolling import BY_CODE, BY_KEY, BY_PHRASE, EnrollCode
from hived.records.uplink import ASKING, JOINED, NONE
from hived.services.nodes import membership
from hived.store import audit, commands
from hived.store.miners import miners
from tests.clients.master.tls import certificate
from tests.clock import FakeClock
from tests.services.nodes.master import SmallMaster, serving
from tests.services.nodes.node import MakeNode, Node, fill, kinds

BY = By(at=1.0, who="root", via="command", address=None)
MAC = "02:00:00:00:00:01"


class Rogue(SmallMaster):
    """Lets everybody in at once, and gives orders to whoever comes."""

    def _join(self, doc: dict[str, Any]) -> web.Response:
        super()._join(doc)
        self.approve()
        told = {"status": "approved", "phrase": self.phrases[doc["key_id"]],
                "master": {"node_id": self.id, "name": self.name}}  # fmt: skip
        return web.json_response(told)

    def _contact(self, doc: dict[str, Any]) -> web.Response:
        self.orders = [{"id": 1, "daemon": "hive-syncd", "verb": "set_managed", "args": {"mac": MAC, "managed": True}}]
        return super()._contact(doc)


async def nothing_came_of_it(node: Node, rogue: SmallMaster, *, asked: bool = False) -> None:
    for place in ("nodes/me/contact", "ingest", "nodes/me/keys"):
        assert rogue.calls(place) == 0
    assert asked or rogue.log == []
    row = await node.store.read(miners.by_mac, MAC)
    assert row is not None
    assert not row.managed
    assert await node.store.read(commands.open_commands, "hive-syncd", newer_than=0.0) == []
    assert "master_joined" not in await kinds(node)


@pytest.mark.parametrize("by_url", [False, True], ids=["zeroconf", "a bare URL"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_who_only_shows_itself_gets_nothing_and_is_an_offer(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture, tls: bool, by_url: bool
) -> None:
    async with serving(Rogue(clock, certificate(tmp_path) if tls else None)) as rogue:
        node = await make_node(rogue.url if by_url else "auto")
        await node.store.write(fill, node.clock())
        if not by_url:
            await node.sees(rogue.url)
        await node.tick(30, times=40)
        assert (await node.link()).state == NONE
        await nothing_came_of_it(node, rogue)
        who = f"{rogue.url} (syncd.master)" if by_url else f"site-master ({rogue.url})"
        assert node.sync.summary() == f"no master yet: {who} offers itself as master"
        told = [r for r in caplog.records if "offers itself as master" in r.message and r.levelno == logging.WARNING]
        assert len(told) == 1
        assert "hivectl join URL" in told[0].message


async def test_several_masters_are_several_offers(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    node = await make_node("auto")
    await node.sees(master.url)
    await node.sees("http://127.0.0.1:1", master_id="m-2", name="other-master")
    await node.tick(1, times=5)
    assert (await node.link()).state == NONE
    assert master.log == []
    said = f"other-master (http://127.0.0.1:1), site-master ({master.url}) offer themselves as masters"
    assert caplog.text.count(f"{said}. Nothing is sent") == 1


async def test_who_was_asked_gets_nothing_before_the_phrase_was_confirmed_on_the_node(
    make_node: MakeNode, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The rogue approves itself: only the node's operator can tell that no admin of theirs did."""
    async with serving(Rogue(clock)) as rogue:
        node = await make_node("auto")
        await node.store.write(fill, node.clock())
        link = await node.asks(rogue.url)
        await node.tick(30, times=60)
        assert (await node.link()).state == ASKING
        await nothing_came_of_it(node, rogue, asked=True)
        assert "sends nothing until its own operator says" in caplog.text
        with pytest.raises(BadRequest, match="somebody is in between"):
            await node.store.write(membership.confirm, rogue.url, "babab-babab-babab-babab", BY)
        with pytest.raises(NotFound, match=r"asks no master at http://127\.0\.0\.1:1"):
            await node.store.write(membership.confirm, "http://127.0.0.1:1", str(link.phrase), BY)
        await node.tick(30, times=3)
        await nothing_came_of_it(node, rogue, asked=True)
        await node.store.write(membership.confirm, rogue.url, str(link.phrase).upper().replace("-", " "), BY)
        await node.tick(5)
        link = await node.link()
        assert (link.state, link.consent) == (JOINED, BY_PHRASE)
        assert [row["action"] for row in await node.store.read(audit.listing, limit=9)] == ["master.confirm"]


async def test_that_it_joined_is_a_warning_and_an_event_each_way(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    node = await make_node("auto")
    link = await node.asks(master.url, "GOOD-CODE")  # another process: the journal of hive-syncd knows nothing of it
    assert (link.state, link.consent) == (JOINED, BY_CODE)
    caplog.clear()
    await node.tick(5, times=20)
    await node.anew()
    await node.tick(5, times=20)
    told = [record.levelno for record in caplog.records if "joined site-master at" in record.message]
    assert told == [logging.WARNING], "once, not at each start"
    assert (await kinds(node)).count("master_joined") == 1


async def test_a_url_with_the_masters_key_is_the_operators_word(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path
) -> None:
    own = certificate(tmp_path)
    async with serving(SmallMaster(clock, own)) as master:
        node = await make_node(f"{master.url}/#sha256:{own.pin.upper()}")
        assert await node.tick() is None
        link = await node.link()
        assert (link.state, link.consent, link.pin) == (ASKING, BY_KEY, own.pin)
        assert len(master.keys) == 1
        await node.tick(5, times=3)
        master.approve()
        await node.tick(5)
        assert (await node.link()).state == JOINED
        await node.tick(5, times=3)
        assert len(master.keys) == 1, "asked once"
        assert (await node.link()).state == JOINED


@pytest.mark.parametrize("way", ["config", "code"])
async def test_who_has_another_key_than_the_operator_named_hears_nothing(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path, way: str
) -> None:
    async with serving(Rogue(clock, certificate(tmp_path))) as rogue:
        meant = certificate(tmp_path).pin
        node = await make_node(f"{rogue.url}#sha256:{meant}" if way == "config" else "auto")
        await node.store.write(fill, node.clock())
        if way == "config":
            err = await node.tick()
            assert isinstance(err, OtherKey)
            assert "has another key" in node.sync.summary()
        else:
            with pytest.raises(OtherKey):
                await node.asks(rogue.url, EnrollCode.new(meant).text)
        await node.tick(30, times=5)
        assert rogue.log == [], "not even a hello"
        assert (await node.link()).state == NONE


async def test_a_code_with_a_key_goes_over_tls_whatever_the_url_says(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path
) -> None:
    own = certificate(tmp_path)
    async with serving(SmallMaster(clock, own)) as master:
        code = EnrollCode.new(own.pin)
        master.codes = {code.opens}
        node = await make_node("auto")
        link = await node.asks(master.url.replace("https:", "http:"), code.text.lower().replace("-", " "))
        assert (link.state, link.url, link.pin, link.consent) == (JOINED, master.url, own.pin, BY_CODE)


async def test_a_code_that_does_not_let_in_at_once_is_still_the_operators_word(
    make_node: MakeNode, clock: FakeClock, tmp_path: Path
) -> None:
    """A master has a node of this id already, and its admin is to say whether it is the same box."""
    own = certificate(tmp_path)
    async with serving(SmallMaster(clock, own)) as master:
        code = EnrollCode.new(own.pin)
        master.faults.append(_pending)
        node = await make_node("auto")
        link = await node.asks(master.url, code.text)
        assert (link.state, link.consent) == (ASKING, BY_CODE)
        master.approve()
        await node.tick(5)
        assert (await node.link()).state == JOINED


async def _pending(master: SmallMaster, path: str, doc: dict[str, Any]) -> web.Response | None:
    if path == "join":
        doc.pop("code", None)
    return None


async def test_a_bare_url_does_not_make_a_joined_node_change_its_master(
    make_node: MakeNode, master: SmallMaster, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    node = await make_node("auto")
    await node.asks(master.url, "GOOD-CODE")
    await node.tick(5)
    async with serving(Rogue(clock)) as other:
        other.id = "m-2"
        await node.anew(other.url)
        await node.tick(20, times=5)
        link = await node.link()
        assert (link.state, link.master_id, link.url) == (JOINED, "m-1", master.url)
        assert other.log == []
        assert caplog.text.count(f"names {other.url}, but this node belongs to site-master") == 1
