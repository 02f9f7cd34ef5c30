"""Sources, frontier and artifacts: what is stored once stays once, and what is leased comes back."""

from __future__ import annotations

import dataclasses

import pytest

from hived.errors import Conflict
from hived.records.artifact import (
    CC0,
    CollectedObject,
    Description,
    Fetched,
    Lease,
    Licence,
    ObjectRef,
    Source,
    Validators,
)
from hived.store import Store
from hived.store.collecting import artifacts, collecting, collector, frontier, hosts, sources
from hived.store.collecting.hosts import HostRow

NOW = 1_800_000_000.0
DAY = 86_400.0


def bowl(number: int = 1, **changes: object) -> CollectedObject:
    made = CollectedObject(
        provider="met", object_id=str(number), url=f"https://museum.example/object/{number}", title="Bowl",
        licence=Licence(CC0, "isPublicDomain", NOW), makers=("Unknown",), date_text="ca. 1250", medium="Earthenware",
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def refs(count: int, host: str = "museum.example") -> list[ObjectRef]:
    return [ObjectRef(str(i), f"https://{host}/objects/{i}") for i in range(1, count + 1)]


async def a_source(store: Store, name: str = "A museum") -> Source:
    return await store.write(
        sources.add, name=name, base_url=f"https://{name.split()[-1]}.example/api", kind="met", at=NOW
    )


async def lease(store: Store, source: Source, at: float = NOW) -> Lease | None:
    return await store.write(frontier.lease, source.id, at, hold_s=120.0)


async def must_lease(store: Store, source: Source, at: float = NOW) -> Lease:
    held = await lease(store, source, at)
    assert held is not None
    return held


async def test_a_base_url_is_a_source_once_and_its_artifacts_stay_when_it_goes(store: Store) -> None:
    source = await a_source(store)
    with pytest.raises(Conflict):
        await a_source(store)
    await store.write(artifacts.save, bowl(), source_id=source.id, source_name=source.name, at=NOW)
    assert await store.write(sources.remove, source.id)
    assert not await store.write(sources.remove, source.id)
    (kept,) = await store.read(artifacts.newest, limit=10)
    assert (kept.source_id, kept.source, kept.title) == (None, "A museum", "Bowl")


async def test_objects_are_leased_in_order_and_a_lost_lease_comes_back(store: Store) -> None:
    source = await a_source(store)
    assert await store.write(frontier.add, source.id, refs(3), NOW, changed=False) == 3
    assert await store.write(frontier.add, source.id, refs(3), NOW, changed=False) == 0
    held = [await lease(store, source) for _ in range(4)]
    assert [h and h.object_id for h in held] == ["1", "2", "3", None]
    assert await lease(store, source, NOW + 119) is None
    again = await must_lease(store, source, NOW + 121)
    assert (again.object_id, again.attempts) == ("1", 2)


async def test_a_lease_from_the_future_of_a_wrong_clock_is_taken(store: Store) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(1), NOW, changed=False)
    await store.write(frontier.lease, source.id, NOW + 30 * DAY, hold_s=120.0)
    assert await lease(store, source, NOW) is not None


async def test_a_host_that_wants_a_pause_is_not_picked_and_others_are(store: Store) -> None:
    source = await a_source(store)
    await store.write(
        frontier.add, source.id, [*refs(1), ObjectRef("x", "https://other.example/x")], NOW, changed=False
    )
    await store.write(hosts.save, [HostRow("museum.example", next_ok_at=NOW + 60)])
    assert (await must_lease(store, source)).object_id == "x"
    assert await lease(store, source) is None
    assert (await must_lease(store, source, NOW + 61)).object_id == "1"


async def test_an_open_object_is_stored_once_with_its_licence(store: Store) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(1), NOW, changed=False)
    held = await must_lease(store, source)
    fetched = Fetched(object=bowl(), validators=Validators('"v1"', None))
    assert await store.write(collecting.settle, source, held, fetched, NOW, node_id="n") == "new"
    (one,) = await store.read(artifacts.newest, limit=10)
    assert one.licence is not None
    assert (one.licence.uri, one.licence.field, one.state) == (CC0, "isPublicDomain", "awaiting_description")
    assert one.facts["date_text"] == "ca. 1250"
    again = await must_lease(store, source, NOW + 8 * DAY)
    assert again.validators.etag == '"v1"'
    assert await store.write(collecting.settle, source, again, fetched, NOW + 8 * DAY, node_id="n") == "unchanged"
    assert (await store.read(artifacts.stats))["artifact_count"] == 1


