"""The predecessor's calls for the auto-miner, each against the running application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from hived.documents import collecting as documents
from hived.records.artifact import CC0, PDM, ObjectRef
from hived.store import Store
from hived.store.collecting import artifacts, collector, frontier, sources
from tests import collected
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.clock import FakeClock

NOBODY = "hive-minerd is not running"


@pytest.fixture
async def api(store: Store, clock: FakeClock) -> AsyncIterator[Api]:
    """An empty node on which hive-minerd runs."""
    async with farm.serve(store, clock) as running:
        await running.do(collected.minerd, NOW)
        yield running


# -- state, start, stop -------------------------------------------------------------------------------------------


async def test_the_status_is_what_the_daemon_said_last(api: Api) -> None:
    idle = {
        "status": "Idle", "current_source": None, "auto_miner": False, "source_id": None, "model": None,
        "daemon": None,
    }  # fmt: skip
    assert await api.get("/status") == idle
    for status, source in (
        ("Starting", "Initializing"), ("Running", "The Met"), ("Cooling down...", None), ("Idle", None),
    ):  # fmt: skip
        await api.do(collected.tell, NOW, status, source)
        assert await api.get("/status") == {**idle, "status": status, "current_source": source}
    await api.do(collected.tell, NOW, "Running", "The Met", "the model x is missing: run `ollama pull x`")
    assert (await api.get("/status"))["model"] == "the model x is missing: run `ollama pull x`"


async def test_a_daemon_that_is_silent_for_30_s_runs_nothing(api: Api) -> None:
    await api.do(collector.start, NOW)
    await api.do(collected.tell, NOW, "Running", "The Met", "no Ollama")
    api.clock.advance(29)
    assert (await api.get("/status"))["status"] == "Running"
    api.clock.advance(1)
    assert await api.get("/status") == {
        "status": "Idle", "current_source": None, "auto_miner": True, "source_id": None, "model": None,
        "daemon": NOBODY,
    }  # fmt: skip


async def test_a_daemon_that_never_ran_is_said(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock) as api:
        assert (await api.get("/status"))["daemon"] == NOBODY
        code, reply = await api.ask("POST", "/scrape/start")
        assert (code, reply["ok"], reply["daemon"]) == (200, True, NOBODY)


async def test_start_and_stop_are_rows_that_the_daemon_obeys(api: Api) -> None:
    code, reply = await api.ask("POST", "/scrape/start")
    assert (code, reply) == (200, {"ok": True, "started": True, "source_id": None, "daemon": None})
    wish = await api.store.read(collector.state)
    assert (wish.wanted, wish.only_source, wish.request) == (True, None, 1)
    assert (await api.get("/status"))["auto_miner"] is True
    code, reply = await api.ask("POST", "/scrape/start")
    assert (code, reply) == (200, {"ok": False, "message": "the auto-miner runs already"})
    code, reply = await api.ask("POST", "/scrape/stop")
    assert (code, reply) == (200, {"ok": True, "message": "the auto-miner stops"})
    wish = await api.store.read(collector.state)
    assert (wish.wanted, wish.only_source, wish.request) == (False, None, 2)
    code, reply = await api.ask("POST", "/scrape/stop")
    assert (code, reply) == (200, {"ok": True, "message": "the auto-miner was not running"})


async def test_one_source_is_run_once(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    code, reply = await api.ask("POST", f"/scrape/start?source_id={source.id}")
    assert (code, reply) == (200, {"ok": True, "started": True, "source_id": source.id, "daemon": None})
    wish = await api.store.read(collector.state)
    assert (wish.wanted, wish.only_source) == (False, source.id)
    told = await api.get("/status")
    assert (told["auto_miner"], told["source_id"], told["status"]) == (False, source.id, "Starting")
    assert (await api.ask("POST", "/scrape/start"))[1]["ok"] is False


async def test_a_source_that_is_not_there_is_not_run(api: Api) -> None:
    code, reply = await api.ask("POST", "/scrape/start?source_id=7")
    assert (code, reply) == (404, {"error": "there is no source 7", "detail": "there is no source 7"})
    assert not (await api.store.read(collector.state)).request
    for wrong in ("x", "", "-1", "9" * 30, "1&source_id=2"):
        assert (await api.ask("POST", f"/scrape/start?source_id={wrong}"))[0] == 400, wrong


# -- sources --------------------------------------------------------------------------------------------------------


async def test_a_source_is_added_listed_and_removed(api: Api) -> None:
    code, made = await api.ask("POST", "/sources", {"name": " The Met ", "base_url": f"{collected.MET}/"})
    assert code == 201
    assert made == {
        "id": made["id"], "name": "The Met", "base_url": collected.MET, "kind": "met",
        "created_at": "2027-01-15T08:00:00.000Z", "artifacts": 0, "waiting": 0, "refused": 0, "last_run_at": None,
        "last_error": None, "last_error_code": None, "last_error_at": None, "next_step": None, "refusals": [],
    }  # fmt: skip
    code, other = await api.ask(
        "POST", "/sources", {"name": "Pages", "base_url": "HTTP://Example.org/a b".replace(" ", "%20"), "kind": None}
    )
    assert (code, other["base_url"], other["kind"]) == (201, "http://example.org/a%20b", "web")
    assert [one["name"] for one in await api.get("/sources")] == ["Pages", "The Met"]
    assert await api.ask("DELETE", f"/sources/{made['id']}") == (204, None)
    assert [one["name"] for one in await api.get("/sources")] == ["Pages"]
    assert (await api.ask("DELETE", f"/sources/{made['id']}"))[0] == 404


async def test_the_kind_is_told_from_the_base_url_unless_it_is_given(api: Api) -> None:
    for given, kind, stored in (
        ({"base_url": "https://www.metmuseum.org/art/collection"}, "met", collected.MET),
        ({"base_url": "http://127.21.0.1:8181/public/collection/v1"}, "met", None),
        ({"base_url": "https://api.artic.edu/api/v1"}, "artic", None),
        ({"base_url": "https://openaccess-api.clevelandart.org/api"}, "cleveland", None),
        ({"base_url": "https://data.rijksmuseum.nl/oai"}, "rijksmuseum", None),
        ({"base_url": "http://127.21.0.1:8181/commons/w/api.php"}, "commons", None),
        ({"base_url": "http://127.21.0.1:8181/rijks/oai", "kind": "rijksmuseum"}, "rijksmuseum", None),
        ({"base_url": "http://127.21.0.1:8181/sitemap.xml"}, "web", None),
    ):
        code, made = await api.ask("POST", "/sources", {"name": "x", **given})
        assert (code, made["kind"], made["base_url"]) == (201, kind, stored or given["base_url"]), given


async def test_a_base_url_is_stored_once(api: Api) -> None:
    wish = {"name": "x", "base_url": "https://example.org/a"}
    assert (await api.ask("POST", "/sources", wish))[0] == 201
    code, reply = await api.ask("POST", "/sources", {**wish, "base_url": "https://EXAMPLE.org:443/a#top"})
    assert code == 409
    assert reply["error"] == reply["detail"]
    assert "https://example.org/a" in reply["error"]
    assert len(await api.get("/sources")) == 1


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"name": "x"}, {"base_url": "https://example.org/"}, {"name": "", "base_url": "https://example.org/"},
        {"name": "x" * 201, "base_url": "https://example.org/"}, {"name": "a\nb", "base_url": "https://example.org/"},
        {"name": 7, "base_url": "https://example.org/"}, {"name": "x", "base_url": None},
        {"name": "x", "base_url": "example.org"}, {"name": "x", "base_url": "ftp://example.org/"},
        {"name": "x", "base_url": "file:///etc/passwd"}, {"name": "x", "base_url": "https://a:b@example.org/"},
        {"name": "x", "base_url": "https:///nowhere"}, {"name": "x", "base_url": "https://example.org/a b"},
        {"name": "x", "base_url": "https://example.org/" + "a" * 600}, {"name": "x", "base_url": "http://[::1"},
        {"name": "x", "base_url": "https://example.org/", "kind": "louvre"},
        {"name": "x", "base_url": "https://example.org/", "kind": 3},
        {"name": "x", "base_url": "https://api.artic.edu/api/v1?q=x"},
        b"{", b"[]", b'{"name": "a", "name": "b"}',
    ],
)  # fmt: skip
async def test_a_bad_source_is_422_with_a_sentence(api: Api, wish: object) -> None:
    code, reply = await api.ask("POST", "/sources", wish)
    assert code == 422
    assert reply == {"error": reply["error"], "detail": reply["error"]}
    assert await api.get("/sources") == []


async def test_a_field_that_is_not_known_here_is_left_alone(api: Api) -> None:
    wish = {"name": "x", "base_url": "https://example.org/", "cc0": True}
    assert (await api.ask("POST", "/sources", wish))[0] == 201


async def test_a_source_tells_its_counts_its_error_and_why_objects_were_refused(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    await api.do(collected.collect, source, 1, NOW)
    refs = [ObjectRef(str(n), f"https://museum.example/api/{n}") for n in range(3)]
    await api.do(frontier.add, source.id, refs, NOW, changed=False)
    await api.do(sources.began, source.id, NOW + 1)
    await api.do(sources.failed, source.id, "source_fails", "no answer within 20 s", NOW + 2)
    for reason in ("rights: in copyright", "rights: in copyright", "no licence is stated"):
        await api.do(sources.refused, source.id, reason, "https://museum.example/9", NOW + 3)
    (told,) = await api.get("/sources")
    assert (told["artifacts"], told["waiting"], told["refused"]) == (1, 3, 3)
    assert (told["last_run_at"], told["last_error_at"]) == ("2027-01-15T08:00:01.000Z", "2027-01-15T08:00:02.000Z")
    assert (told["last_error"], told["last_error_code"]) == ("no answer within 20 s", "source_fails")
    assert collected.MET in told["next_step"] or source.base_url in told["next_step"]
    assert [(one["reason"], one["count"]) for one in told["refusals"]] == [
        ("rights: in copyright", 2), ("no licence is stated", 1),
    ]  # fmt: skip
    assert told["refusals"][0]["last_at"] == "2027-01-15T08:00:03.000Z"


async def test_artifacts_stay_when_their_source_goes(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    number = await api.do(collected.collect, source, 1, NOW)
    assert (await api.ask("DELETE", f"/sources/{source.id}"))[0] == 204
    left = await api.get(f"/artifacts/{number}")
    assert (left["source"], left["source_id"], left["title"]) == ("The Met", None, "Terracotta amphora 1")
    assert (await api.get("/stats"))["artifact_count"] == 1
    for wrong in ("x", "0", "99", "9" * 30):
        code, reply = await api.ask("DELETE", f"/sources/{wrong}")
        assert (code, reply["detail"]) == (404, reply["error"]), wrong


async def test_a_long_list_is_forgotten_in_many_short_transactions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    met = await api.do(collected.add_source, NOW)
    other = await api.do(collected.add_source, NOW, "Pages", "https://example.org/", "web")
    for source in (met, other):
        refs = [ObjectRef(str(n), f"https://museum.example/{n}") for n in range(12_000)]
        await api.do(frontier.add, source.id, refs, NOW, changed=False)
    await api.do(collected.collect, met, 1, NOW)
    writes: list[str] = []
    write = api.store.write

    async def counted(verb: Any, *args: Any, **kwargs: Any) -> Any:
        writes.append(verb.__name__)
        return await write(verb, *args, **kwargs)

    monkeypatch.setattr(api.store, "write", counted)
    assert (await api.ask("DELETE", f"/sources/{met.id}"))[0] == 204
    assert writes == [
        "listed",
        *["some_of"] * 5,
        "_remove",
    ]  # three of the list, one of the artifacts, one finds nothing
    (left,) = await api.get("/sources")
    assert (left["name"], left["waiting"]) == ("Pages", 12_000)
    assert (await api.get("/artifacts"))[0]["source_id"] is None


async def test_known_collections_can_be_added_as_they_are(api: Api) -> None:
    known = await api.get("/api/v1/collections")
    assert [one["kind"] for one in known] == ["met", "artic", "cleveland", "rijksmuseum", "commons"]
    for one in known:
        code, made = await api.ask("POST", "/sources", {"name": one["name"], "base_url": one["base_url"]})
        assert (code, made["kind"], made["base_url"]) == (201, one["kind"], one["base_url"])


# -- what was collected -------------------------------------------------------------------------------------------


async def test_why_an_artifact_waits_is_told(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    number = await api.do(collected.collect, source, 1, NOW)
    await api.do(artifacts.not_described, number, "the model said nothing of use", again_at=NOW + 300)
    assert (await api.get(f"/artifacts/{number}"))["waits_because"] == "the model said nothing of use"


async def test_an_artifact_is_told_whole(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    number = await api.do(collected.collect, source, 1, NOW)
    waiting = await api.get(f"/artifacts/{number}")
    assert (waiting["state"], waiting["description"], waiting["bubbles"]) == ("awaiting_description", None, [])
    await api.do(collected.describe, number, NOW + 60)
    told = await api.get(f"/artifacts/{number}")
    assert told == {
        "id": number, "title": "Terracotta amphora 1", "description": "A tall Attic vase by Exekias.",
        "image_url": "https://images.museum.example/1.jpg", "url": "https://museum.example/objects/1",
        "source": "The Met", "source_id": source.id, "provider": "met", "object_id": "1", "licence": "CC0 1.0",
        "license_uri": CC0, "licence_field": "isPublicDomain", "licence_scope": "work",
        "licence_read_at": "2027-01-15T08:00:00.000Z", "state": "described", "waits_because": None,
        "facts": {
            "makers": ["Exekias", "Euphronios"], "date_text": "ca. 530 B.C.", "year_from": -535, "year_to": -525,
            "medium": "Terracotta", "culture": "Greek, Attic", "tags": ["Vases"],
        },
        "collected_at": "2027-01-15T08:00:00.000Z", "changed_at": "2027-01-15T08:01:00.000Z",
        "bubbles": [
            {
                "id": told["bubbles"][0]["id"], "node_id": "node-1", "node_name": None, "kind": "description",
                "who": "described by node-1: facts of the record, chosen by llama3.2:1b",
                "content": {
                    "title": "An amphora", "summary": "A tall Attic vase by Exekias.", "period": "Archaic",
                    "tags": ["vase"], "seconds": 4.2, "tokens": 80,
                },
                "model": "llama3.2:1b", "model_digest": collected.DIGEST, "prompt_version": 3, "is_old": False,
                "collected_at": "2027-01-15T08:01:00.000Z", "received_at": "2027-01-15T08:01:00.000Z",
            }
        ],
        "bubble_count": 1, "description_count": 1, "bubbles_before": None,
    }  # fmt: skip
    assert await api.get("/artifacts") == [told]
    await api.do(collected.add_bubble, number, NOW + 90, node_id="node-2", content="Some text.")
    again = await api.get(f"/artifacts/{number}")
    assert again["description"] == told["description"]
    assert [(one["node_id"], one["content"]) for one in again["bubbles"]] == [
        ("node-1", told["bubbles"][0]["content"]), ("node-2", "Some text."),
    ]  # fmt: skip
    mark = await api.do(collected.collect, source, 3, NOW)
    assert (await api.get(f"/artifacts/{mark}"))["licence"] == "Public Domain Mark 1.0"
    assert (await api.get(f"/artifacts/{mark}"))["license_uri"] == PDM


async def test_who_collected_it_is_a_bubble_beside_who_described_it(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    number = await api.do(collected.collect, source, 1, NOW)
    await api.do(collected.read, number, NOW)
    waiting = await api.get(f"/artifacts/{number}")
    assert (waiting["state"], waiting["description"]) == ("awaiting_description", None)
    assert (waiting["bubble_count"], waiting["description_count"]) == (1, 0)
    (bubble,) = waiting["bubbles"]
    assert (bubble["kind"], bubble["who"], bubble["model"]) == ("facts", "collected by node-1, from The Met", None)
    assert bubble["content"] == {
        "title": "Terracotta amphora 1", "provider": "met", "object_id": "1", "source": "The Met", "licence": CC0,
        "image_url": "https://images.museum.example/1.jpg", "facts": waiting["facts"],
    }  # fmt: skip
    await api.do(collected.describe, number, NOW + 60)
    told = await api.get(f"/artifacts/{number}")
    assert [one["kind"] for one in told["bubbles"]] == ["facts", "description"]
    assert (told["bubble_count"], told["description_count"]) == (2, 1)
    assert told["description"] == "A tall Attic vase by Exekias."


async def test_a_page_of_bubbles_may_end_between_two_of_one_node_and_moment(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "SHOWN", 1)
    monkeypatch.setattr(documents, "SHOWN", 1)
    source = await api.do(collected.add_source, NOW)
    number = await api.do(collected.collect, source, 1, NOW)
    await api.do(collected.read, number, NOW)
    await api.do(collected.describe, number, NOW)
    await api.do(collected.add_bubble, number, NOW, node_id="node-0", content="Some text.")
    seen, cursor = [], ""
    while page := (await api.get(f"/artifacts/{number}{cursor}"))["bubbles"]:
        seen += [(one["node_id"], one["kind"]) for one in page]
        cursor = f"?bubbles_before={quote(documents.bubble_cursor({**page[0], 'received_at': NOW}))}"
    assert seen == [("node-0", "description"), ("node-1", "description"), ("node-1", "facts")]


async def test_artifacts_come_newest_first_and_go_on_before_an_id(api: Api) -> None:
    source = await api.do(collected.add_source, NOW)
    numbers = [await api.do(collected.collect, source, n, NOW + n) for n in range(1, 61)]
    numbers.reverse()
    assert [one["id"] for one in await api.get("/artifacts")] == numbers[:50]
    seen: list[int] = []
    while page := await api.get(f"/artifacts?limit=25{f'&before={seen[-1]}' if seen else ''}"):
        seen += [one["id"] for one in page]
    assert seen == numbers
    assert len(await api.get("/artifacts?limit=1000")) == 60
    for wrong in (
        "limit=0", "limit=1001", "limit=x", "limit=-1", "limit=1&limit=2", "before=x", "before=-1", "source_id=x",
        "state=lost", "state=", "provider=", f"provider={'x' * 101}", f"q={'x' * 201}",
    ):  # fmt: skip
        code, reply = await api.ask("GET", f"/artifacts?{wrong}")
        assert (code, reply["detail"]) == (400, reply["error"]), wrong
    for wrong in ("0", "x", "9" * 30, "-1", "%00"):
        code, reply = await api.ask("GET", f"/artifacts/{wrong}")
        assert (code, reply["detail"]) == (404, reply["error"]), wrong


async def test_artifacts_are_found_by_words_source_state_and_provider(api: Api) -> None:
    met = await api.do(collected.add_source, NOW)
    pages = await api.do(collected.add_source, NOW, "Pages", "https://example.org/", "web")
    one = await api.do(collected.collect, met, 1, NOW, title="Élan vase 100%", makers=("Euphronios",))
    two = await api.do(collected.collect, pages, 2, NOW, title="Vase of glass", makers=(), provider="web")
    await api.do(collected.describe, two, NOW)

    async def found(query: str) -> list[int]:
        return [artifact["id"] for artifact in await api.get(f"/artifacts?{query}")]

    assert await found("q=VASE") == [two, one]
    assert await found("q=euphronios+vase+terracotta") == [one]
    assert await found("q=%C3%A9lan") == [one]
    assert await found("q=100%25") == [one]
    assert await found("q=%25") == [one]
    assert await found("q=_") == []
    assert await found("q=attic") == [two, one]
    assert await found("q=nothing") == []
    assert await found("q=") == [two, one]
    assert await found(f"source_id={met.id}") == [one]
    assert await found("source_id=99") == []
    assert await found("state=described") == [two]
    assert await found("state=awaiting_description") == [one]
    assert await found("provider=met") == [one]
    assert await found(f"provider=met&q=glass&source_id={met.id}") == []


async def test_stats_count_every_row(api: Api) -> None:
    assert (await api.get("/stats"))["artifact_count"] == 0
    source = await api.do(collected.add_source, NOW)
    for n in range(1, 7):
        number = await api.do(collected.collect, source, n, NOW)
    await api.do(collected.describe, number, NOW)
    assert await api.get("/stats") == {
        "artifact_count": 6, "described_count": 1, "awaiting_count": 5, "bubble_count": 1,
        "by_licence": {"CC0 1.0": 4, "Public Domain Mark 1.0": 2}, "by_provider": {"met": 6},
    }  # fmt: skip


async def test_words_from_outside_are_told_as_they_are_and_as_json_only(api: Api) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\u2028"
    code, source = await api.ask("POST", "/sources", {"name": "<b>x</b>", "base_url": "https://example.org/<x>"})
    assert (code, source["name"], source["base_url"]) == (201, "<b>x</b>", "https://example.org/%3Cx%3E")
    stored = await api.store.read(sources.one, source["id"])
    await api.do(collected.collect, stored, 1, NOW, title=evil, makers=(evil,))
    for path in ("/artifacts", "/sources", "/status", "/stats"):
        async with api.http.get(path) as reply:
            assert reply.content_type == "application/json"
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert (await reply.read()).isascii()
    (told,) = await api.get("/artifacts")
    assert (told["title"], told["facts"]["makers"]) == (evil, [evil])
