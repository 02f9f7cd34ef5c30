"""What waits is lent to one box at a time: to whom, for how long, and what ends it; on both kinds of database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hived.api.nodes import ingest_parse
from hived.records.artifact import Description
from hived.records.canonical import url_key
from hived.records.ingest import SentWords
from hived.records.lending import AT_ONCE, AWAY_S, LEASE_S, LONGEST_S, PATIENCE_S, Lent, readable
from hived.store import Database, Store
from hived.store.collecting import artifacts, borrowed, collector, lending, tries
from hived.store.engine.database import dicts, tuples
from hived.store.nodes import contacts, ingest, lent, nodes
from hived.store.nodes.lent import Asked, Useless
from hived.store.schema import Artifact, Borrowed, Contribution
from tests import collected
from tests import nodes as fleet
from tests.nodes import NOW

BY = "small:1b sha256:00 2"


def site(db: Database, /, *, describe: tuple[str, ...] = (), own: bool = False) -> None:
    """The nodes n1 to n3, of which some have a model that works; and the master, with one or without."""
    contacts.own(db, fleet.MASTER, name="master", site=None, version="0.2.0", now=NOW)
    contacts.own_health(db, fleet.MASTER, {"describes": own})
    for name in ("n1", "n2", "n3"):
        fleet.let_in(db, name, NOW)
        fleet.touch(db, name, NOW, health={"describes": name in describe})


async def read(store: Store, node_id: str, *numbers: int, first: int = 1, **more: Any) -> None:
    """Let a node tell what it read of some objects."""
    for seq, n in enumerate(numbers, first):  # each in its turn: the last is the newest
        told = fleet.batch(node_id, "facts", seq, seq, [fleet.read_of(seq, n, **more)])
        await store.merge(ingest.take, node_id, ingest_parse.batch(told, node_id, NOW), NOW)


async def lend(store: Store, node_id: str, room: int = 9, *, now: float = NOW, by: str = BY, **more: Any) -> list[Lent]:
    holding = more.pop("holding", ())
    asked = Asked(by, room, tuple(map(url_key, holding)), more.pop("words", ()), more.pop("useless", ()))
    return await store.write(lent.take, node_id, asked, now)


def words(one: Lent, node_id: str, **changes: Any) -> SentWords:
    fields: dict[str, Any] = {
        "seq": 0, "told_id": "", "id": f"{node_id} {one.url}", "url": one.url, "url_key": url_key(one.url),
        "kind": "description", "content": {"summary": f"As {node_id} sees it."}, "content_hash": "c",
        "input_hash": one.input_hash, "model": "small:1b", "model_digest": "d", "prompt_version": 2,
        "collected_at": NOW,
    }  # fmt: skip
    return SentWords(**(fields | changes))


def objects(found: list[Lent]) -> list[int]:
    return [int(one.url.rpartition("/")[2]) for one in found]


async def rows(store: Store) -> dict[int, tuple[str, str | None]]:
    """{object: (state, who has it)}."""
    found = await store.read(lambda db: tuples(Artifact.select(Artifact.url, Artifact.state, Artifact.lent_to), db))
    return {int(url.rpartition("/")[2]): (state, who) for url, state, who in found}


async def said(store: Store) -> list[tuple[str, str]]:
    query = Contribution.select(Contribution.node_id, Artifact.url).join(Artifact)
    query = query.where(Contribution.kind == "description").order_by(Contribution.node_id, Artifact.url)
    return [(node, url[-1]) for node, url in await store.read(lambda db: tuples(query, db))]


async def test_an_object_is_lent_to_one_node_and_described_by_it(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1, 2, 3)
    assert objects(await lend(store, "n2", 2)) == [3, 2], "the newest first"
    assert objects(await lend(store, "n3")) == [1], "what another one has is not lent"
    assert objects(await lend(store, "n2", holding=[])) == [3, 2], "lost by n2, which asks anew"


async def test_what_was_lent_is_described_once_and_a_late_word_changes_nothing(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1)
    (one,) = await lend(store, "n2")
    assert one.object.makers == ("Exekias",)
    await lend(store, "n2", 0, words=(words(one, "n2"),))
    assert await rows(store) == {1: ("described", None)}
    assert await said(store) == [("n2", "1")]
    for again in ("n2", "n3"):  # the answer was lost; a node that had it before
        await lend(store, again, 0, words=(words(one, again),))
    assert await said(store) == [("n2", "1")]
    assert await lend(store, "n3") == []


async def test_many_that_ask_at_once_never_get_the_same_object(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", *range(10, 30))
    got = await asyncio.gather(*(lend(store, name, 4) for name in ("n1", "n2", "n3") for _ in range(1)))
    all_of_them = [number for found in got for number in objects(found)]
    assert len(all_of_them) == len(set(all_of_them)) == 12


@pytest.mark.parametrize(
    ("describe", "own", "lendable"),
    [((), False, [1]), (("n1",), False, []), (("n2",), False, [1]), (("n2", "n3"), True, [1])],
)
async def test_what_a_collector_describes_itself_is_not_lent(
    store: Store, describe: tuple[str, ...], own: bool, lendable: list[int]
) -> None:
    await store.write(site, describe=describe, own=own)
    await read(store, "n1", 1)
    assert objects(await lend(store, "n3")) == lendable


async def test_one_of_its_collectors_is_enough_and_a_node_of_before_counts_as_one_that_describes(store: Store) -> None:
    await store.write(site, describe=("n2",))
    await read(store, "n1", 1, 2)
    await read(store, "n2", 1)
    await store.write(fleet.touch, "n3", NOW, health={})
    await read(store, "n3", 3)
    assert objects(await lend(store, "n2")) == [2]


async def test_what_waits_for_very_long_and_of_who_is_away_is_lent_all_the_same(store: Store) -> None:
    await store.write(site, describe=("n1", "n2"))
    await read(store, "n1", 1)
    assert await lend(store, "n2", now=NOW + AWAY_S - 1) == []
    await store.write(fleet.touch, "n2", NOW + AWAY_S, health={"describes": True})
    assert objects(await lend(store, "n2", now=NOW + AWAY_S + 1)) == [1]
    await store.write(lending.take_back, "n2")
    await store.write(fleet.touch, "n1", NOW + PATIENCE_S, health={"describes": True})
    assert await lend(store, "n2", now=NOW + PATIENCE_S - 1) == []
    assert objects(await lend(store, "n2", now=NOW + PATIENCE_S + 1)) == [1]


@pytest.mark.parametrize("own", [True, False])
async def test_the_masters_own_objects_are_lent_only_while_it_does_not_describe(store: Store, own: bool) -> None:
    await store.write(site, own=own)
    source = await store.write(collected.add_source, NOW)
    await store.write(collected.collect, source, 1, NOW)
    found = await lend(store, "n2")
    assert objects(found) == ([] if own else [1])
    if found:
        assert await store.read(artifacts.to_describe, NOW, node_id=fleet.MASTER) is None, "another one has it"
        await lend(store, "n2", 0, words=(words(found[0], "n2"),))
        assert await rows(store) == {1: ("described", None)}


async def test_the_masters_own_minerd_takes_them_under_the_same_rule(store: Store) -> None:
    await store.write(site, own=True)
    await read(store, "n1", 1, 2)
    ((number, one),) = await store.write(lending.lend, fleet.MASTER, by=BY, room=1, holding=(), now=NOW)
    assert objects([one]) == [2]
    assert objects(await lend(store, "n2")) == [1]
    text = Description("Vase", "A vase.", model="m:1b", model_digest="d", prompt_version=2)
    assert await store.write(
        artifacts.describe, number, text, node_id=fleet.MASTER, input_hash=one.input_hash, at=NOW + 1
    )
    assert await rows(store) == {1: ("awaiting_description", "n2"), 2: ("described", None)}
    assert not await store.write(lending.hold, 1, fleet.MASTER, NOW)


async def test_a_lease_ends_with_its_time_and_is_prolonged_only_for_so_long(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1)
    (one,) = await lend(store, "n2")
    assert await lend(store, "n3", now=NOW + LEASE_S - 1) == []
    await lend(store, "n2", 0, now=NOW + LEASE_S - 1, holding=[one.url])
    assert await lend(store, "n3", now=NOW + LEASE_S + 1) == [], "prolonged"
    at = NOW + LEASE_S - 1
    while at < NOW + 2 * LONGEST_S:
        await lend(store, "n2", 0, now=at, holding=[one.url])
        at += LEASE_S / 2
    assert objects(await lend(store, "n3", now=at)) == [1], "whoever keeps it for an hour does not get on with it"


async def test_who_let_a_lease_run_out_is_asked_again_later_than_others(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1)
    await lend(store, "n2")
    over = NOW + LEASE_S + 1
    assert await lend(store, "n2", now=over, holding=["https://museum.example/objects/1"]) == []
    assert objects(await lend(store, "n3", now=over + LEASE_S + 1)) == [1]


async def test_a_lease_of_a_clock_that_was_ahead_holds_nothing_up(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1)
    await lend(store, "n2", now=NOW + 86_400 * 365)
    assert objects(await lend(store, "n3")) == [1]


@pytest.mark.parametrize("end", [nodes.remove, lambda db, node: nodes.revoke(db, node, by="tests", now=NOW)])
async def test_a_node_that_is_gone_has_nothing(store: Store, end: Any) -> None:
    await store.write(site)
    await read(store, "n1", 1)
    (one,) = await lend(store, "n2")
    await store.write(end, "n2")
    assert objects(await lend(store, "n3")) == [1]
    assert one.url.endswith("1")


async def test_a_node_has_only_so_many_and_what_it_names_no_more_is_free(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", *range(100, 100 + 2 * AT_ONCE))
    first = await lend(store, "n2", AT_ONCE)
    assert len(first) == AT_ONCE
    assert await lend(store, "n2", AT_ONCE, holding=[one.url for one in first]) == []
    kept = [one.url for one in first[:4]]
    more = await lend(store, "n2", AT_ONCE, holding=kept)
    assert len(more) == AT_ONCE - 4
    assert len([who for _, who in (await rows(store)).values() if who == "n2"]) == AT_ONCE


async def test_only_what_was_lent_is_settled_by_who_did_not_collect_it(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1, 2)
    (one,) = await lend(store, "n2", 1)
    other = Lent("https://museum.example/objects/1", one.input_hash, one.object)
    nowhere = Lent("https://museum.example/objects/99", one.input_hash, one.object)
    stale = words(one, "n2", input_hash="of other facts")
    await lend(store, "n2", 0, words=(words(other, "n2"), words(nowhere, "n2"), stale))
    assert await said(store) == []
    assert {state for state, _ in (await rows(store)).values()} == {"awaiting_description"}


async def test_facts_that_changed_meanwhile_wait_for_other_words(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1, at=NOW - 9)
    (one,) = await lend(store, "n2")
    await read(store, "n1", 1, first=2, title="Other facts")
    await lend(store, "n2", 0, words=(words(one, "n2"),))
    assert await rows(store) == {1: ("awaiting_description", None)}
    assert [found.object.title for found in await lend(store, "n2")] == ["Other facts"]


async def test_an_object_of_no_use_to_a_model_goes_to_another_one(store: Store) -> None:
    await store.write(site)
    await read(store, "n1", 1, 2)
    for turn in range(tries.MOST):
        at = NOW + turn * (2 * tries.RETRY_LONGEST_S)
        for name in ("n2", "n3"):
            await store.write(fleet.touch, name, at, health={"describes": False})
        (one,) = [one for one in await lend(store, "n2", now=at) if one.url.endswith("2")]
        useless = Useless(url_key(one.url), "the model gives no choice", is_hopeless=False)
        await lend(store, "n2", 0, now=at, useless=(useless,))
        assert objects(await lend(store, "n3", now=at + 1)) == [1], "it rests for everybody"
        await store.write(lending.take_back, "n3")
    at += 2 * tries.RETRY_LONGEST_S
    assert objects(await lend(store, "n2", now=at)) == [1]
    await store.write(lending.take_back, "n2")
    assert objects(await lend(store, "n3", now=at, by="larger:8b")) == [2, 1]


async def test_facts_from_outside_are_read_as_far_as_they_can_be(store: Store) -> None:
    await store.write(site)
    odd: dict[str, Any] = {
        "makers": 5, "tags": ["ok", None, 7, {"a": 1}], "year_from": "x", "year_to": 1e99, "medium": ["clay"],
        "place": "A\u202eB", "who knows": {"deep": [1]}, "date_text": "1850",
    }  # fmt: skip
    await read(store, "n1", 1, facts=odd)
    (one,) = await lend(store, "n2")
    assert (one.object.makers, one.object.tags, one.object.place) == ((), ("ok",), "AB")
    assert (one.object.year_from, one.object.year_to, one.object.medium) == (None, None, None)
    assert one.object.date_text == "1850"


# -- at the node -----------------------------------------------------------------------------------------------------


def lent_to_us(n: int) -> Lent:
    return Lent(
        f"https://museum.example/objects/{n}",
        f"hash {n}",
        readable(f"https://museum.example/objects/{n}", f"Bowl {n}", {"makers": ["X"]}),
    )


def works(db: Database, /, by: str | None = BY) -> None:
    collector.tell(db, NOW, status="Running", current_source=None, model_state=None, describer=by)


async def test_a_node_asks_only_while_its_model_has_nothing_of_its_own(store: Store) -> None:
    assert await store.write(borrowed.wish, "m", NOW) is None, "nobody knows of a model"
    await store.write(works)
    wish = await store.write(borrowed.wish, "m", NOW)
    assert wish is not None
    assert (wish.by, wish.room, wish.holding, wish.told) == (BY, AT_ONCE, (), ())
    source = await store.write(collected.add_source, NOW)
    number = await store.write(collected.collect, source, 1, NOW)
    assert await store.write(borrowed.wish, "m", NOW) is None
    await store.write(tries.failed, number, "no use", by=BY, is_hopeless=True, now=NOW)
    assert (await store.write(borrowed.wish, "m", NOW)) is not None


async def test_what_is_lent_is_no_artifact_of_the_node_and_stays_until_the_master_knows_of_it(store: Store) -> None:
    await store.write(works)
    await store.write(borrowed.keep, "m", [lent_to_us(n) for n in range(6)], (), until=NOW + 60)
    assert (await store.read(artifacts.stats))["artifact_count"] == 0
    one = await store.read(borrowed.next_one, NOW)
    assert one is not None
    text = Description("Bowl", "A bowl.", model="m:1b", model_digest="d", prompt_version=2)
    await store.write(borrowed.described, one, text, at=NOW)
    two = await store.read(borrowed.next_one, NOW)
    assert two is not None
    assert two.url != one.url
    await store.write(borrowed.useless, two.url, "no choice", is_hopeless=False)
    for _ in range(2):  # an answer that was lost
        wish = await store.write(borrowed.wish, "m", NOW)
        assert wish is not None
        assert {told["url"] for told in wish.told} == {one.url, two.url}
        assert (len(wish.holding), wish.room) == (4, AT_ONCE - 4)
    assert wish is not None
    await store.write(borrowed.keep, "m", (), [one.url, two.url, wish.holding[0]], until=NOW + 90)
    wish = await store.write(borrowed.wish, "m", NOW)
    assert wish is not None
    assert (wish.told, len(wish.holding)) == ((), 4), "what it is still at is not forgotten by a master's word"
    assert await store.write(borrowed.wish, "m", NOW + 91) is not None
    assert await store.read(lambda db: dicts(Borrowed.select(), db)) == [], "overdue: another one may have it"


async def test_another_master_gets_nothing_of_what_the_one_before_lent(store: Store) -> None:
    await store.write(works)
    await store.write(borrowed.keep, "m", [lent_to_us(1)], (), until=NOW + 60)
    wish = await store.write(borrowed.wish, "other", NOW)
    assert wish is not None
    assert (wish.holding, wish.told) == ((), ())
