"""Hostile batches: whatever a node sends, nothing raises past the parser, and what is good in it is kept."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.api.nodes import ingest_parse
from hived.documents import appliance
from hived.documents import miners as documents
from hived.documents.fleet import fleet as fleet_document
from hived.documents.fleet import judged
from hived.errors import BadRequest
from hived.records import untrusted
from hived.records.condition import Moment, condition
from hived.records.events import EVENTS, Event, sentence, title, tone
from hived.records.ingest import MAX_CONTENT_BYTES, MAX_TITLE, Batch, SentEvent, SentLatest
from hived.records.miner_view import MinerView
from hived.records.streams import STREAMS
from hived.records.totals import totals
from hived.records.untrusted import BadValue
from tests import nodes as fleet
from tests.nodes import NOW

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
GOOD: dict[str, Any] = {
    "contributions": fleet.said(1, 1), "miners": fleet.miner(1, 1), "status": fleet.rollup(1, NOW - 600),
    "events": fleet.event(1, 1), "fleet": fleet.fleet_sums(1), "facts": fleet.read_of(1, 1),
}  # fmt: skip
DETAILS = sorted({"x", "changes", *re.findall(r"{(\w+)}", " ".join(kind.sentence for kind in EVENTS.values()))})


def batch(stream: str, items: list[Any], **more: Any) -> Batch:
    last = max([GOOD["status"]["seq"], 9] if stream == "status" else [9])
    return ingest_parse.batch(fleet.batch("n1", stream, 1, last, items, **more), "n1", NOW)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in parts:
        found += paths(inner, (*at, name))
    return found


def put(value: Any, at: tuple[Any, ...], other: Any) -> Any:
    copy = json.loads(json.dumps(value))
    place = copy
    for name in at[:-1]:
        place = place[name]
    place[at[-1]] = other
    return copy


@given(JSON)
def test_no_document_raises_past_the_parser(document: Any) -> None:
    with contextlib.suppress(BadRequest):
        ingest_parse.batch(document if isinstance(document, dict) else {"items": document}, "n1", NOW)


@pytest.mark.parametrize("stream", STREAMS)
@given(data=st.data())
def test_a_spoilt_item_costs_itself_alone(stream: str, data: st.DataObject) -> None:
    good = GOOD[stream]
    spoilt = put(good, data.draw(st.sampled_from(paths(good))), data.draw(JSON))
    found = batch(stream, [spoilt, good])
    assert good["seq"] in {item.seq for item in found.items}
    assert len(found.items) + len(found.rejected) == 2
    for one in found.rejected:
        assert one.reason.isascii()
        assert len(one.reason) < 40


@given(at=st.sampled_from(paths(fleet.latest(1))), other=JSON)
def test_a_spoilt_status_is_left_out_or_can_be_shown(at: tuple[Any, ...], other: Any) -> None:
    found = batch("status", [], latest=[put(fleet.latest(1), at, other), fleet.latest(2)])
    assert found.latest[-1].mac == fleet.mac_of(2)
    for one in found.latest:
        view = _view(one)
        for now in (0.0, view.status.at if view.status else 0.0, 4e9):
            how = condition(view, Moment(now, 15.0))
            json.dumps(fleet_document(*totals([(view, how)]), {}, None, ()), allow_nan=False)
            json.dumps(documents.row(view) | dict(judged(how)), allow_nan=False)
            json.dumps(documents.miner(view, None), allow_nan=False).encode()


@given(detail=st.dictionaries(st.sampled_from(DETAILS), JSON, max_size=4))
@pytest.mark.parametrize("kind", [*EVENTS, "anything"])
def test_an_event_with_any_detail_can_be_told(kind: str, detail: dict[str, Any]) -> None:
    for one in batch("events", [fleet.event(1, kind=kind) | {"detail": detail}]).items:
        assert isinstance(one, SentEvent)
        event = Event(one.kind, one.at, one.detail)
        assert all(isinstance(say(event), str) for say in (title, sentence, tone))
        json.dumps(appliance.event(event, None, None), allow_nan=False)


@given(JSON | st.text(max_size=200).map(lambda text: json.dumps({"title": text, "metadata": {"a": text}})))
def test_no_content_of_a_collector_raises_past_the_parser(content: Any) -> None:
    with contextlib.suppress(BadRequest):
        one = ingest_parse.legacy({"url": "https://museum.example/1", "content": content}, "histo", NOW)
        assert one.title
        json.dumps([one.content, one.facts], allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seq": 0}, "seq"), ({"seq": 10}, "seq"), ({"seq": "1"}, "seq"), ({"id": None}, "id"), ({"url": None}, "url"),
        ({"url": "https://a/" + "x" * 2048}, "url"), ({"url": "javascript:1"}, "url"), ({"kind": "poem"}, "kind"),
        ({"content": None}, "content"), ({"content": {}}, "content"), ({"content": " \n"}, "content"),
        ({"content": "x" * (MAX_CONTENT_BYTES - 1)}, "content"), ({"content": [1]}, "content"),
        ({"content": {"summary": "x" * MAX_CONTENT_BYTES}}, "content"),
        ({"content": {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}}, "content"),
        ({"prompt_version": 1.5}, "prompt_version"),
        ({"collected_at": NOW}, "collected_at"), ({"collected_at": "2027-01-15T08:00:00"}, "collected_at"),
        ({"collected_at": "1969-12-31T23:59:59Z"}, "collected_at"),
        ({"collected_at": "2100-01-02T00:00:00Z"}, "collected_at"),
        ({"artifact": None}, "artifact"), ({"model": 7}, "model"), ({"input_hash": "x" * 129}, "input_hash"),
    ],
)  # fmt: skip
def test_every_reason_to_refuse_a_contribution(change: dict[str, Any], reason: str) -> None:
    found = batch("contributions", [{**fleet.said(1, 1), **change}])
    assert [one.reason for one in found.rejected] == [reason]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": ""}, "title"), ({"title": "x" * (MAX_TITLE + 1)}, "title"), ({"provider": None}, "provider"),
        ({"object_id": ""}, "object_id"), ({"facts": []}, None), ({"facts": [1]}, "facts"),
        ({"facts": {"a": "x" * 33_000}}, "facts"), ({"facts": {"a": {"b": {"c": {"d": {"e": {}}}}}}}, "facts"),
        ({"licence": {"uri": "https://creativecommons.org/licenses/by-nc/4.0/", "field": "x", "scope": "work",
                      "read_at": "2027-01-01T00:00:00Z"}}, "licence"), ({"licence": 7}, "licence"),
        ({"licence": None}, None), ({"image_url": "javascript:alert(1)"}, None), ({"image_url": 7}, None),
    ],
)  # fmt: skip
def test_every_reason_to_refuse_an_artifacts_facts(change: dict[str, Any], reason: str | None) -> None:
    found = batch("contributions", [fleet.said(1, 1, artifact=change)])
    assert [one.reason for one in found.rejected] == ([reason] if reason else [])
    for one in found.items:
        if "image_url" in change:
            assert one.image_url is None


@pytest.mark.parametrize(
    ("stream", "change", "reason"),
    [
        ("status", {"at": "2027-01-15T07:50:01Z"}, "at"), ("status", {"n": 0}, "n"),
        ("status", {"hashing_n": 21}, "hashing_n"),
        ("status", {"hashrate_mean_hs": -1.0}, "hashrate_mean_hs"), ("status", {"power_max_w": 2e6}, "power_max_w"),
        ("status", {"hashrate_max_hs": float("inf")}, "hashrate_max_hs"), ("status", {"mac": "x"}, "mac"),
        ("status", {"hashrate_min_hs": float("nan")}, "hashrate_min_hs"),
        ("status", {"chip_temp_max_c": 9e9}, "chip_temp_max_c"),
        ("miners", {"ip": "1.2.3.999"}, "ip"), ("miners", {"online": 1}, "online"), ("miners", {"mac": "aa:bb"}, "mac"),
        ("miners", {"created_at": None}, "created_at"), ("events", {"kind": "Bad kind"}, "kind"),
        ("events", {"detail": {"a": "x" * 5000}}, "detail"), ("events", {"mac": 7}, "mac"),
        ("events", {"at": "now"}, "at"),
    ],
)  # fmt: skip
def test_every_reason_to_refuse_another_item(stream: str, change: dict[str, Any], reason: str) -> None:
    assert [one.reason for one in batch(stream, [{**GOOD[stream], **change}]).rejected] == [reason]


def test_what_was_said_in_the_future_was_said_now_and_a_rollup_of_the_future_is_refused() -> None:
    later = NOW + 86_400
    (said,) = batch("contributions", [fleet.said(1, 1, at=later)]).items
    assert (said.collected_at, said.facts_at) == (NOW, NOW)
    (event,) = batch("events", [fleet.event(1, at=later)]).items
    assert event.at == NOW
    early = fleet.rollup(1, NOW // 300 * 300 + 3900)
    found = ingest_parse.batch(fleet.batch("n1", "status", 1, early["seq"], [early]), "n1", NOW)
    assert [one.reason for one in found.rejected] == ["at"]


def test_texts_lose_what_steers_a_terminal_or_turns_their_direction() -> None:
    item = fleet.said(1, 1, artifact={"title": "A\x1b[2J \u202eB\n\ud800C\x00"})
    (one,) = batch("contributions", [item]).items
    assert one.title == "A [2J B \ufffdC"


@pytest.mark.parametrize("value", [1e400, -1e400, float("nan")])
def test_numbers_that_json_does_not_have_become_null(value: float) -> None:
    assert untrusted.document({"a": value}, "x", most_bytes=99, depth=2) == {"a": None}


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("https://img.example/a.jpg", True), ("HTTP://img.example/a", True), ("//img.example/a", False),
        ("https://user@img.example/a", False), ("https://img.example/a b", False), ("data:image/png;base64,", False),
        ("https://img.example/\u202e", False), ("https:///a", False), ("https://[::1/", False), ("", False),
        ("https://img.example/" + "a" * 2048, False), (None, False), ('https://img.example/"onload=', False),
    ],
)  # fmt: skip
def test_a_picture_has_a_plain_web_address_or_none(value: Any, good: bool) -> None:
    assert (untrusted.link(value) is not None) == good


def test_a_value_that_is_refused_has_a_code() -> None:
    with pytest.raises(BadValue, match=r"^mac$"):
        untrusted.mac("02:0e:7e:00:00")


def _view(one: SentLatest) -> MinerView:
    return MinerView(
        num=1, mac=one.mac, ip=None, online=True, managed=False, model_alias=None, model_name=None, hostname=None,
        firmware=None, firmware_version=None, serial=None, platform=None, node_id="n1", has_key=False, state=one.state,
        seen_at=one.seen_at, last_error=one.last_error, last_error_at=one.last_error_at, error_count=one.error_count,
        created_at=0.0, updated_at=0.0, rev=1, failures=one.failures, status=one.status,
    )  # fmt: skip
