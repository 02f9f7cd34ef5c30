"""The real hive-controld at a simulated site: it is killed in the middle of orders, again and again."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import Any

import pytest

from hived.records.access import By
from hived.records.condition import Moment
from hived.records.order_request import read
from hived.records.orders import ENDS
from hived.services.miners import orders as giving
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.lifecycle import Timings
from hived.store import Store
from hived.store.miners import miners, orders
from tests.mutated import LONG, count
from tests.system.appliance import Appliance, Program, until

pytestmark = pytest.mark.system

MINERS = 24
SUBNET = "127.34.64.0/27"
KILLS = count(3, 50)
RULES = giving.Rules(packet_size=8, packet_interval_s=0.2, power_on_interval_s=0.2, reboots_per_hour=60, settle_s=0.0)
SEQUENCE = ("pause", "resume", "restart", "reboot")
WAIT_S = 90.0


async def _give(store: Store, verb: str) -> int:
    giver = giving.Giver(By(at=time.time(), who="ann", via="command", address=None), "admin")
    packet = {"size": RULES.packet_size, "interval_seconds": RULES.packet_interval_s}
    request = read({"verb": verb, "where": {}, "packet": packet})
    number, _ = await store.write(giving.give, request, giver, RULES, Moment(time.time(), 15.0))
    return int(number)


@pytest.mark.timeout(900 if LONG else 240)
async def test_killed_at_any_moment_of_an_order_nothing_is_done_twice_and_nothing_forgotten(
    appliance: Appliance, free_port: int
) -> None:
    random = Random(14)
    timings = Timings().hastened(30)
    async with Fleet(MINERS, subnet=SUBNET, steady=True, timings=timings) as fleet:
        appliance.configure(
            network={"subnets": [fleet.subnet], "port": fleet.port}, http={"addr": f"127.0.0.1:{free_port}"},
            intervals={"discovery_seconds": 5, "status_seconds": 2, "telemetry_seconds": 60},
            controld={"packet_size": 8, "packet_interval_seconds": 0.2, "power_on_interval_seconds": 0.2,
                      "confirm_seconds": 20, "settle_seconds": 0, "reboots_per_hour": 60},
        )  # fmt: skip
        running: dict[str, Program] = {
            name: appliance.start(name) for name in ("hive-discoverd", "hive-polld", "hive-apid")
        }
        polled = "SELECT count(*) FROM miner JOIN health USING (num) WHERE api_key IS NOT NULL AND status_at > 0"
        await until(lambda: appliance.number(polled) == MINERS, within_s=WAIT_S)
        async with Store.open(f"sqlite:///{appliance.database}", state_dir=appliance.folder) as store:
            for miner in fleet.miners:
                await store.write(miners.set_managed, miner.mac, True, time.time())
            running["hive-controld"] = appliance.start("hive-controld")
            given: list[int] = []
            for turn in range(KILLS):
                number = await _give(store, SEQUENCE[turn % len(SEQUENCE)])
                given.append(number)
                sent = random.randint(1, MINERS)  # so many miners are asked before the next death

                async def is_on(number: int = number, sent: int = sent) -> bool:
                    order, targets = await store.read(orders.one, number)
                    return order.finished_at is not None or sum(one.sent_at is not None for one in targets) >= sent

                await until(is_on, within_s=WAIT_S)
                # Every third time the power of the whole box is cut.
                dying = list(running) if turn % 3 == 2 else ["hive-controld"]
                for name in dying:
                    running[name].kill()
                assert appliance.integrity() == "ok"
                running |= {name: appliance.start(name) for name in dying}

                async def is_over(number: int = number) -> bool:
                    return (await store.read(orders.one, number))[0].finished_at is not None

                await until(is_over, within_s=WAIT_S)
            every = [await store.read(orders.one, number) for number in given]
        for program in running.values():
            assert program.running(), program.log
            assert "Traceback" not in program.log, program.log
        assert all(one.state in ENDS for _, targets in every for one in targets)
        for verb, path in (("restart", "mining/restart"), ("reboot", "system/reboot")):
            asked = Counter[str]()
            for order, targets in every:
                if order.verb == verb:
                    asked.update(one.mac for one in targets if one.sent_at is not None)
            for miner in fleet.miners:
                assert miner.requests[f"POST /api/v1/{path}"] <= asked[miner.mac], f"{verb} was sent twice"
        ends: Counter[Any] = Counter((one.state, one.reason) for _, targets in every for one in targets)
        done = sum(n for (state, reason), n in ends.items() if state == "confirmed" or reason == "same_already")
        assert done >= 0.9 * sum(ends.values()), ends
