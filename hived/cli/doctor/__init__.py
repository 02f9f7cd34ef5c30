"""`hivectl doctor`: what of this box is well and what is not, each with the next step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Literal

from hived.cli.context import EXIT_FAILED, CommandContext, NotPermitted
from hived.cli.doctor import alerts, host, site
from hived.cli.doctor.words import Check, fail
from hived.cli.output.text import clean, counted, one_line
from hived.errors import Damaged, HivedError, SchemaMismatch
from hived.store.engine.damage import kept

_TONES: dict[Literal["ok", "warn", "fail"], str] = {"ok": "good", "warn": "warn", "fail": "bad"}
LIMIT_S = 20.0
"""No check takes longer; most take milliseconds."""


async def doctor(context: CommandContext) -> int:
    """Print what works and what does not; 1 when something fails. Only hosts that the configuration names are asked."""
    facts, checks = await _facts(context)
    jobs: list[tuple[str, Awaitable[Iterable[Check]]]] = [
        ("config", asyncio.to_thread(host.config, context)),
        ("disk", asyncio.to_thread(host.disk, context)),
        ("secrets", asyncio.to_thread(host.secrets, context)),
        ("clock", host.clock(context)),
        ("subnets", asyncio.to_thread(host.subnets, context)),
        ("zeroconf", asyncio.to_thread(host.zeroconf, context)),
        ("model", site.model(context, facts)),
    ]
    if facts is not None:
        jobs += [
            ("database", asyncio.to_thread(site.database, facts)),
            ("clock", asyncio.to_thread(site.doubt, context, facts)),
            ("daemons", site.daemons(context, facts)),
            ("dashboard", site.dashboard(context, facts)),
            ("miners", site.miners(context, facts)),
            ("alerts", asyncio.to_thread(alerts.heard, facts.audience)),
            ("nodes", asyncio.to_thread(site.nodes, facts)),
            ("master", asyncio.to_thread(site.master, context, facts)),
            ("peers", asyncio.to_thread(site.near, context, facts)),
        ]
    for found in await asyncio.gather(*(_run(*job) for job in jobs)):
        checks += found
    _say(context, checks)
    return EXIT_FAILED if any(check.state == "fail" for check in checks) else 0


async def _facts(context: CommandContext) -> tuple[site.Facts | None, list[Check]]:
    """Return what the database knows, or why it cannot be read."""
    try:
        async with context.store() as store:
            return await store.read(site.read, context.node_id(), context), []
    except NotPermitted as err:
        text, step = str(err), "sudo hivectl doctor"
    except SchemaMismatch as err:
        text, step = str(err), "sudo -u hived hivectl migrate"
    except Damaged as err:
        before = kept(context.config.database.sqlite_path)
        text = f"{err}; one of before is kept: {before[0].path}" if before else str(err)
        step = "systemctl restart hived.target replaces it; hivectl restore FILE brings back a backup"
    except HivedError as err:
        text, step = str(err), "journalctl -u 'hive-*' -n 50"
    return None, [fail("database", text, step)]


async def _run(name: str, job: Awaitable[Iterable[Check]]) -> list[Check]:
    try:
        async with asyncio.timeout(LIMIT_S):
            return list(await job)
    except TimeoutError:
        return [fail(name, f"no answer within {LIMIT_S:g} s", "try again; is the disk or the box busy?")]
    except (HivedError, OSError) as err:
        return [fail(name, one_line(str(err)), "journalctl -u 'hive-*' -n 50")]


def _say(context: CommandContext, checks: list[Check]) -> None:
    failed = sum(one.state == "fail" for one in checks)
    warned = sum(one.state == "warn" for one in checks)
    if context.json:
        lines = [{"name": one.name, "state": one.state, "text": one.text, "next": one.step} for one in checks]
        context.screen.document({"ok": failed == 0, "checks": lines})
        return
    longest = max(len(one.name) for one in checks)
    for one in checks:
        state = context.screen.paint(f"{one.state:<4}", _TONES[one.state])
        context.screen.say(f"{state}  {one.name:<{longest}}  {clean(one.text)}")
        if one.step is not None:
            context.screen.say(f"      {'':<{longest}}  next: {clean(one.step)}")
    if failed or warned:
        counts = [counted(failed, "failure") if failed else "", counted(warned, "warning") if warned else ""]
        context.screen.say(context.screen.paint(" and ".join(filter(None, counts)), "bad" if failed else "warn"))
    else:
        context.screen.say(context.screen.paint("all is well", "good"))
