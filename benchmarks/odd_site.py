"""A site of 300 where each way to misbehave has its 5 %, for half an hour: who suffers from it, and how loudly."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.programs import MIB, configuration, fleet, free_port, program, usage
from benchmarks.report import Result
from benchmarks.site_1000 import Site
from hived.store import create

NAME = "odd_site"
COUNT, SHARE = 300, 15
SUBNET = "127.42.0.0/22"
WINDOW_S = 1800.0
EVERY_S, SWEEP_S = 15.0, 30.0
SETTLE_S = 90.0  # the first turn of each miner is drawn at random; then all are polled once more
BACK_S = SWEEP_S + EVERY_S + 5.0  # one sweep sees that a miner is well, its next turn reads it
UNLOCKS_AN_HOUR = 30

FAULTS: dict[str, dict[str, Any]] = {
    "slow: 4 s": {"fault": "slow", "delay": 4.0},
    "accepts, never answers": {"fault": "hung"},
    "resets": {"fault": "reset"},
    "HTTP 500": {"fault": "error_500"},
    "half a document": {"fault": "cut_json"},
    "every second answer is half a document": {"fault": "cut_json", "every": 2},
    "no JSON": {"fault": "invalid_json"},
    "100 MB": {"fault": "huge_body"},
    "wrong types": {"fault": "wrong_types"},
    "no miner in the summary": {"fault": "null_miner"},
    "unlock refused": {"fault": "answer", "paths": ["/api/v1/unlock"], "status": 403, "text": "{}"},
    "keys wanted everywhere": {"fault": "keys_wanted"},
    "one connection at a time": {"fault": "one_connection"},
    "bad bytes": {"fault": "bad_bytes"},
    "a byte a second": {"fault": "drip"},
    "another device": {"fault": "not_a_miner"},
    "catalogue hangs": {"fault": "hung", "paths": ["/api/v1/autotune/*", "/api/v1/model"]},
    "MAC of another": {"fault": "altered", "put": {"system.network_status.mac": "02:51:01:00:00:00"}},
}

FROM_THE_START = ("unlock refused", "keys wanted everywhere", "catalogue hangs")
"""What would hurt nobody who is known already: the other faults begin when all are polled."""


def run(seconds: float | None = None) -> Result:
    """Measure it; takes about three minutes more than `seconds`, the time in which the faults last."""
    window_s = seconds or WINDOW_S
    result = Result(NAME, f"{COUNT} simulated miners, {len(FAULTS)} faults of {SHARE} miners each, {window_s:g} s")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        control = free_port()
        port = stack.enter_context(fleet(COUNT, SUBNET, folder=folder, control=control))
        file = configuration(folder, network={"subnets": [SUBNET], "port": port})
        create(f"sqlite:///{folder / 'hived.db'}")
        faulty = _faulty([miner["ip"] for miner in _call(control, "GET", "/miners")])
        _set(control, {ip: fault for ip, fault in faulty.items() if fault in FROM_THE_START})
        daemons = [stack.enter_context(program(n, "--config", str(file), folder=folder)) for n in _DAEMONS]
        site = stack.enter_context(closing(Site(folder, *daemons)))
        site.wait_for(f"SELECT 1 WHERE (SELECT count(*) FROM health WHERE status_at > 0) = {COUNT}", SETTLE_S)
        site.watch(until=time.time() + SETTLE_S)
        before = [usage(process).pss / MIB for process in daemons]
        _watch_faults(site, result, control, faulty, window_s)
        for daemon, process, was in zip(_DAEMONS, daemons, before, strict=True):
            result.add(f"{daemon}: memory", usage(process).pss / MIB, "MiB", f"PSS; {was:.0f} before the faults")
    return result.done()


_DAEMONS = ("hive-discoverd", "hive-polld")


def _faulty(ips: list[str]) -> dict[str, str]:
    """Return the fault of each miner that gets one. The first ten stay well: one of them lends its MAC."""
    ips = sorted(ips)
    return {
        ip: fault
        for place, fault in enumerate(FAULTS)
        for ip in ips[10 + place * SHARE : 10 + (place + 1) * SHARE]
    }  # fmt: skip


def _set(control: int, faults: dict[str, str]) -> None:
    for ip, fault in faults.items():
        _call(control, "POST", f"/miners/{ip}/fault", FAULTS[fault])


def _watch_faults(site: Site, result: Result, control: int, faulty: dict[str, str], window_s: float) -> None:
    began = time.time()
    _set(control, {ip: fault for ip, fault in faulty.items() if fault not in FROM_THE_START})
    site.watch(until=began + window_s)
    ended = time.time()
    miners = _call(control, "GET", "/miners")
    for ip in faulty:
        _call(control, "POST", f"/miners/{ip}/fault", {"fault": None})
    _sweeps(site, result, began, ended)
    _healthy(site, result, [miner["ip"] for miner in miners if miner["ip"] not in faulty], began, ended)
    most = max(miner["unlocks"] for miner in miners) * 3600 / (ended - began)
    result.add(
        "unlocks of a miner in an hour, most", most, "", "since the first sweep", wanted=f"at most {UNLOCKS_AN_HOUR}",
        good=most <= UNLOCKS_AN_HOUR,
    )  # fmt: skip
    _events(site, result, faulty, began, ended)
    site.watch(until=ended + BACK_S)
    # A refused password is tried again after a pause that grows: miners lock out who tries too often.
    away = Counter(
        fault for ip, fault in faulty.items() if fault != "unlock refused" and not site.rows(_LAST, ip, ended)
    )
    note = ", ".join(f"{fault} {count}" for fault, count in away.items())
    result.add("not read again within a sweep and a turn", away.total(), "miners", note, wanted="0", good=not away)


_LAST = "SELECT 1 FROM miner JOIN health USING (num) WHERE ip = ? AND status_at > ?"


def _sweeps(site: Site, result: Result, began: float, ended: float) -> None:
    starts = [at for (at,) in site.rows("SELECT started_at FROM sweep WHERE started_at BETWEEN ? AND ?", began, ended)]
    longest = max((b - a for a, b in pairwise([began, *starts, ended])), default=0.0)
    result.add(
        "longest from one sweep's start to the next", longest, "s", f"{len(starts)} sweeps",
        wanted=f"at most {SWEEP_S * 1.1:g}", good=longest <= SWEEP_S * 1.1,
    )  # fmt: skip


def _healthy(site: Site, result: Result, ips: list[str], began: float, ended: float) -> None:
    longest = {}
    for ip in ips:
        rows = site.rows(
            "SELECT at FROM status JOIN miner USING (num) WHERE ip = ? AND at BETWEEN ? AND ? ORDER BY at",
            ip, began, ended,
        )  # fmt: skip
        longest[ip] = max(b - a for a, b in pairwise([began, *(at for (at,) in rows), ended]))
    worst = max(longest.values())
    result.add(
        "healthy: longest between two statuses", worst, "s", f"of {len(ips)} miners", wanted=f"at most {2 * EVERY_S:g}",
        good=worst <= 2 * EVERY_S,
    )  # fmt: skip


def _events(site: Site, result: Result, faulty: dict[str, str], began: float, ended: float) -> None:
    """How often the same thing was said of a miner while nothing about it changed."""
    told: dict[str, Counter[str]] = {fault: Counter() for fault in FAULTS}
    worst = 0
    for ip, fault in faulty.items():
        kinds = Counter(
            f"{kind} {json.loads(detail).get('pool', '')}".strip() for kind, detail in site.rows(
                "SELECT kind, detail FROM event JOIN miner USING (num) WHERE ip = ? AND event.at BETWEEN ? AND ?",
                ip, began, ended,
            )
        )  # fmt: skip
        told[fault].update(kinds)
        worst = max(worst, *kinds.values(), 0)
    result.add("events of one kind about one miner, most", worst, "", wanted="1", good=worst <= 1)
    for fault, kinds in told.items():
        note = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        result.add(f"events: {fault}", kinds.total() / SHARE, "a miner", note)


def _call(control: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    request = Request(f"http://127.0.0.1:{control}{path}", json.dumps(body).encode() if body else None, method=method)
    with urlopen(request, timeout=10) as reply:
        return json.load(reply)
