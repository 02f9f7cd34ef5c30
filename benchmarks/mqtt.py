"""hive-alertd with 200 miners: what it takes with alerts alone, and with a broker that is told of all of them."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import sample
from benchmarks.programs import MIB, Usage, configuration, free_port, program, usage
from benchmarks.report import Result
from hived.records.firmware import Feature, listed
from hived.store import create, database_of
from hived.store.miners import readings
from hived.store.schema import Miner

NAME = "mqtt"
MINERS = 200
EVERY_S = 15.0
SETTLE_S = 45.0
LOOK_S = 60.0
MOST_MIB = 25.0


def run(seconds: float | None = None) -> Result:
    """Measure for so many seconds each, while every miner is read every 15 seconds. Needs mosquitto."""
    result = Result(NAME, f"hive-alertd, {MINERS} miners read every {EVERY_S:.0f} s, mosquitto on loopback")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder, port = Path(name), free_port()
        (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        site = _Site(folder)
        alone, alone_cpu = site.watch({}, seconds or LOOK_S)
        with subprocess.Popen(
            ["mosquitto", "-c", str(folder / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as broker:
            told, told_cpu = site.watch({"url": f"mqtt://127.0.0.1:{port}", "steer": True}, seconds or LOOK_S)
            broker.terminate()
    result.add("alerts alone", alone.pss / MIB, "MiB", f"PSS; {alone_cpu:.2f} s of CPU a minute")
    result.add("with MQTT", told.pss / MIB, "MiB", f"PSS; {told_cpu:.2f} s of CPU a minute")
    more = (told.pss - alone.pss) / MIB
    result.add("MQTT takes", more, "MiB", wanted=f"with alerts at most {MOST_MIB:.0f}", good=more <= MOST_MIB)
    return result.done()


class _Site:
    """Miners in a database, which are read again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._random = folder, Random(3)
        url = f"sqlite:///{folder / 'hived.db'}"
        create(url)
        self._database = database_of(url)
        with self._database.session(), self._database.transact("write"):
            self._nums = sample.find(self._database, MINERS, time.time())
            features = listed(frozenset({Feature.PAUSE, Feature.REBOOT, Feature.LOCATE}))
            Miner.update(managed=True, features=features).execute(self._database)

    def watch(self, mqtt: Mapping[str, Any], seconds: float) -> tuple[Usage, float]:
        """Return what hive-alertd has taken after so long, and its CPU a minute once it has settled."""
        file = configuration(self._folder, mqtt=dict(mqtt))
        with program("hive-alertd", "--config", str(file), folder=self._folder) as alertd:
            self._read_for(SETTLE_S)
            before = usage(alertd)
            self._read_for(seconds)
            after = usage(alertd)
        return after, (after.cpu_s - before.cpu_s) / seconds * 60

    def _read_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with closing(self._database), self._database.session(), self._database.transact("write"):
                done = sample.outcomes(self._nums, time.time() - 3, self._random, chips_of_every=MINERS)
                readings.save(self._database, list(done))
            time.sleep(min(EVERY_S, left))
