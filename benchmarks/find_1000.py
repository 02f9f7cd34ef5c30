"""All 1,000 miners of a /22, by the real hive-discoverd and by a public scanner that stores nothing. Needs root."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.programs import configuration, fleet, program, with_patience
from benchmarks.report import Result
from hived.store import create

NAME = "find_1000"
COUNT = 1000
SUBNET = "127.41.4.0/22"
PORT, RPC_PORT = 80, 4028  # pyasic asks at no others
WITHIN_S = 60.0
HERE = Path(__file__).parent
PEERS = Path(sys.prefix) / "peers"

ROWS = """SELECT (SELECT count(*) FROM miner), (SELECT max(created_at) FROM miner),
 (SELECT count(*) FROM miner JOIN settings_version USING (num) WHERE api_key IS NOT NULL),
 (SELECT max(read_at) FROM settings_version), (SELECT max(read_at) FROM ladder),
 (SELECT started_at FROM sweep ORDER BY id LIMIT 1)"""


def run(_seconds: float | None = None) -> Result:
    """Measure both twice, in turn, for as long as they take."""
    result = Result(NAME, f"{COUNT} simulated miners in {SUBNET}: found, then complete with key, settings and model")
    if os.geteuid() != 0:
        result.add("not measured", None, "", "root is needed to listen on port 80")
        return result.done()
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder = Path(name)
        with fleet(COUNT, SUBNET, folder=folder, port=PORT, rpc_port=RPC_PORT):
            for turn in (1, 2):
                peer = _peer()
                rows, complete = _hived(folder / str(turn))
                _tell(result, turn, peer, rows, complete)
    return result.done()


def _tell(result: Result, turn: int, peer: dict[str, float], rows: float | None, complete: float | None) -> None:
    wall = peer["wall_s"]
    result.add(f"{turn}: pyasic knows them", wall, "s", f"{peer['found']:.0f} of {COUNT}, nothing stored")
    for what, took, most in (("rows", rows, 0.5), ("complete", complete, 1.0)):
        ratio = None if took is None else took / wall
        result.add(f"{turn}: hived, {what}", took, "s", "after the sweep began")
        result.add(
            f"{turn}: ratio, {what}", ratio, "x", wanted=f"at most {most:g}", good=ratio is not None and ratio <= most
        )


def _peer() -> dict[str, float]:
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "peers.txt"], check=True)
    ran = subprocess.run([python, HERE / "peer_scan.py", SUBNET], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _hived(folder: Path) -> tuple[float | None, float | None]:
    """Return after how many seconds all miners were rows, and when the last one was complete; None: not in time."""
    folder.mkdir()
    database = folder / "hived.db"
    file = configuration(folder, network={"subnets": [SUBNET], "port": PORT})
    create(f"sqlite:///{database}")
    deadline = time.time() + WITHIN_S
    with (
        program("hive-discoverd", "--config", str(file), folder=folder) as discoverd,
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection,
    ):
        while True:
            with_patience(discoverd, 0.5)
            rows, newest, complete, read_at, ladder_at, began = connection.execute(ROWS).fetchone()
            if rows == complete == COUNT or time.time() > deadline or discoverd.poll() is not None:
                break
    return (
        newest - began if rows == COUNT else None,
        max(read_at, ladder_at or 0.0) - began if complete == COUNT else None,
    )
