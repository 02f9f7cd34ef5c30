"""The real hive-alertd between a broker and miners: told over TLS, steered through hive-controld, or not at all."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hived.simulator.miners.fleet import Fleet
from tests.mosquitto import House, Mosquitto, house
from tests.system.appliance import Appliance, until

USER, PASSWORD = "box", "a secret of the broker"


@pytest.fixture
async def secured(tmp_path_factory: pytest.TempPathFactory) -> Mosquitto:
    return Mosquitto(tmp_path_factory.mktemp("broker"), user=(USER, PASSWORD), tls=True)


def state(home: House, mac: str) -> dict[str, object]:
    (topic,) = [one for one in home.kept if one.endswith(f"/miners/{mac.replace(':', '')}")]
    return dict(json.loads(home.kept[topic]))


async def test_a_switch_of_home_assistant_pauses_a_miner(appliance: Appliance, secured: Mosquitto) -> None:
    await secured.start()
    (appliance.folder / "secrets.yaml").write_text(json.dumps({"mqtt": {"password": PASSWORD}}))
    (appliance.folder / "secrets.yaml").chmod(0o600)
    async with Fleet(2, subnet="127.34.24.0/28", steady=True) as fleet, house(secured) as home:
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port},
            intervals={"discovery_seconds": 0.5, "status_seconds": 0.5},
            mqtt={
                "url": f"mqtts://127.0.0.1:{secured.port}", "username": USER, "ca": str(secured.ca), "steer": True,
            },
        )  # fmt: skip
        first = fleet.miners[0]
        finders = [appliance.start(name) for name in ("hive-discoverd", "hive-polld", "hive-controld")]
        await until(lambda: appliance.number("SELECT count(DISTINCT num) FROM status") == 2)
        await until(lambda: appliance.number("SELECT count(*) FROM miner WHERE api_key IS NOT NULL") == 2)
        appliance.hivectl("miners", "set", first.ip, "--managed", code=0)
        alertd = appliance.start("hive-alertd")
        await until(lambda: len(home.under("homeassistant/device/")) == 3)
        await until(lambda: len([one for one in home.kept if "/miners/" in one]) == 2)
        assert state(home, first.mac)["mining"] == "ON"
        device = json.loads(home.kept[f"homeassistant/device/hived_{first.mac.replace(':', '')}/config"])
        switch = device["components"]["mining"]
        # What Home Assistant makes of the template.
        words = switch["command_template"].replace("{{ now().timestamp() }}", repr(time.time()))
        await home.say(switch["command_topic"], words.replace("{{ value | tojson }}", '"OFF"'))
        await until(lambda: first.life.paused)
        await until(lambda: state(home, first.mac)["mining"] == "OFF")
        assert not fleet.miners[1].life.paused
        assert appliance.rows("SELECT verb, who, via FROM miner_order") == [("pause", "mqtt", "mqtt")]
        await until(lambda: "miners told to" in appliance.number("SELECT status FROM daemon WHERE name='hive-alertd'"))
        (status,) = [one for one in home.kept if one.endswith("/status") and one.startswith("hived/")]
        await alertd.stop()
        await home.sees(lambda: home.kept[status] == b"offline")
        killed = appliance.start("hive-alertd")
        await home.sees(lambda: home.kept[status] == b"online")
        killed.kill()
        await home.sees(lambda: home.kept[status] == b"offline")
        for daemon in finders:
            await daemon.stop()
        assert PASSWORD not in alertd.log
        assert "Traceback" not in alertd.log
    secured.kill()


async def test_without_a_broker_the_rest_goes_on_and_over_plain_mqtt_nothing_is_steered(
    appliance: Appliance, free_port: int, tmp_path: Path
) -> None:
    appliance.configure(mqtt={"url": f"mqtt://0.0.0.0:{free_port}", "steer": True, "steer_reboot": True})
    alertd = appliance.start("hive-alertd")
    await until(lambda: "mqtt.steer: nothing is ordered over" in alertd.log)
    appliance.configure(mqtt={"url": f"mqtt://127.0.0.1:{free_port}", "steer": True})
    alertd.reload()
    await until(lambda: f"mqtt failed (1): Transient: no broker answers at 127.0.0.1:{free_port}" in alertd.log)
    told = "SELECT status FROM daemon WHERE name = 'hive-alertd'"
    await until(lambda: any("is away" in status for (status,) in appliance.rows(told)))
    await alertd.stop()
    assert "Traceback" not in alertd.log
