"""hive-minerd's use case against a simulated museum and model server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from hived.records.artifact import CC0, OPEN_LICENCES, Artifact, Licence
from hived.records.bubbles import DESCRIPTION
from hived.simulator.ollama.faults import ActiveOllamaFault, OllamaFault
from hived.store.collecting import artifacts, collector, frontier, sources
from hived.store.schema import Contribution
from tests.clock import FakeClock
from tests.databases import Databases
from tests.services.collecting.describe.objects import PAGE
from tests.services.collecting.museum import MODEL, Museum, open_museum
from tests.waiting import until


@pytest.fixture
async def museum(databases: Databases) -> AsyncIterator[Museum]:
    async with open_museum(databases.make()) as opened:
        yield opened


async def stats(museum: Museum) -> dict[str, Any]:
    return await museum.store.read(artifacts.stats)


async def open_works(museum: Museum) -> set[str]:
    """The numbers of what the museum states to be open and really has."""
    catalogue = museum.collection
    return {
        str(number)
        for number in catalogue.ids
        if catalogue.catalogue.has_record(number) and catalogue.objects(number).open
    }


async def test_one_round_stores_and_describes_what_is_open_and_counts_the_rest(museum: Museum) -> None:
    source = await museum.add()
    async with museum.collector() as work:
        await work.round()
    stored = await museum.store.read(artifacts.newest, limit=1000)
    assert {a.object_id for a in stored} == await open_works(museum)
    assert len(stored) > 10
    assert {a.licence and a.licence.uri for a in stored} <= OPEN_LICENCES
    assert {a.licence and a.licence.field for a in stored} == {"isPublicDomain"}
    counts = await stats(museum)
    assert counts["artifact_count"] == len(stored)
    assert counts["described_count"] + counts["awaiting_count"] == len(stored)
    assert counts["described_count"] >= 0.9 * len(stored)
    described = next(a for a in stored if a.state == "described")
    said, read = sorted(described.bubbles, key=lambda bubble: str(bubble["kind"]))
    assert said["model"] == MODEL
    assert said["model_digest"]
    assert said["prompt_version"] >= 1
    assert (read["kind"], read["model"], read["content"]["title"]) == ("facts", None, described.title)
    found = await museum.store.read(sources.one, source.id)
    assert found is not None
    assert found.refused > 0
    assert found.waiting == 0
    assert (await museum.store.read(sources.refusals, source.id))[0]["count"] > 0


@pytest.mark.parametrize("kind", ["met", "artic", "cleveland", "rijksmuseum", "commons", "web"])
async def test_every_kind_of_source_is_collected_to_its_end(museum: Museum, kind: str) -> None:
    await museum.add(kind)
    async with museum.collector() as work:
        await work.round()
    stored = await museum.store.read(artifacts.newest, limit=1000)
    assert len(stored) > 8
    assert {a.licence and a.licence.uri for a in stored} <= OPEN_LICENCES
    assert {a.provider for a in stored} == {kind}
    assert len({a.url_key for a in stored}) == len(stored)


async def test_a_second_round_asks_for_nothing_again(museum: Museum) -> None:
    await museum.add()
    async with museum.collector() as work:
        await work.round()
        asked = museum.collection.requests.total
        await work.round()
    assert museum.collection.requests.total == asked
    assert max(museum.collection.requests.sent.values()) == 1


async def test_after_a_day_only_what_changed_is_fetched_and_described_again(
    databases: Databases, clock: FakeClock
) -> None:
    clock.now = 1_795_000_000.0
    async with open_museum(databases.make(), clock=clock) as museum:
        await museum.add()
        async with museum.collector() as work:
            await work.round()
            first = await museum.store.read(artifacts.newest, limit=1)
            changed = int(first[0].object_id)
            clock.advance(90_000)
            museum.collection.touch(changed, title="Another Title")
            museum.collection.requests.reset()
            await work.round()
        sent = museum.collection.requests.sent
        assert sent[f"met/{changed}"] == 1
        assert sum(sent.values()) < 5
        again = await museum.store.read(artifacts.one, first[0].id)
        assert again is not None
        assert again.title == "Another Title"
        contents = {bubble["kind"]: bubble["content"] for bubble in again.bubbles}
        assert contents.keys() == {"description", "facts"}
        assert contents["facts"]["title"] == "Another Title"


async def test_the_list_goes_on_where_a_restart_left_it(museum: Museum) -> None:
    source = await museum.add()
    async with museum.collector() as work:
        found = await museum.store.read(sources.one, source.id)
        assert found is not None
        await work._list(work._adapters["met"], found)
    lists = (
        museum.collection.requests.count("/public/collection/v1/objects?")
        + museum.collection.requests["/public/collection/v1/objects"]
    )
    async with museum.collector() as work:
        await work.round()
    assert lists >= 1
    assert (await stats(museum))["artifact_count"] == len(await open_works(museum))


class Beating:
    """`obey` twice a second is the daemon's beat; here it is quicker."""

    def __init__(self, work: Any) -> None:
        self._work = work
        self._end = asyncio.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._beat())

    async def __aexit__(self, *_error: object) -> None:
        self._end.set()
        await self._task

    async def _beat(self) -> None:
        while not self._end.is_set():
            await self._work.obey()
            try:
                async with asyncio.timeout(0.05):
                    await self._end.wait()
            except TimeoutError:
                continue