@pytest.mark.parametrize(("rights", "reason"), [(None, collecting.UNKNOWN_LICENCE), ("© Somebody", "© Somebody")])
async def test_what_is_not_open_is_refused_and_counted(store: Store, rights: str | None, reason: str) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(2), NOW, changed=False)
    for _ in range(2):
        held = await must_lease(store, source)
        closed = Fetched(object=bowl(licence=None, rights_text=rights))
        assert await store.write(collecting.settle, source, held, closed, NOW, node_id="n") == "refused"
    assert await store.read(artifacts.newest, limit=10) == []
    assert [(r["reason"], r["count"]) for r in await store.read(sources.refusals, source.id)] == [(reason, 2)]
    found = await store.read(sources.one, source.id)
    assert found is not None
    assert (found.refused, found.waiting) == (2, 0)


async def test_two_works_of_one_title_are_two_artifacts_and_two_urls_of_one_work_are_one(store: Store) -> None:
    source = await a_source(store)
    for obj in (bowl(1), bowl(2), bowl(2, url="HTTPS://Museum.example:443/object/2?utm_source=x#top")):
        await store.write(artifacts.save, obj, source_id=source.id, source_name=source.name, at=NOW)
    assert len(await store.read(artifacts.newest, limit=10)) == 2


async def test_revisits_come_sooner_after_changes_and_later_without(store: Store) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(1), NOW, changed=False)
    at, waits = NOW, []
    for title in ("a", "b", "c", "c", "c", "c"):
        held = await must_lease(store, source, at)
        await store.write(collecting.settle, source, held, Fetched(object=bowl(title=title)), at, node_id="n")
        early = at
        while await lease(store, source, early) is None:
            early += DAY / 4
        waits.append((early - at) / DAY)
        await store.write(frontier.give_back, held)
        at = early + 1
    assert waits[0] == 7
    assert waits[1] < waits[0]
    assert waits[-1] > waits[2]


async def test_what_is_gone_once_is_looked_for_once_more_and_then_left(store: Store) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(2), NOW, changed=False)
    first = await must_lease(store, source)
    await store.write(collecting.settle, source, first, Fetched(gone="404"), NOW, node_id="n")
    second = await must_lease(store, source)
    await store.write(collecting.settle, source, second, Fetched(gone="not a valid object"), NOW, node_id="n")
    assert await lease(store, source, NOW + 6 * DAY) is None
    again = await must_lease(store, source, NOW + 8 * DAY)
    assert again.object_id == "1"
    await store.write(collecting.settle, source, again, Fetched(gone="404"), NOW + 8 * DAY, node_id="n")
    assert await lease(store, source, NOW + 300 * DAY) is None


async def test_failures_are_retried_after_growing_pauses(store: Store) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(1), NOW, changed=False)
    at, pauses = NOW, []
    for _ in range(5):
        held = await must_lease(store, source, at)
        await store.write(frontier.failed, held, at, "HTTP 500")
        wait = 1.0
        while await lease(store, source, at + wait) is None:
            wait += 30
        pauses.append(wait)
        at += wait + 130
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]


async def test_an_object_that_a_list_names_as_changed_is_due_at_once(store: Store) -> None:
    source = await a_source(store)
    await store.write(frontier.add, source.id, refs(1), NOW, changed=False)
    held = await must_lease(store, source)
    await store.write(collecting.settle, source, held, Fetched(object=bowl()), NOW, node_id="n")
    assert await lease(store, source, NOW + 1) is None
    await store.write(frontier.add, source.id, refs(1), NOW + 2, changed=True)
    assert await lease(store, source, NOW + 2) is not None


