"""GET /metrics: who may read it, and what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_network

import aiohttp
import pytest

from hived.api.context import TALLY
from hived.api.integrations.metrics import SCRAPES
from hived.documents.metrics.miners import JUDGED, MEASURED
from hived.records.access import ApiSecret, Role
from hived.records.daemon import DaemonRow
from hived.records.measures import MINER
from hived.records.metrics import DAEMONS_COUNT
from hived.records.miner_rules import MinerRules
from hived.runtime.tally import Tally
from hived.store import Store, daemon_rows
from hived.store.access import tokens
from hived.store.miners import rules
from tests.api import farm
from tests.api.farm import MAC, NOW, Api
from tests.clock import FakeClock
from tests.metrics import by_name, complaints, needs_promtool, samples

ONE_IS_ENOUGH = pytest.mark.sqlite_only("who reads metrics is no matter of the database")
MINERS_LABELS = {"mac", "model", "node", "group"}


async def scraped(api: Api) -> str:
    api.app[SCRAPES].page = None  # as if the last one was a second ago
    return await scraped_again(api)


async def scraped_again(api: Api) -> str:
    async with api.http.get("/metrics") as reply:
        assert reply.status == 200, await reply.text()
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return await reply.text()


async def status(api: Api, **headers: str) -> int:
    async with api.http.get("/metrics", headers=headers) as reply:
        await reply.read()
        return reply.status


async def test_a_miner_has_every_measure_and_few_labels(api: Api) -> None:
    await api.do(rules.save, 1, MinerRules(group='row "3"\\'), NOW)
    text = await scraped(api)
    every_one = [one for one in samples(text) if one.name.startswith("hived_miner_")]
    of_miners = [one for one in every_one if one.name != "hived_miner_info"]
    (info,) = [one for one in every_one if one.name == "hived_miner_info"]
    assert info.labels == of_miners[0].labels | {"ip": "127.20.0.1", "hostname": "rig-1"}
    assert {frozenset(one.labels) for one in of_miners} == {frozenset(MINERS_LABELS)}
    assert {one.labels["group"] for one in of_miners} == {'row "3"\\'}
    told = {one.name.removeprefix("hived_miner_"): one.value for one in of_miners}
    every = {metric.name.removeprefix("miner_") for metric, _ in (*JUDGED, *MEASURED)}
    assert told.keys() == every
    assert len(MEASURED) == len(MINER) - 1, "what it should give is judged"
    assert told["hashrate_hashes_per_second"] == 95.5e12
    assert told["power_watts"] == 3010
    assert told["fan_duty_ratio"] == 0.64
    assert told["restart_total"] == 2
    assert told["online"] == told["hashing"] == 1
    assert "chip=" not in text


async def test_what_is_not_known_now_is_not_told(api: Api) -> None:
    api.clock.advance(600)
    await api.do(farm.polls, api.clock())
    names = {one.name for one in samples(await scraped(api)) if one.labels.get("mac") == MAC}
    assert "hived_miner_hashrate_hashes_per_second" not in names
    assert "hived_miner_online" in names
    api.clock.advance(600)  # and nobody polls any more
    await api.fleet.beat()
    names = {one.name for one in samples(await scraped(api)) if one.labels.get("mac") == MAC}
    assert names == {"hived_miner_info", "hived_miner_status_timestamp_seconds", "hived_miner_errors_total"}


async def test_fleet_and_node_are_the_same_sums(api: Api) -> None:
    found = by_name(await scraped(api))
    for name in ("hashrate_hashes_per_second", "power_watts", "known_miners"):
        (whole,) = found[f"hived_fleet_{name}"]
        assert sum(one.value for one in found[f"hived_node_{name}"]) == whole.value
    marks = {one.labels["mark"]: one.value for one in found["hived_fleet_miners"]}
    assert marks["online"] == marks["hashing"] == 1
    assert marks["offline"] == 0
    assert [name for name in found if name.endswith("_info")] == ["hived_info", "hived_miner_info"]


async def test_what_the_miners_should_give_is_what_the_fleet_should(api: Api) -> None:
    for advance in (0.0, 120.0):  # fresh; then nobody has heard of it for a while, and it is still expected
        api.clock.advance(advance)
        await api.do(farm.polls, api.clock())
        found = by_name(await scraped(api))
        (whole,) = found["hived_fleet_hashrate_expected_hashes_per_second"]
        miners = found["hived_miner_hashrate_expected_hashes_per_second"]
        assert sum(one.value for one in miners) == whole.value > 0


@ONE_IS_ENOUGH
async def test_what_daemons_count_is_told_by_daemon(api: Api) -> None:
    tally = Tally()
    for seconds in (0.004, 0.2, 0.2, 700.0):
        tally.took("poll_duration_seconds", seconds)
    tally.count("poll_failures_total", "timeout", 3)
    numbers = {**tally.numbers(), "of_a_newer_version": {"": 1.0}, "beat_duration_seconds": {"poll": [1, "x"]}}
    row = DaemonRow("hive-polld", 7, "0.2.0", NOW - 50, NOW - 1, "")
    await api.do(daemon_rows.save_daemon, row, numbers)
    found = by_name(await scraped(api))
    buckets = {one.labels["le"]: one.value for one in found["hived_poll_duration_seconds_bucket"]}
    assert buckets["0.005"] == 1
    assert buckets["0.25"] == buckets["60"] == 3
    assert buckets["+Inf"] == found["hived_poll_duration_seconds_count"][0].value == 4
    assert found["hived_poll_duration_seconds_sum"][0].value == pytest.approx(700.404)
    (failures,) = found["hived_poll_failures_total"]
    assert (failures.labels, failures.value) == ({"daemon": "hive-polld", "code": "timeout"}, 3)
    assert {one.labels["daemon"]: one.value for one in found["hived_daemon_up"]}["hive-polld"] == 1
    assert "hived_beat_duration_seconds_bucket" not in found
    assert not any("newer" in name for name in found)
    api.clock.advance(60)  # and it has said nothing since: what it counted is not how it is now
    found = by_name(await scraped(api))
    assert {one.labels["daemon"]: one.value for one in found["hived_daemon_up"]}["hive-polld"] == 0
    assert "hived_poll_failures_total" not in found


@needs_promtool
async def test_promtool_has_nothing_to_say(api: Api) -> None:
    tally = Tally()
    for metric in DAEMONS_COUNT:  # told by one daemon here
        if metric.kind == "histogram":
            tally.took(metric.name, 0.3, metric.label and "x")
        else:
            tally.count(metric.name, metric.label and "x")
    await api.do(daemon_rows.save_daemon, DaemonRow("hive-apid", 7, "1", NOW, NOW, ""), tally.numbers())
    text = await scraped(api)
    assert complaints(text) == ""
    assert complaints(text.replace("# TYPE hived_events_total counter", "# TYPE hived_events_total gauge")) != ""


@ONE_IS_ENOUGH
@pytest.mark.parametrize(
    ("role", "scopes", "code"),
    [
        ("viewer", (), 200),
        ("admin", (), 200),
        ("viewer", ("metrics",), 200),
        ("viewer", ("nodes", "metrics"), 200),
        ("admin", ("miners",), 403),
        ("admin", ("steer",), 403),
    ],
)
async def test_a_token_reads_metrics_when_nothing_binds_it_to_something_else(
    api: Api, nobody: Api, role: Role, scopes: tuple[str, ...], code: int
) -> None:
    made = ApiSecret.new()
    await api.store.write(tokens.add, made, name="t", role=role, scopes=scopes, created_by="tests", at=NOW)
    bearer = {"Authorization": f"Bearer {made.text}"}
    assert await status(nobody, **bearer) == code
    if scopes == ("metrics",):
        assert (await nobody.ask("GET", "/api/miners", None, **bearer))[0] == 403


@ONE_IS_ENOUGH
async def test_nobody_reads_metrics_without_a_word_of_the_configuration(nobody: Api) -> None:
    assert await status(nobody) == 401
    assert await status(nobody, Authorization="Bearer nothing") == 401


@ONE_IS_ENOUGH
@pytest.mark.parametrize(
    ("networks", "header", "code"),
    [
        (["127.0.0.0/8"], {}, 200),
        (["10.0.0.0/8", "127.0.0.1/32"], {}, 200),
        (["10.0.0.0/8"], {}, 401),
        (["10.0.0.0/8"], {"X-Forwarded-For": "10.0.0.7"}, 401),
        (["127.0.0.0/8"], {"X-Forwarded-For": "127.0.0.1"}, 401),
        (["127.0.0.0/8"], {"Forwarded": "for=127.0.0.1"}, 401),
    ],
)
async def test_named_networks_need_no_token_by_the_address_of_the_socket(
    made: Callable[[str], str], clock: FakeClock, networks: list[str], header: dict[str, str], code: int
) -> None:
    where = [ip_network(one) for one in networks]
    async with (
        Store.open(made("small")) as store,
        farm.serve(store, clock, metrics_from=where) as api,
        api.browser(None) as nobody,
    ):
        assert await status(nobody, **header) == code
        assert (await nobody.ask("GET", "/api/miners"))[0] == 401


@ONE_IS_ENOUGH
async def test_many_who_ask_at_once_cost_one_scrape(api: Api) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(scraped_again(api)) for _ in range(8)]
    assert len({task.result() for task in asked}) == 1
    assert api.app[SCRAPES].made == 1


@ONE_IS_ENOUGH
async def test_nothing_is_made_while_nobody_asks(api: Api) -> None:
    for _ in range(5):
        api.clock.advance(15)
        await api.do(farm.polls, api.clock())
    assert api.app[SCRAPES].made == 0
    assert api.app[SCRAPES].page is None


@ONE_IS_ENOUGH
async def test_requests_are_counted_by_code(api: Api) -> None:
    await scraped(api)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{api.port}/metrics") as reply:
        assert reply.status == 401
    numbers = api.app[TALLY].numbers()
    assert numbers["http_requests_total"] == {"200": 1.0, "401": 1.0}
