"""A real Prometheus reads hive-apid, and the queries of the dashboard and the rules are answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hived.store import Store
from tests import access
from tests.api import farm
from tests.clock import FakeClock
from tests.prometheus import needs_prometheus, running
from tests.test_prometheus_files import RULES, queries
from tests.waiting import until


@needs_prometheus
@pytest.mark.sqlite_only("Prometheus does not know the database")
async def test_prometheus_scrapes_hive_apid(
    made: Callable[[str], str], clock: FakeClock, tmp_path: Path, free_port: int
) -> None:
    async with Store.open(made("thousand")) as store, farm.serve(store, clock) as api:
        scrape = {
            "job_name": "hived", "scrape_interval": "3s", "authorization": {"credentials": access.TOKEN.text},
            "static_configs": [{"targets": [f"127.0.0.1:{api.port}"]}],
        }  # fmt: skip
        async with running(tmp_path, free_port, scrape=[scrape], rules=[RULES]) as prometheus:
            await until(lambda: prometheus.value("hived_fleet_known_miners"), 60.0)
            assert await prometheus.value('up{job="hived"}') == 1
            assert await prometheus.value("count(hived_miner_online)") == 500, "of the others nobody knows"
            assert await prometheus.value("hived_fleet_known_miners") == 1000
            assert await prometheus.value("sum(hived_miner_power_watts)") == 500 * 3010
            for _, expr in queries():
                await prometheus.query(re.sub(r"\$\w+", ".*", expr))
    assert "error" not in (tmp_path / "prometheus.log").read_text("utf-8").lower()
