"""`hivectl doctor`: what of this box is well and what is not, each with the next step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from hived.cli.context import EXIT_FAILED, Desk, NotPermitted
from hived.cli.doctor import host, site
from hived.cli.doctor.words import Check, fail
from hived.cli.output.text import clean, counted, one_line
from hived.errors import Damaged, HivedError, SchemaMismatch
from hived.store.engine.damage import kept

_TONES: dict[Literal["ok", "warn", "fail"], str] = {"ok": "good", "warn": "warn", "fail": "bad"}
LIMIT_S = 20.0
"""No check takes longer; most take milliseconds."""


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    run: Callable[[], Awaitable[Iterable[Check]]]


async def doctor(desk: Desk) -> int:
    """Look at everything and say it; 1 when something fails. Nobody is asked but who the configuration names."""
    checks: list[Check] = []
    facts, trouble = None, None
    try:
        async with desk.store() as store:
            facts = await store.read(site.read, desk.node_id(), desk.clock(), desk.config.syncd.master)
    except NotPermitted as err:
        trouble = fail("database", str(err), "sudo hivectl doctor")
    except SchemaMismatch as err:
        trouble = fail("database", str(err), "sudo -u hived hivectl migrate")
    except Damaged as err:
        before = f"; one of before is kept: {kept(desk.config.database.sqlite_path)[0].path}" if _kept(desk) else ""
        step = "systemctl restart hived.target replaces it; hivectl restore FILE brings back a backup"
        trouble = fail("database", f"{err}{before}", step)
    except HivedError as err:
        trouble = fail("database", str(err), "journalctl -u 'hive-*' -n 50")
    if trouble is not None:
        checks.append(trouble)
    jobs = [
        _Job("config", lambda: asyncio.to_thread(host.config, desk)),
        _Job("disk", lambda: asyncio.to_thread(host.disk, desk)),
        _Job("secrets", lambda: asyncio.to_thread(host.secrets, desk)),
        _Job("clock", lambda: host.clock(desk)),
        _Job("subnets", lambda: asyncio.to_thread(host.subnets, desk)),
        _Job("zeroconf", lambda: asyncio.to_thread(host.zeroconf, desk)),
        _Job("model", lambda: site.model(desk, facts)),
    ]
    if facts is not None:
        known = facts
        jobs += [
            _Job("database", lambda: asyncio.to_thread(site.database, known)),
            _Job("clock", lambda: asyncio.to_thread(site.doubt, desk, known)),
            _Job("daemons", lambda: site.daemons(desk, known)),
            _Job("dashboard", lambda: site.dashboard(desk, known)),
            _Job("miners", lambda: site.miners(desk, known)),
            _Job("master", lambda: asyncio.to_thread(site.master, desk, known)),
            _Job("peers", lambda: asyncio.to_thread(site.near, desk, known)),
        ]
    for found in await asyncio.gather(*(_run(job) for job in jobs)):
        checks += found
    _say(desk, checks)
    return EXIT_FAILED if any(one.state == "fail" for one in checks) else 0


async def _run(job: _Job) -> list[Check]:
    try:
        async with asyncio.timeout(LIMIT_S):
            return list(await job.run())
    except TimeoutError:
        return [
            fail(job.name, f"could not be looked at within {LIMIT_S:g} s", "try again; is the disk or the box busy?")
        ]
    except (HivedError, OSError) as err:
        return [fail(job.name, one_line(str(err)), "journalctl -u 'hive-*' -n 50")]


def _kept(desk: Desk) -> bool:
    return bool(kept(desk.config.database.sqlite_path))


def _say(desk: Desk, checks: list[Check]) -> None:
    failed = sum(one.state == "fail" for one in checks)
    warned = sum(one.state == "warn" for one in checks)
    if desk.json:
        document: dict[str, Any] = {
            "ok": failed == 0,
            "checks": [{"name": one.name, "state": one.state, "text": one.text, "next": one.step} for one in checks],
        }
        desk.screen.document(document)
        return
    longest = max(len(one.name) for one in checks)
    for one in checks:
        state = desk.screen.paint(f"{one.state:<4}", _TONES[one.state])
        desk.screen.say(f"{state}  {one.name:<{longest}}  {clean(one.text)}")
        if one.step is not None:
            desk.screen.say(f"      {'':<{longest}}  next: {clean(one.step)}")
    if failed or warned:
        said = [counted(failed, "failure") if failed else "", counted(warned, "warning") if warned else ""]
        desk.screen.say(desk.screen.paint(" and ".join(filter(None, said)), "bad" if failed else "warn"))
    else:
        desk.screen.say(desk.screen.paint("all is well", "good"))