async def status_is(museum: Museum, *wanted: str) -> None:
    async def is_it() -> bool:
        return (await museum.store.read(collector.state)).status in wanted

    await until(is_it, within_s=10)


async def test_start_and_stop_are_obeyed_and_told_with_the_exact_words(museum: Museum) -> None:
    await museum.add()
    async with museum.collector(cooldown_s=3600.0) as work, Beating(work):
        await status_is(museum, "Idle")
        assert await museum.store.write(collector.start, time.time())
        await status_is(museum, "Running", "Cooling down...")
        await status_is(museum, "Cooling down...")
        began = time.monotonic()
        await museum.store.write(collector.stop, time.time())
        await status_is(museum, "Idle")
        assert time.monotonic() - began < 2.0
        assert (await museum.store.read(collector.state)).current_source is None


@pytest.mark.parametrize("only", [False, True])
async def test_an_order_that_is_taken_back_before_the_loop_saw_it_leaves_nothing_behind(
    museum: Museum, only: bool
) -> None:
    source = await museum.add()
    async with museum.collector() as work:
        await work.obey()
        for _ in range(3):
            await museum.store.write(collector.start, time.time(), only_source=source.id if only else None)
            assert (await museum.store.read(collector.state)).status == "Starting"
            await museum.store.write(collector.stop, time.time())
            assert (await museum.store.read(collector.state)).status == "Idle"
            await work.obey()
            state = await museum.store.read(collector.state)
            assert (state.status, state.current_source) == ("Idle", None)


async def test_what_a_cancelled_beat_wrote_is_written_over_by_the_next(museum: Museum) -> None:
    await museum.add()
    async with museum.collector() as work:
        await work.obey()
        work._status = "Running"
        telling = asyncio.create_task(work._tell())
        await asyncio.sleep(0)  # the write is on its way
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await work.obey()
        assert (await museum.store.read(collector.state)).status == "Idle"


async def test_a_clock_that_was_ahead_for_years_delays_nothing(databases: Databases, clock: FakeClock) -> None:
    async with open_museum(databases.make(), objects=12, clock=clock) as museum:
        source = await museum.add()
        today, clock.now = clock.now, clock.now + 10 * 365 * 86_400.0
        museum.model.fault = ActiveOllamaFault(OllamaFault.WRONG_JSON, paths=("/api/chat",))
        async with museum.collector() as work:
            await work.round()
        waiting = (await stats(museum))["awaiting_count"]
        assert waiting > 3
        museum.model.fault = None
        clock.now = today
        museum.collection.requests.reset()
        async with museum.collector() as work:
            await work.round()
        assert (await stats(museum))["described_count"] >= 0.9 * waiting
        asked = museum.collection.requests.count("/public/collection/v1/objects/")
        assert asked >= waiting  # every object is looked at again
        listed = await museum.store.read(sources.one, source.id)
        assert listed is not None
        assert 0 < (listed.listed_at or 0) <= today


