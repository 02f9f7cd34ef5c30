"""Whatever a device answers while it is steered: an error of hived's or a record, and its pools stay whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from hived.clients.firmwares.family import Link
from hived.clients.firmwares.http import open_session
from hived.clients.firmwares.vnish.family import Vnish
from hived.errors import HivedError
from hived.records.firmware import Reach
from hived.records.steering import VERBS, Said, Seen, Wish
from hived.simulator.miners.faults import NOT_A_MINER_KINDS, Fault
from hived.simulator.miners.fleet import Fleet
from tests.simulator.asking import with_key

POOL = {"slot": 0, "url": "new.example.net:3333", "user": "farm.new"}
ARGS: dict[str, dict[str, Any]] = {
    "locate": {"on": True, "seconds": 60}, "preset": {"name": "2300"}, "dimmer": {"percent": 50},
    "pools": {"pools": [POOL]}, "cooling": {"mode": "auto"}, "restore": {"pools": {"pools": [POOL]}},
}  # fmt: skip
FAULTS: dict[str, dict[str, Any]] = {
    "error_500": {}, "cut_json": {}, "cut_json, and hung up": {"drop": True}, "invalid_json": {}, "wrong_types": {},
    "huge_body": {"size": 3_000_000}, "gzip_bomb": {"size": 3_000_000}, "null_miner": {}, "bad_bytes": {},
    "stock_firmware": {}, "reset": {}, "answer: []": {"text": "[]"}, "answer: nothing": {},
    "answer: no pools": {"text": '{"miner": {"pools": []}, "miner_state": "mining"}'},
    "answer: a page": {"text": "<html>" * 1000},
    **{f"not_a_miner: {kind}": {"kind": kind} for kind in NOT_A_MINER_KINDS},
}  # fmt: skip
"""What is on while the miner still says who it is."""


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with Fleet(1, subnet="127.35.2.0/28", models={"s19kpro": 1}, steady=True) as fleet:
        yield fleet


@pytest.mark.parametrize("name", FAULTS)
async def test_hostile_answers_are_errors_of_hived_and_spoil_no_pool(fleet: Fleet, name: str) -> None:
    miner = fleet.miners[0]
    fault = Fault(name.split(":")[0].split(",")[0])
    before = [dict(pool) for pool in miner.settings["miner"]["pools"]]
    merged = [before[0] | {"url": POOL["url"], "user": POOL["user"]}, *before[1:]]
    every_call_but_who_it_is = ["/api/v1/[!i]*"]
    fleet.set_fault(miner, fault, paths=every_call_but_who_it_is, **FAULTS[name])
    async with open_session() as session:
        vnish = Vnish(Link(session, fleet.port, 5.0))
        reach = Reach(miner.ip, with_key(miner), mac=miner.mac)
        for verb in VERBS:
            with suppress(HivedError):
                assert isinstance(await vnish.look(reach, verb), Seen)
            if verb != "reboot":
                with suppress(HivedError):
                    assert isinstance(await vnish.steer(reach, Wish(verb, ARGS.get(verb, {}))), Said)
            assert miner.settings["miner"]["pools"] in (before, merged)
        fleet.clear_fault(miner)
        miner.be("mining")
        await vnish.steer(reach, Wish("pools", ARGS["pools"]))
        assert miner.settings["miner"]["pools"] == merged
