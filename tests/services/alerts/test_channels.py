"""Channels: of the configuration and of rows, shown masked, tried by a real message."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from ipaddress import IPv4Network

import pytest

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By
from hived.records.alerts import Channel
from hived.records.hosts import OwnHosts
from hived.runtime.config import Config
from hived.runtime.named_urls import NamedUrl
from hived.runtime.options import Alerts
from hived.services.alerts import channels
from hived.services.alerts.outgoing import Outgoing
from hived.store import Database, Store, audit
from hived.store.engine.database import tuples
from hived.store.schema import AlertChannel
from tests.clients.outgoing.receivers import web
from tests.databases import Databases

NOW = 1_800_000_000.0
BY = By(at=NOW, who="eva", via="session", address="10.0.0.9")
URL = "gotify://gotify.example.com/Ageheimnis12345"


@pytest.fixture
async def store(databases: Databases) -> AsyncIterator[Store]:
    async with Store.open(databases.make()) as opened:
        yield opened


CONFIGURED = (NamedUrl("phone", "ntfys://ntfy.example.com/geheim"),)


async def test_a_channel_is_sealed_shown_masked_audited_and_gone_when_removed(store: Store) -> None:
    outgoing = Outgoing(CONFIGURED)
    added = await channels.add(store, outgoing, "ops", URL, BY, "bad")
    assert added == Channel("ops", "gotify://gotify.example.com/***", "bad", created_at=NOW, by="eva")
    shown = await store.read(channels.listing, CONFIGURED)
    assert [(one.name, one.url, one.configured) for one in shown] == [
        ("ops", "gotify://gotify.example.com/***", False), ("phone", "ntfys://ntfy.example.com/***", True),
    ]  # fmt: skip
    ((stored,),) = await store.read(lambda db: tuples(AlertChannel.select(AlertChannel.url), db))
    assert stored.startswith("sealed:1:")
    assert (await store.read(channels.one, CONFIGURED, "ops")).url == URL
    assert "geheim" not in repr(await store.read(channels.every, CONFIGURED))
    await store.write(channels.remove, CONFIGURED, "ops", BY)
    assert [one.name for one in await store.read(channels.listing, CONFIGURED)] == ["phone"]
    noted = await store.read(audit.listing, limit=9)
    assert [row["action"] for row in noted] == ["channel.remove", "channel.add"]
    assert "geheim" not in json.dumps(noted)


NO_CHANNELS = (
    ("Ops!", URL, "bad", "small letters"),
    ("x" * 33, URL, "bad", "small letters"),
    ("ops", URL, "loud", "a severity is one of warn, bad"),
    ("ops", "exec://rm", "bad", "cannot be exec://"),
    ("ops", "slack://x", "bad", "no URL of Slack"),
    ("ops", URL + "?redirect=yes", "bad", "takes no 'redirect'"),
    ("ops", URL + "?verify=no", "bad", "takes no 'verify'"),
)


async def test_what_makes_no_channel_is_refused(store: Store) -> None:
    for name, url, least, said in NO_CHANNELS:
        with pytest.raises(BadRequest, match=said):
            await channels.add(store, Outgoing(), name, url, BY, least)  # type: ignore[arg-type]
    assert await store.read(channels.listing, ()) == []


async def test_a_name_is_used_once_and_one_of_the_configuration_belongs_to_its_file(store: Store) -> None:
    outgoing = Outgoing(CONFIGURED)
    with pytest.raises(Conflict):
        await channels.add(store, outgoing, "phone", URL, BY)
    with pytest.raises(Conflict, match=r"alerts\.channels"):
        await store.write(channels.remove, CONFIGURED, "phone", BY)
    with pytest.raises(NotFound):
        await store.write(channels.remove, CONFIGURED, "other", BY)


async def test_what_goes_to_a_channel_can_be_changed_also_to_one_of_the_configuration(store: Store) -> None:
    changed = await store.write(channels.change, CONFIGURED, "phone", BY, "bad", False)
    assert (changed.least, changed.enabled, changed.url) == ("bad", False, "ntfys://ntfy.example.com/***")
    ((stored,),) = await store.read(lambda db: tuples(AlertChannel.select(AlertChannel.url), db))
    assert stored is None, "its URL stays in the file"
    (kept,) = await store.read(channels.every, CONFIGURED)
    assert (kept.url, kept.least, kept.enabled) == (CONFIGURED[0].url, "bad", False)
    assert len(await store.read(audit.listing, limit=9)) == 1
    await store.write(channels.change, CONFIGURED, "phone", BY, "bad", False)
    assert len(await store.read(audit.listing, limit=9)) == 1, "nothing changed"


async def test_the_test_button_tells_status_and_answer_and_obeys_the_guard(store: Store) -> None:
    async with web() as hook:
        url = f"json://127.0.0.1:{hook.port}/geheim"
        refused = Outgoing(subnets=(IPv4Network("127.0.0.0/8"),))
        await channels.add(store, refused, "hook", url, BY)
        answered = await channels.test(store, refused, "hook", BY, "box-7")
        assert (answered.ok, hook.got) == (False, [])
        assert answered.said == "127.0.0.1, loopback: alerts.allow_hosts does not have it"
        for open_way in (
            Outgoing(allowed=OwnHosts.of(["127.0.0.1"])),
            Outgoing.of(Config(alerts=Alerts(channels=(NamedUrl("hook", url),)))),
        ):
            answered = await channels.test(store, open_way, "hook", BY, "box-7")
            assert answered.words == "200: fine!"
            assert b'"title": "Test from box-7", "message": "This is what a message of box-7' in hook.got[-1]
    with pytest.raises(NotFound):
        await channels.test(store, refused, "other", BY, "box-7")


async def test_no_channel_reaches_where_a_miner_was(store: Store) -> None:
    def miner(db: Database) -> None:
        from hived.store.schema import Miner

        Miner.insert(mac="02:00:00:00:00:01", last_ip="10.77.0.5", created_at=NOW, updated_at=NOW).execute(db)

    await store.write(miner)
    egress = await Outgoing().egress(store)
    assert "10.77.0.5" in egress.miners


async def test_a_channel_whose_url_is_lost_says_so(store: Store) -> None:
    await store.write(channels.change, CONFIGURED, "phone", BY, "bad")
    answered = await channels.test(store, Outgoing(), "phone", BY, "box-7")
    assert answered.said.startswith("its URL is not in the configuration any more")
