"""What a newer node sends: read as far as it is known, each bad value alone lost, and nothing lost in silence."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.api.nodes import ingest_parse
from hived.api.nodes.ingest_parse import BadEnvelope
from hived.records import measures, values, wire
from hived.records.fields import MAX_NAME, MAX_NAMES, OTHERS
from hived.records.ingest import Batch, SentLatest
from hived.records.miner import HashboardReading
from hived.records.miner_view import StoredStatus
from hived.records.streams import STREAMS, WIRE
from hived.records.times import to_text
from tests import nodes as fleet
from tests.api import farm
from tests.api.nodes.test_ingest_parse import JSON, paths, put
from tests.nodes import NOW

MODEL = {
    "alias": "s19", "name": "Antminer S19", "chips_per_chain": 76, "chains": 3, "topology": [[0, 1], [2, -1]],
    "series": "x19", "presets": [{"name": "1200", "power_w": 1200.0, "hashrate_hs": 6e13, "modded_psu_required": None}],
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "contributions": fleet.batch("n1", "contributions", 1, 9, [fleet.said(1, 1)]),
    "miners": fleet.batch("n1", "miners", 1, 9, [fleet.miner(1, 1)], models=[MODEL]),
    "status": fleet.batch("n1", "status", 1, fleet.rollup(1, NOW - 600)["seq"], [fleet.rollup(1, NOW - 600)],
                          latest=[fleet.latest(1)]),
    "events": fleet.batch("n1", "events", 1, 9, [fleet.event(1, 1)]),
    "fleet": fleet.batch("n1", "fleet", 1, 9, [fleet.fleet_sums(1)]),
    "facts": fleet.batch("n1", "facts", 1, 9, [fleet.read_of(1, 1)]),
}  # fmt: skip
FREE = ("content", "facts", "detail", "extra")
"""Documents that are kept whole, whatever they hold."""


def read(body: Mapping[str, Any]) -> Batch:
    return ingest_parse.batch(body, "n1", NOW)


def objects(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every object that has fields of ours."""
    if isinstance(value, dict):
        yield at
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list) and name not in FREE:
            yield from objects(inner, (*at, name))


