"""hive-alertd sends metrics to a real Prometheus, and says on the command line when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

from tests.prometheus import needs_prometheus, running
from tests.system.appliance import Appliance, until


@needs_prometheus
async def test_hive_alertd_sends_metrics_where_the_configuration_says(
    appliance: Appliance, tmp_path: Path, free_port: int
) -> None:
    appliance.configure(metrics={"push": f"http://me:hush-hush@127.0.0.1:{free_port}/api/v1/write"})
    alertd = appliance.start("hive-alertd")
    await until(lambda: "metrics cannot be sent" in appliance.hivectl("status"))
    for words in (("status",), ("doctor",)):
        said = appliance.hivectl(*words, code=1)
        assert f"metrics cannot be sent to http://127.0.0.1:{free_port}: " in said
        assert "see whether http://127.0.0.1" in said
        assert "hush-hush" not in said
    async with running(tmp_path, free_port, flags=["--web.enable-remote-write-receiver"]) as prometheus:
        await until(lambda: prometheus.query("hived_fleet_known_miners"), within_s=90.0)
        assert await prometheus.value('hived_daemon_up{daemon="hive-alertd",job="hived"}') in (1, None)
        await until(lambda: "metrics cannot" not in appliance.hivectl("status"))
    assert "hush-hush" not in alertd.log
    assert json.loads(appliance.hivectl("status", "--json"))["node"]
    await alertd.stop()
