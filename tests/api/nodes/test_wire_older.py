"""What 0.1.0 said, as recorded in tests/fixtures/wire: today's reader takes all of it, today's writer can say it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hived.api.nodes import ingest_parse
from hived.records import wire
from hived.records.ingest import Batch
from hived.records.miner_view import PollOutcome
from hived.records.streams import WIRE
from hived.records.times import from_text
from hived.store import Database, Store
from hived.store.miners import readings
from hived.store.nodes import streams
from hived.store.schema import Health, Miner
from tests import nodes as fleet
from tests.api import farm
from tests.clock import FakeClock

RECORDED = Path(__file__).parents[2] / "fixtures" / "wire"
OLD, TODAY = RECORDED / "0.1.0", RECORDED / str(WIRE)


def exchange(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OLD / f"{name}.json").read_text("utf-8"))
    return found


def request_of(name: str) -> Any:
    return exchange(name)["request"]["body"]


NOW = from_text(exchange("contact")["answer"]["body"]["at"])
SENT = ("contact", "ingest-miners", "ingest-models", "ingest-models-2", "ingest-latest", "ingest-contributions",
        "ingest-status", "ingest-events", "contact-leaving")  # fmt: skip
OURS = {
    "id",
    "pending",
    "failing",
    "created_at",
    "changed_at",
    "refreshed_at",
    "received_at",
    "artifact_id",
    "at",
    "efficiency_j_per_th",
}
"""What every master says by itself: numbers, orders, its clock; J/TH, which 0.1.0 took of the average rate."""


def parts_of(name: str) -> Batch:
    return ingest_parse.batch(request_of(name), "node-1", NOW)


def missing(recorded: Any, shown: Any, path: str = "", *, but: Collection[str] = OURS) -> Iterator[str]:
    """Yield what is recorded and not shown alike; what is shown besides is newer."""
    if isinstance(recorded, dict) and isinstance(shown, dict):
        for name in recorded.keys() - set(but):
            yield from missing(recorded[name], shown.get(name, "absent"), f"{path}.{name}", but=but)
    elif isinstance(recorded, list) and isinstance(shown, list) and len(recorded) == len(shown):
        for index, value in enumerate(recorded):
            yield from missing(value, shown[index], f"{path}[{index}]", but=but)
    elif recorded != shown:
        yield f"{path}: {recorded!r}, now {shown!r}"


async def test_all_that_a_node_of_0_1_0_says_arrives(store: Store, clock: FakeClock) -> None:
    clock.advance(NOW - clock())
    async with farm.serve(store, clock) as api:
        key = await store.write(fleet.let_in, "node-1", NOW, name="node")
        for name in SENT:
            asked = exchange(name)["request"]
            status, answer = await api.ask(asked["method"], asked["path"], asked["body"], **fleet.bearer(key))
            clock.advance(1)
            assert status == 200, name
            assert not answer.get("unread"), name
            if name.startswith("ingest"):
                assert list(missing(exchange(name)["answer"]["body"], answer)) == [], name
        await api.fleet.beat()
        shown: dict[str, Any] = json.loads((OLD / "shown-by-the-master.json").read_text("utf-8"))
        for name, path in (("miners", "api/miners"), ("models", "api/models"), ("artifacts", "artifacts")):
            assert list(missing(shown[name], await api.get(f"/{path}"), name)) == []
        told = {(one["kind"], one["at"], one["miner"]): one for one in await api.get("/api/v1/events?limit=100")}
        for one in shown["events"]:
            if one["node_id"] == "node-1":
                assert list(missing(one, told[one["kind"], one["at"], one["miner"]], one["kind"])) == []


async def test_what_a_master_of_0_1_0_refused_is_refused_in_its_words(store: Store, clock: FakeClock) -> None:
    clock.advance(NOW - clock())
    names = ("ingest-contributions-merged", "ingest-gap", "ingest-status-unknown-miners", "ingest-unknown-stream")
    async with farm.serve(store, clock) as api:
        key = await store.write(fleet.let_in, "node-2", NOW)
        for name in names:
            recorded = exchange(name)
            status, answer = await api.ask("POST", "/api/v1/ingest", recorded["request"]["body"], **fleet.bearer(key))
            assert status == recorded["answer"]["status"]
            if name == "ingest-unknown-stream":  # there is one more by now
                assert answer["error"].startswith(recorded["answer"]["body"]["error"])
            elif name != "ingest-contributions-merged":  # nobody spoke of these objects here before
                assert list(missing(recorded["answer"]["body"], answer)) == []


def test_one_value_more_at_the_end_of_a_list_is_counted_and_costs_nothing() -> None:
    found = parts_of("ingest-latest-too-long")
    assert found.unread == {"latest.status.hashboards.#19": 1}
    (one,) = found.latest
    assert one.status is not None
    assert not one.status.partial
    assert [board.index for board in one.status.hashboards] == [1]


def test_todays_names_are_those_that_were_recorded_and_say_the_same() -> None:
    today = json.loads((TODAY / "latest.json").read_text("utf-8"))
    read = parts_of("ingest-latest").latest
    assert list(missing(today, [wire.latest(one) for one in read], but=())) == []
    again = ingest_parse.batch(fleet.batch("n", "status", 0, 0, [], latest=today), "n", NOW)
    assert (again.latest, again.unread) == (read, {})


async def test_for_a_master_of_0_1_0_a_node_writes_as_0_1_0_did(store: Store) -> None:
    text = json.dumps(request_of("ingest-latest")["latest"])
    recorded = json.loads(text.replace('""', "null").replace(r"\u202e", ""))  # as the reader cleans it

    def put(db: Database) -> None:
        for num, one in enumerate(parts_of("ingest-latest").latest, 1):
            Miner.insert(num=num, mac=one.mac, created_at=NOW, updated_at=NOW).execute(db)
            Health.insert(num=num).execute(db)
            status = one.status
            if status is not None:
                readings.save(db, [PollOutcome(num, status.at, status=replace(status, num=num))])
            told = {name: getattr(one, name) for name in ("state", "preset", "seen_at", "failures", "last_error",
                                                          "last_error_at", "error_count")}  # fmt: skip
            Health.update(**told, rev=num).where(Health.num == num).execute(db)

    await store.write(put)
    page = await store.read(streams.latest, after=(0, 0), items=99, size=1 << 20, wire=1)
    written = [json.loads(item.text) for item in page.items]
    assert list(missing(recorded, written, but=())) == []


@pytest.mark.parametrize(
    "detail",
    [
        None, 7, [], "x", {"fans": 7}, {"fans": [7, None, []]}, {"boards": [[None, 1]]}, {"extra": 7},
        {"pools": [[{}], [[1]], [True, True]]}, {"boards": [[1] * 1000] * 1000}, {"boards": [[1, "x", 10**400]]},
    ],
)  # fmt: skip
def test_a_list_that_makes_no_sense_costs_itself_alone(detail: Any) -> None:
    one = next(one for one in request_of("ingest-latest")["latest"] if one["status"])
    body = request_of("ingest-latest") | {"latest": [one | {"status": one["status"] | {"detail": detail}}]}
    (found,) = ingest_parse.batch(body, "node-1", NOW).latest
    assert found.status is not None
    assert found.status.hashrate_hs == one["status"]["hashrate_hs"]