async def test_stop_ends_a_hung_fetch_within_two_seconds_and_the_object_is_not_lost(museum: Museum) -> None:
    source = await museum.add()
    museum.collection.set_fault("hung", paths=["/public/collection/v1/objects/*"])
    async with museum.collector() as work, Beating(work):
        await museum.store.write(collector.start, time.time())
        await until(lambda: museum.collection.requests.count("/public/collection/v1/objects/") > 0, within_s=10)
        began = time.monotonic()
        await museum.store.write(collector.stop, time.time())
        await status_is(museum, "Idle")
        assert time.monotonic() - began < 2.0
        held = await museum.store.write(frontier.lease, source.id, time.time(), hold_s=1.0)
        assert held is not None
        assert held.attempts == 1
        museum.collection.clear_fault("hung")


async def test_stop_ends_a_thinking_model_within_two_seconds(museum: Museum) -> None:
    await museum.add()
    museum.model.fault = ActiveOllamaFault(OllamaFault.HUNG, paths=("/api/chat",))
    async with museum.collector() as work, Beating(work):
        await museum.store.write(collector.start, time.time())
        await until(lambda: len(museum.model.chats()) > 0, within_s=15)
        began = time.monotonic()
        await museum.store.write(collector.stop, time.time())
        await status_is(museum, "Idle")
        assert time.monotonic() - began < 2.0
        museum.model.fault = None


async def test_a_single_source_run_does_that_source_and_ends_by_itself(museum: Museum) -> None:
    met = await museum.add("met")
    await museum.add("artic")
    async with museum.collector() as work, Beating(work):
        await museum.store.write(collector.start, time.time(), only_source=met.id)

        async def over() -> bool:
            return (await museum.store.read(collector.state)).only_source is None

        await until(over, within_s=20)
        await status_is(museum, "Idle")
    by = (await stats(museum))["by_provider"]
    assert set(by) == {"met"}


async def test_an_auto_miner_that_was_on_goes_on_after_a_restart(museum: Museum) -> None:
    await museum.add()
    await museum.store.write(collector.start, time.time())
    for _ in range(2):
        async with museum.collector() as work, Beating(work):
            await status_is(museum, "Running", "Cooling down...")
        assert (await museum.store.read(collector.state)).wanted


async def test_without_a_model_objects_are_kept_and_described_later_newest_first(museum: Museum) -> None:
    await museum.add()
    museum.model.models.clear()
    async with museum.collector() as work:
        await work.round()
        assert "ollama pull" in work.summary()
    counts = await stats(museum)
    assert counts["artifact_count"] == counts["awaiting_count"] > 10
    museum.model.models.append(MODEL)
    async with museum.collector() as work:
        await work.round()
    counts = await stats(museum)
    assert counts["described_count"] >= 0.9 * counts["artifact_count"]


def by_kind(museum: Museum) -> tuple[int, int]:
    """Return how often the model was asked, and about how many different records."""
    asked = [chat["messages"][1]["content"] for chat in museum.model.chats()]
    return len(asked), len(set(asked))


async def test_an_object_of_which_nothing_is_said_three_times_waits_for_another_model(
    databases: Databases, clock: FakeClock
) -> None:
    async with open_museum(databases.make(), objects=12, clock=clock) as museum:
        await museum.add()
        museum.model.fault = ActiveOllamaFault(OllamaFault.NO_CHOICE, paths=("/api/chat",))
        async with museum.collector() as work:
            for _ in range(6):
                await work.round()
                clock.advance(3700)
            assert f"the model {MODEL} gives no choice" in work.summary()
        waiting = (await stats(museum))["awaiting_count"]
        assert waiting > 3
        assert by_kind(museum) == (3 * waiting, waiting)
        (first, *_) = await museum.store.read(artifacts.newest, limit=1)
        assert first.describe_error == (
            "the answer chooses none of the record's facts, 3 times: it waits for another model"
        )
        museum.model.fault = None
        async with museum.collector() as work:
            await work.round()
        assert by_kind(museum) == (3 * waiting, waiting)
        museum.model.models.append("llama3.2:1b")
        async with museum.collector(model="llama3.2:1b") as work:
            await work.round()
        assert (await stats(museum))["described_count"] == waiting
        assert by_kind(museum) == (4 * waiting, waiting)


async def test_a_record_without_a_fact_is_kept_and_no_model_is_asked_about_it(museum: Museum) -> None:
    source = await museum.add("web")
    bare = replace(PAGE, licence=Licence(CC0, "link[rel=license]", time.time()))
    number, _ = await museum.store.write(
        artifacts.save, bare, source_id=source.id, source_name=source.name, at=time.time()
    )
    async with museum.collector() as work:
        while await work._describe_next():
            pass
    assert museum.model.chats() == []
    kept = await museum.store.read(artifacts.one, number)
    assert kept is not None
    assert (kept.state, kept.describe_error) == ("awaiting_description", "its record has no facts to tell")


