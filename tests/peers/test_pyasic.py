"""pyasic, a public client of the same firmware, takes the simulated miners for real ones."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.models import CHAINS, DEFAULT_WEIGHTS

SUBNET = "127.35.0.0/28"
PORT, RPC_PORT = 80, 4028  # pyasic knows no others
ROOT = Path(__file__).parent.parent.parent

# pyasic names the classes after the printed names of the models.
CLASSES = {
    "s19jpro": "VNishS19jPro",
    "s19": "VNishS19",
    "s21pro": "VNishS21Pro",
    "s21": "VNishS21",
    "s19kpro": "VNishS19kPro",
}

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.xdist_group("port-80"),
]


@pytest.fixture
def port_80() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.35.0.1", PORT))
        except PermissionError:
            pytest.skip("pyasic asks port 80 only, which needs root: sudo make test")


async def read(addresses: list[str]) -> dict[str, dict[str, Any]]:
    """Have pyasic read these addresses, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.peers.read_with_pyasic", *addresses,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    found: dict[str, dict[str, Any]] = json.loads(out.splitlines()[-1])
    return found


@pytest.mark.usefixtures("port_80")
async def test_pyasic_identifies_and_reads_each_model_of_the_default_mix() -> None:
    async with Fleet(
        len(DEFAULT_WEIGHTS) + 1,
        subnet=SUBNET,
        port=PORT,
        rpc_port=RPC_PORT,
        models=dict.fromkeys(DEFAULT_WEIGHTS, 1) | {"s19jpro": 2},
        setups={"stopped": 1},
    ) as fleet:
        found = await read([miner.ip for miner in fleet.miners])
        assert {miner.model for miner in fleet.miners} == CLASSES.keys()
        for miner in fleet.miners:
            told = found[miner.ip]
            assert told is not None, f"pyasic knows no miner at {miner.ip}, {miner.model}"
            assert (told["class"], told["firmware"]) == (CLASSES[miner.model], "VNish")
            assert told["mac"].lower() == miner.mac
            assert told["is_mining"] == (miner.state == "mining")
            assert len(told["boards"]) == CHAINS
            assert len(told["fans"]) == 4
            if miner.state != "mining":
                assert not told["hashrate_ths"]
                continue
            now = miner.snapshot()
            assert told["chips"] == CHAINS * miner.spec.chips
            assert told["hashrate_ths"] == pytest.approx(sum(b.rate_ghs for b in now.boards) / 1000, rel=0.05)
            assert told["expected_hashrate_ths"] == pytest.approx(sum(b.ideal_ghs for b in now.boards) / 1000, rel=0.05)
            assert told["wattage"] == pytest.approx(miner.preset.watts, rel=0.1)
            assert all(1_000 < rpm < 7_000 for rpm in told["fans"])
            assert all(20 < temp < 110 for board in told["boards"] for temp in board[1:])
