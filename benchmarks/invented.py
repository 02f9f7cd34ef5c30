"""60 honest miners among 60 addresses that are another miner of another model in each answer: on loopback.

The real hive-discoverd and hive-polld; what they hold at the end, and how late any honest miner ever was.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from benchmarks.programs import MIB, configuration, fleet, program, usage, with_patience
from benchmarks.report import Result
from hived.services.miners.newcomers import MOST_NEW
from hived.store import create
from hived.store.miners.models import MAX_MODELS

NAME = "invented"
WINDOW_S = 300.0
HONEST, INVENTORS = 60, 60
SUBNET, INVENTED = "127.45.1.0/24", "127.45.2"
EVERY_S = 15.0
POLLED = f"SELECT count(*) >= {HONEST} FROM health WHERE status_at > 0"
MIB_ALLOWED = 128


def run(seconds: float | None = None) -> Result:
    """Measure it; `seconds` is how long they invent."""
    window_s = seconds or WINDOW_S
    result = Result(NAME, f"{HONEST} miners polled every {EVERY_S:g} s, {INVENTORS} inventors for {window_s:g} s")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        folder = Path(name)
        database = folder / "hived.db"
        create(f"sqlite:///{database}")
        with fleet(HONEST, SUBNET, folder=folder) as port:
            network = {"subnets": [SUBNET, f"{INVENTED}.0/26"], "port": port}
            file = configuration(folder, network=network, intervals={"status_seconds": EVERY_S})
            with (
                program("hive-discoverd", "--config", str(file), folder=folder) as discoverd,
                program("hive-polld", "--config", str(file), folder=folder) as polld,
                closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as rows,
            ):
                while not rows.execute(POLLED).fetchone()[0]:
                    with_patience(polld, 0.5)
                began = time.time()
                told = _invent(port, discoverd, window_s)
                _tell(result, rows, began, time.time(), told)
                for which, process in (("hive-discoverd", discoverd), ("hive-polld", polld)):
                    mib = usage(process).pss / MIB
                    wanted = f"at most {MIB_ALLOWED}"
                    result.add(f"{which}: memory", mib, "MiB", "PSS", wanted=wanted, good=mib <= MIB_ALLOWED)
        lines = [line for file in folder.glob("*.log") for line in file.read_text("utf-8", "replace").splitlines()]
        broken = sum("Traceback" in line for line in lines)
        result.add("stacks in the logs", broken, "", f"of {len(lines)} lines", wanted="0", good=broken == 0)
    return result.done()


def _invent(port: int, discoverd: subprocess.Popen[bytes], window_s: float) -> dict[str, int]:
    line = [sys.executable, "-m", "benchmarks.attackers", "inventors", "--own", INVENTED, "--port", str(port)]
    attack = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        with_patience(discoverd, window_s)
        said, _ = attack.communicate(timeout=30)  # which closes its standard input
    finally:
        attack.kill()
    told: dict[str, int] = json.loads(said.splitlines()[-1])
    return told


def _tell(result: Result, rows: sqlite3.Connection, began: float, ended: float, told: dict[str, int]) -> None:
    def count(sql: str) -> int:
        return int(rows.execute(sql).fetchone()[0])

    honest = [num for (num,) in rows.execute("SELECT num FROM miner WHERE agreed_ip IS NOT NULL")]
    gaps = [
        later - earlier
        for num in honest
        for earlier, later in pairwise(
            [began, *(at for (at,) in rows.execute(
                "SELECT at FROM status WHERE num = ? AND at > ? ORDER BY at", (num, began)
            )), ended]
        )
    ]  # fmt: skip
    longest = max(gaps, default=ended - began)
    result.add("honest miners", len(honest), "", wanted=str(HONEST), good=len(honest) == HONEST)
    result.add("honest ones: longest gap", longest, "s", wanted="at most 30", good=longest <= 2 * EVERY_S)
    most = HONEST + INVENTORS * MOST_NEW[0][1]
    miners, models = count("SELECT count(*) FROM miner"), count("SELECT count(*) FROM model")
    result.add(
        "rows of miners", miners, "", f"{told['asked']:,} answers", wanted=f"at most {most}", good=miners <= most
    )
    result.add("rows of models", models, "", wanted=f"at most {MAX_MODELS}", good=models <= MAX_MODELS)
    result.add("rows of other devices", count("SELECT count(*) FROM stranger"), "")
    result.add("keys told to inventors", told.get("keys", 0), "", wanted="0", good=not told.get("keys"))