def is_old(artifact: Artifact) -> bool:
    (said,) = [bubble["is_old"] for bubble in artifact.bubbles if bubble["kind"] == DESCRIPTION]
    return bool(said)


async def test_what_an_older_version_said_is_shown_as_old_until_it_is_described_anew(museum: Museum) -> None:
    await museum.add()
    async with museum.collector() as work:
        await work.round()
    stored = await museum.store.read(artifacts.newest, limit=1000)
    first, second, newest = stored[-1], stored[-2], stored[0]

    def go_back(db: Any) -> None:
        """Let this node have described two as the version before did, and the master's other node one."""
        for one, node_id in ((first, "node-1"), (second, "node-1"), (newest, "node-2")):
            change = Contribution.update(prompt_version=1, node_id=node_id)
            change.where(Contribution.artifact == one.id, Contribution.kind == DESCRIPTION).execute(db)

    await museum.store.write(go_back)
    assert [is_old(one) for one in await museum.store.read(artifacts.newest, limit=1000)] == [
        one.id in (first.id, second.id, newest.id) for one in stored
    ]
    museum.model.asked.clear()
    async with museum.collector() as work:
        assert await work._describe_next()
        (again,) = museum.model.chats()
        assert second.title in again["messages"][1]["content"]
        await work.round()
    assert len(museum.model.chats()) == 2
    told = {one.id: one for one in await museum.store.read(artifacts.newest, limit=1000)}
    assert [is_old(told[one.id]) for one in (first, second, newest)] == [False, False, True]
    assert told[first.id].description == first.description
    assert told[first.id].description_count == 1


async def test_one_broken_source_does_not_hold_up_the_others(museum: Museum) -> None:
    broken = await museum.add("met")
    await museum.add("cleveland")
    museum.collection.set_fault("error_500", paths=["/public/collection/*"])
    async with museum.collector() as work:
        await work.round()
    found = await museum.store.read(sources.one, broken.id)
    assert found is not None
    assert "500" in (found.last_error or "")
    assert set((await stats(museum))["by_provider"]) == {"cleveland"}


async def test_a_host_that_throttles_is_left_alone(museum: Museum) -> None:
    source = await museum.add("met")
    museum.collection.set_fault("too_many", paths=["/public/collection/v1/objects/*"], retry_after_s=120)
    async with museum.collector() as work:
        await work.round()
    assert museum.collection.requests.count("/public/collection/v1/objects/") == 1
    found = await museum.store.read(sources.one, source.id)
    assert found is not None
    assert found.last_error
    museum.collection.clear_fault("too_many")


@pytest.mark.parametrize("kind", ["met", "artic", "cleveland", "rijksmuseum", "commons"])
async def test_a_page_in_place_of_an_api_pauses_its_host_and_refuses_nothing(museum: Museum, kind: str) -> None:
    source = await museum.add(kind)
    objects = {"met": "/public/collection/v1/objects/*", "cleveland": "/cleveland/api/artworks/*"}
    museum.collection.set_fault("not_json", paths=[objects[kind]] if kind in objects else [])
    museum.collection.requests.reset()
    async with museum.collector() as work:
        await work.round()
        await work.round()
    suffered = museum.collection.troubles[0].hits
    assert suffered == 1
    found = await museum.store.read(sources.one, source.id)
    assert found is not None
    assert found.refused == 0
    assert "firewall" in (found.last_error or "")
    assert found.last_error_code == "source_waits"


async def test_a_forbidden_page_is_refused_and_counted(museum: Museum) -> None:
    source = await museum.add("web", museum.collection.url + "/private/")
    async with museum.collector() as work:
        await work.round()
    assert museum.collection.requests.count("/private/") == 0
    assert museum.collection.requests["/robots.txt"] >= 1
    told = await museum.store.read(sources.one, source.id)
    assert told is not None
    reasons = [r["reason"] for r in await museum.store.read(sources.refusals, source.id)]
    assert any("robots.txt" in text for text in [*reasons, told.last_error or ""])
