"""GET /api/v1/history: what a site, a node and a model gave and lost."""

from __future__ import annotations

import pytest

from hived.records.condition import Moment
from hived.store.miners import fleet_history
from tests.api import farm
from tests.api.farm import NOW, Api


async def test_a_site_a_node_and_a_model_have_a_history(api: Api) -> None:
    for minute in range(10):
        await api.do(farm.poll, 1, NOW + 60 * minute)
        await api.do(fleet_history.look, Moment(NOW + 60 * minute, 15.0), "node-1")
    api.clock.advance(600)
    site = await api.get("/api/v1/history")
    assert (site["step_s"], site["at"]) == (300.0, [NOW, NOW + 300])
    assert site["hashrate_ths"] == pytest.approx([95.5, 95.5])
    assert site["hashrate_expected_ths"] == pytest.approx([96.0, 96.0])
    assert site["lost"]["weak"] == pytest.approx([0.5, 0.5])
    assert set(site["lost"]) >= {"offline", "failure", "dead-board", "stopped", "limited", "tuning", "unreadable"}
    assert (site["miners"], site["power_w"]) == ([1, 1], [3010.0, 3010.0])
    assert await api.get("/api/v1/history?of=node:node-1") == site
    assert await api.get("/api/v1/history?of=model:s19&from=2027-01-15T00:00:00Z") == site
    assert (await api.get("/api/v1/history?of=model:s21"))["at"] == []
    later = await api.get("/api/v1/history?from=2027-01-15T08:05:00Z&to=2027-01-15T09:00:00Z")
    assert later["at"] == [NOW + 300]
    assert (await api.get("/api/v1/history?from=2027-01-01T00:00:00Z"))["step_s"] == 3600.0


@pytest.mark.parametrize(
    ("query", "word"),
    [("of=rack:1", "of"), ("of=group:", "of"), ("of=node:", "of"), ("of=", "of"),
     ("from=yesterday", "from"), ("to=2027-01-15", "to"),
     ("from=2027-01-15T09:00:00Z&to=2027-01-15T08:00:00Z", "from"), ("from=2000-01-01T00:00:00Z", "from"),
     ("from=2027-01-15T09:00:00Z&from=2027-01-15T09:00:00Z", "from")],
)  # fmt: skip
async def test_a_bad_question_is_told(api: Api, query: str, word: str) -> None:
    code, said = await api.ask("GET", f"/api/v1/history?{query}")
    assert code == 400
    assert said["error"].startswith(f"{word}:")