def leaves(value: Any, at: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Return every plain value by its path."""
    if not isinstance(value, dict | list):
        return {at: value}
    found: dict[tuple[Any, ...], Any] = {}
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found |= leaves(inner, (*at, name))
    return found


@pytest.mark.parametrize("stream", STREAMS)
@given(data=st.data())
def test_a_field_of_tomorrow_is_named_and_costs_nothing(stream: str, data: st.DataObject) -> None:
    body = BODIES[stream]
    at = data.draw(st.sampled_from(list(objects(body))))
    name = data.draw(st.sampled_from(["noise_db", "", "#19", "\u202e", "x" * 300]))
    found, plain = read(put(body, (*at, name), data.draw(JSON))), read(body)
    assert (found.items, found.rejected, found.latest, found.models) == (
        plain.items, plain.rejected, plain.latest, plain.models
    )  # fmt: skip
    assert plain.unread == {}
    (told,) = found.unread
    inner = ".".join(str(part) for part in at if not isinstance(part, int))
    assert told == ".".join(filter(None, [inner, name.replace("\u202e", "")]))[:MAX_NAME] or not name.strip("\u202e")


def test_each_level_has_its_own_names() -> None:
    body = put(BODIES["status"], ("latest", 0, "status", "fans", 1, "noise_db"), 40)
    body = put(put(body, ("latest", 0, "mood"), "good"), ("items", 0, "humidity_percent"), 3)
    body = put(body, ("latest", 0, "status", "fans", 0, "noise_db"), 41) | {"models": [], "weather": {"wind": 1}}
    assert read(body).unread == {
        "latest.status.fans.noise_db": 2, "latest.mood": 1, "items.humidity_percent": 1, "models": 1, "weather": 1,
    }  # fmt: skip


@given(at=st.sampled_from([at for at in paths(fleet.latest(1)) if at != ("mac",)]), other=JSON)
def test_one_bad_value_of_a_status_costs_itself_alone(at: tuple[Any, ...], other: Any) -> None:
    (good,), (one,) = read(BODIES["status"]).latest, read(put(BODIES["status"], ("latest", 0, *at), other)).latest
    before, after = leaves(wire.latest(good)), leaves(wire.latest(one))
    scope = at
    if at == ("status", "at"):
        scope = at[:1]  # without a time it is of no use
    elif len(at) == 3 or at[-1] == "index":
        scope = at[:2]  # the fan is gone, and those behind it have moved up
    changed = {path for path in before if path not in after or after[path] != before[path]}
    assert {path for path in changed if path[: len(scope)] != scope} <= {("status", "partial")}


@pytest.mark.parametrize("at", [("power_w",), ("fans",), ("fans", 0), ("fans", 0, "rpm"), ("partial",), ("extra",)])
def test_a_status_of_which_something_is_lost_is_partial_and_says_what(at: tuple[Any, ...]) -> None:
    found = read(put(BODIES["status"], ("latest", 0, "status", *at), "what?"))
    (one,) = found.latest
    assert one.status is not None
    assert one.status.partial
    assert found.unread == {".".join(["latest.status", *(part for part in at if isinstance(part, str))]): 1}


@given(at=st.sampled_from(list(leaves(fleet.latest(1)))), other=JSON)
def test_what_is_not_kept_is_counted(at: tuple[Any, ...], other: Any) -> None:
    found = read(put(BODIES["status"], ("latest", 0, *at), other))
    kept = leaves(wire.latest(found.latest[0])) if found.latest else {}
    if isinstance(other, bool | int | float) and kept.get(at) != other:
        assert found.unread, (at, other)


@given(at=st.sampled_from(paths(MODEL)), other=JSON)
def test_one_bad_value_of_a_model_costs_itself_alone(at: tuple[Any, ...], other: Any) -> None:
    found = read(put(BODIES["miners"], ("models", 0, *at), other))
    if at != ("alias",):
        (model,) = found.models
        assert model.alias == "s19"
        for name in {"name", "chips_per_chain", "chains", "series"} - {at[0]}:
            assert getattr(model, name) == MODEL[name]
    elif not found.models:
        assert found.unread == {"models": 1}


@given(st.text(max_size=20))
def test_a_stream_that_is_not_known_is_refused_by_name(stream: str) -> None:
    if stream not in STREAMS:
        with pytest.raises(BadEnvelope, match=r"^stream: "):
            read(BODIES["events"] | {"stream": stream})


@given(st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True))
def test_an_event_of_a_kind_that_is_not_known_is_kept(kind: str) -> None:
    (one,) = read(fleet.batch("n1", "events", 1, 9, [fleet.event(1, kind=kind)])).items
    assert one.kind == kind


@given(spoken=JSON)
def test_whatever_version_a_batch_says_it_is_read(spoken: Any) -> None:
    body = BODIES["status"] | {"wire": spoken}
    found = read(body)
    assert (len(found.items), len(found.latest)) == (1, 1)
    whole = values.integer(spoken, 1) is not None
    assert found.unread == ({} if whole or spoken is None else {"wire": 1})


def test_a_message_full_of_unknown_names_counts_some_of_them() -> None:
    body = BODIES["status"] | {f"{n}": n for n in range(10_000)}
    body |= {"latest": [{**fleet.latest(1), **{f"x{n}": n for n in range(10_000)}}]}
    found = read(body)
    assert len(found.unread) == MAX_NAMES + 1
    assert found.unread[OTHERS] > 1
    assert len(found.latest) == 1


async def test_what_was_not_understood_is_answered_and_logged_once(
    api: farm.Api, caplog: pytest.LogCaptureFixture
) -> None:
    key = await api.store.write(fleet.let_in, "n1", api.clock())
    await api.store.write(fleet.touch, "n1", api.clock())
    body = fleet.batch("n1", "miners", 0, 0, [], wire=WIRE + 1, models=[MODEL | {"colour": "red"}])
    for _ in range(3):
        status, answer = await api.ask("POST", "/api/v1/ingest", body, **fleet.bearer(key))
        assert (status, answer["unread"]) == (200, {"models.colour": 1})
    told = {"wire": WIRE + 1, "version": "9.9", "name": "shed", "epoch": "e1", "at": to_text(api.clock()),
            "mood": "good", "newest": {"events": 1, "telemetry": 5}}  # fmt: skip
    for _ in range(2):
        status, answer = await api.ask("POST", "/api/v1/nodes/me/contact", told, **fleet.bearer(key))
        assert (status, answer["unread"]) == (200, {"newest.telemetry": 1, "mood": 1})
        assert answer["limits"]["wire"] == WIRE
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == [
        f"fields not understood in miners of node n1 (wire {WIRE + 1}, here {WIRE}): models.colour",
        f"fields not understood in contact of node n1 (wire {WIRE + 1}, here {WIRE}): mood, newest.telemetry",
    ]


@given(JSON)
def test_no_status_of_0_1_0_raises_past_the_reader(status: Any) -> None:
    with contextlib.suppress(BadEnvelope):
        body = fleet.batch("n1", "status", 0, 0, [], latest=[{"mac": fleet.mac_of(1), "status": status}], wire=1)
        for one in read(body).latest:
            json.dumps(wire.latest(one), allow_nan=False)


@given(name=st.sampled_from(["fans", "boards", "pools", "extra", "fan_duty_percent"]), value=JSON | st.lists(JSON))
def test_no_detail_of_0_1_0_costs_more_than_itself(name: str, value: Any) -> None:
    told = {"at": to_text(NOW), "power_w": 7.0, "partial": False, "detail": {name: value}}
    body = fleet.batch("n1", "status", 0, 0, [], latest=[{"mac": fleet.mac_of(1), "status": told}], wire=1)
    (one,) = read(body).latest
    assert one.status is not None
    assert one.status.power_w == one.status.reported_power_w == 7.0
    json.dumps(wire.latest(one, 1), allow_nan=False)


def test_whatever_is_measured_crosses_the_wire() -> None:
    of_board: dict[str, Any] = {measure.name: 7 for measure in measures.BOARD}
    of_miner: dict[str, Any] = {measure.name: 9 for measure in measures.MINER}
    told = StoredStatus(num=0, at=NOW, hashboards=(HashboardReading(1, **of_board),), **of_miner)
    latest = SentLatest(
        mac=fleet.mac_of(1), state="mining", preset=None, seen_at=NOW, failures=0, last_error=None,
        last_error_code=None, last_error_at=None, error_count=0, status=told,
    )  # fmt: skip
    sent = json.loads(json.dumps(wire.latest(latest)))
    sums = {rolled.column: 5.0 for rolled in measures.ROLLED}
    rollup = fleet.rollup(1, NOW - 600, n=20, **sums)
    body = fleet.batch("n1", "status", 1, rollup["seq"], [rollup], latest=[sent])
    found = read(body)
    assert (found.latest[0].status, found.unread, found.rejected) == (told, {}, ())
    assert found.items[0].values == (20, 20, *[5.0] * len(sums))


@pytest.mark.parametrize("measure", [*measures.MINER, *measures.BOARD], ids=lambda measure: measure.name)
def test_what_no_miner_can_measure_is_not_taken(measure: measures.Measure) -> None:
    for value in (measure.unit.low - 1, measure.unit.high * 2):
        if measure in measures.MINER:
            latest = fleet.latest(1, status={measure.name: value})
        else:
            latest = fleet.latest(1, status={"hashboards": [{"index": 1, measure.name: value}]})
        (found,) = read(fleet.batch("n1", "status", 1, 1, [], latest=[latest])).latest
        assert found.status is not None
        assert getattr(found.status if measure in measures.MINER else found.status.hashboards[0], measure.name) is None
        assert found.status.partial
