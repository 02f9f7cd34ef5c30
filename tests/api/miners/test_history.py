"""GET /api/v1/miners/{mac}/history: columns, raw or summed up, gaps left out."""

from __future__ import annotations

import pytest

from hived.records.miner import MinerIdentity
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.store import Store
from hived.store.miners import history, miners, readings
from tests.api import farm

MAC = "02:00:00:00:00:77"


async def fill(store: Store, now: float, *, minutes: int, every_s: float) -> float:
    """A miner polled for so long until now; return the time of its first status."""
    sighting = miners.Sighting(MinerIdentity(MAC), "127.0.0.9", 1.0)
    num = (await store.write(miners.saw, sighting, node_id="n")).num
    start = now - minutes * 60
    times = [start + every_s * i for i in range(int(minutes * 60 / every_s))]
    outcomes = [
        PollOutcome(num, at, status=StoredStatus(num=num, at=at, state="mining", hashrate_hs=1e14, power_w=None))
        for at in times
    ]
    await store.write(readings.save, outcomes)
    while await store.write(history.roll_up, 300.0, now + 600):
        pass
    while await store.write(history.roll_up, 3600.0, now + 7200):
        pass
    return start


async def test_hours_come_raw_and_days_in_five_minutes(api: farm.Api) -> None:
    start = await fill(api.store, api.clock(), minutes=120, every_s=60.0)
    raw = await api.get(f"/api/v1/miners/{MAC}/history?hours=1")
    assert raw["step_s"] is None
    assert 59 <= len(raw["at"]) <= 60
    assert set(raw["hashrate_ths"]) == {100.0}
    assert set(raw["power_w"]) == {None}
    day = await api.get(f"/api/v1/miners/{MAC.upper()}/history?hours=24")
    assert day["step_s"] == 300.0
    assert len(day["at"]) in (24, 25)
    assert day["at"][0] == start // 300 * 300
    assert sum(day["statuses"]) == 120
    year = await api.get(f"/api/v1/miners/{MAC}/history?hours=8000")
    assert year["step_s"] == 3600.0
    columns = {name: column for name, column in year.items() if name not in ("step_s", "series")}
    assert {len(column) for column in columns.values()} == {len(year["at"])}


@pytest.mark.parametrize("hours", [1, 24])
async def test_the_history_says_which_of_its_columns_are_the_lines_of_which_chart(api: farm.Api, hours: int) -> None:
    await fill(api.store, api.clock(), minutes=20, every_s=60.0)
    told = await api.get(f"/api/v1/miners/{MAC}/history?hours={hours}")
    assert [line["name"] for line in told["series"] if line["name"] not in told] == []
    assert told["series"][:2] == [
        {"name": "hashrate_ths", "title": "now", "quantity": "Hashrate", "unit": "TH/s", "places": 1,
         "from_zero": True, "reference": False},
        {"name": "hashrate_expected_ths", "title": "expected", "quantity": "Hashrate", "unit": "TH/s", "places": 1,
         "from_zero": True, "reference": True},
    ]  # fmt: skip
    charts = {line["quantity"]: line["unit"] for line in told["series"]}
    assert charts == {"Hashrate": "TH/s", "Power": "W", "Temperature": "°C"}


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "x", "1e9", ""])
async def test_bad_hours_are_told(api: farm.Api, hours: str) -> None:
    await fill(api.store, api.clock(), minutes=1, every_s=30.0)
    code, said = await api.ask("GET", f"/api/v1/miners/{MAC}/history?hours={hours}")
    assert code == 400
    assert "hours" in said["error"]


async def test_an_unknown_miner_has_no_history(api: farm.Api) -> None:
    code, said = await api.ask("GET", f"/api/v1/miners/{MAC}/history")
    assert code == 404
    assert "no miner" in said["error"]
