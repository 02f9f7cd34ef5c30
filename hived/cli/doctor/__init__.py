"""`hivectl doctor`: what of this box is well and what is not, each with the next step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from hived.cli.context import EXIT_FAILED, CommandContext, NotPermitted
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


async def doctor(context: CommandContext) -> int:
    """Look at everything and say it; 1 when something fails. Nobody is asked but who the configuration names."""
    checks: list[Check] = []
    facts, trouble = None, None
    try:
        async with context.store() as store:
            facts = await store.read(site.read, context.node_id(), context.clock(), context.config.syncd.master)
    except NotPermitted as err:
        trouble = fail("database", str(err), "sudo hivectl doctor")
    except SchemaMismatch as err:
        trouble = fail("database", str(err), "sudo -u hived hivectl migrate")
    except Damaged as err:
        before = (
            f"; one of before is kept: {kept(context.config.database.sqlite_path)[0].path}" if _kept(context) else ""
        )
        step = "systemctl restart hived.target replaces it; hivectl restore FILE brings back a backup"
        trouble = fail("database", f"{err}{before}", step)
    except HivedError as err:
        trouble = fail("database", str(err), "journalctl -u 'hive-*' -n 50")
    if trouble is not None:
        checks.append(trouble)
    jobs = [
        _Job("config", lambda: asyncio.to_thread(host.config, context)),
        _Job("disk", lambda: asyncio.to_thread(host.disk, context)),
        _Job("secrets", lambda: asyncio.to_thread(host.secrets, context)),
        _Job("clock", lambda: host.clock(context)),
        _Job("subnets", lambda: asyncio.to_thread(host.subnets, context)),
        _Job("zeroconf", lambda: asyncio.to_thread(host.zeroconf, context)),
        _Job("model", lambda: site.model(context, facts)),
    ]
    if facts is not None:
        known = facts
        jobs += [
            _Job("database", lambda: asyncio.to_thread(site.database, known)),
            _Job("clock", lambda: asyncio.to_thread(site.doubt, context, known)),
            _Job("daemons", lambda: site.daemons(context, known)),
            _Job("dashboard", lambda: site.dashboard(context, known)),
            _Job("miners", lambda: site.miners(context, known)),
            _Job("master", lambda: asyncio.to_thread(site.master, context, known)),
            _Job("peers", lambda: asyncio.to_thread(site.near, context, known)),
        ]
    for found in await asyncio.gather(*(_run(job) for job in jobs)):
        checks += found
    _say(context, checks)
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


def _kept(context: CommandContext) -> bool:
    return bool(kept(context.config.database.sqlite_path))


def _say(context: CommandContext, checks: list[Check]) -> None:
    failed = sum(one.state == "fail" for one in checks)
    warned = sum(one.state == "warn" for one in checks)
    if context.json:
        document: dict[str, Any] = {
            "ok": failed == 0,
            "checks": [{"name": one.name, "state": one.state, "text": one.text, "next": one.step} for one in checks],
        }
        context.screen.document(document)
        return
    longest = max(len(one.name) for one in checks)
    for one in checks:
        state = context.screen.paint(f"{one.state:<4}", _TONES[one.state])
        context.screen.say(f"{state}  {one.name:<{longest}}  {clean(one.text)}")
        if one.step is not None:
            context.screen.say(f"      {'':<{longest}}  next: {clean(one.step)}")
    if failed or warned:
        said = [counted(failed, "failure") if failed else "", counted(warned, "warning") if warned else ""]
        context.screen.say(context.screen.paint(" and ".join(filter(None, said)), "bad" if failed else "warn"))
    else:
        context.screen.say(context.screen.paint("all is well", "good"))