async def test_a_description_is_one_bubble_however_often_it_is_stored(store: Store) -> None:
    source = await a_source(store)
    number, _ = await store.write(artifacts.save, bowl(), source_id=source.id, source_name=source.name, at=NOW)
    for _ in range(3):
        waiting = await store.read(artifacts.to_describe, NOW, node_id="n")
        text = Description("Bowl", "An earthenware bowl of about 1250.", model="m:1b", model_digest="d", seconds=1.5)
        input_hash = waiting[2] if waiting else artifacts.content_hash(bowl())
        assert await store.write(artifacts.describe, number, text, node_id="n", input_hash=input_hash, at=NOW)
    one = await store.read(artifacts.one, number)
    assert one is not None
    assert (one.state, one.description, len(one.bubbles)) == ("described", "An earthenware bowl of about 1250.", 1)
    assert one.bubbles[0]["node_id"] == "n"
    assert len(one.bubbles[0]["id"]) == 64
    assert (await store.read(artifacts.stats))["bubble_count"] == 1


async def test_a_description_of_facts_that_changed_meanwhile_is_not_kept(store: Store) -> None:
    source = await a_source(store)
    number, _ = await store.write(artifacts.save, bowl(), source_id=source.id, source_name=source.name, at=NOW)
    waiting = await store.read(artifacts.to_describe, NOW, node_id="n")
    assert waiting is not None
    await store.write(artifacts.save, bowl(medium="Gold"), source_id=source.id, source_name=source.name, at=NOW + 1)
    text = Description("Bowl", "An earthenware bowl.")
    assert not await store.write(artifacts.describe, number, text, node_id="n", input_hash=waiting[2], at=NOW)
    one = await store.read(artifacts.one, number)
    assert one is not None
    assert one.state == "awaiting_description"


async def test_artifacts_are_described_newest_first_and_a_failed_one_waits(store: Store) -> None:
    source = await a_source(store)
    for i in (1, 2, 3):
        await store.write(artifacts.save, bowl(i), source_id=source.id, source_name=source.name, at=NOW + i)
    first = await store.read(artifacts.to_describe, NOW + 9, node_id="n")
    assert first is not None
    assert first[1] == bowl(3)
    await store.write(artifacts.not_described, first[0], "the model said nothing of use", again_at=NOW + 100)
    second = await store.read(artifacts.to_describe, NOW + 9, node_id="n")
    assert second is not None
    assert second[1].object_id == "2"
    again = await store.read(artifacts.to_describe, NOW + 101, node_id="n")
    assert again is not None
    assert again[1].object_id == "3"


async def test_pages_search_and_filters_of_the_feed(store: Store) -> None:
    source = await a_source(store)
    for i in range(1, 31):
        obj = bowl(i, title=f"Bowl {i}", makers=("Kofi" if i % 3 == 0 else "Ana",))
        await store.write(artifacts.save, obj, source_id=source.id, source_name=source.name, at=NOW + i)
    page = await store.read(artifacts.newest, limit=10)
    assert [a.object_id for a in page] == [str(i) for i in range(30, 20, -1)]
    rest = await store.read(artifacts.newest, limit=100, before=page[-1].id)
    assert len(rest) == 20
    assert len(await store.read(artifacts.newest, limit=100, words="KOFI bowl")) == 10
    assert await store.read(artifacts.newest, limit=100, words="%") == []
    assert await store.read(artifacts.newest, limit=100, state="described") == []
    assert (await store.read(artifacts.stats))["artifact_count"] == 30


async def test_orders_are_a_row_and_survive(store: Store) -> None:
    assert not (await store.read(collector.state)).wanted
    assert await store.write(collector.start, NOW)
    assert not await store.write(collector.start, NOW)
    assert not await store.write(collector.start, NOW, only_source=3)
    before = await store.read(collector.state)
    assert (before.wanted, before.status, before.current_source) == (True, "Starting", "Initializing")
    assert await store.write(collector.stop, NOW)
    after = await store.read(collector.state)
    assert (after.wanted, after.request) == (False, before.request + 1)
    assert await store.write(collector.start, NOW, only_source=3)
    single = await store.read(collector.state)
    assert (single.wanted, single.only_source) == (False, 3)
    await store.write(collector.single_run_ended, NOW, single.request - 1)  # an older run's end
    assert (await store.read(collector.state)).only_source == 3
    await store.write(collector.single_run_ended, NOW, single.request)
    assert (await store.read(collector.state)).only_source is None
