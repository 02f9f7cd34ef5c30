"""`hivectl miners scan`: leave a wish for hive-discoverd, wait for what comes of it, and say it."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
import time
from dataclasses import dataclass
from typing import Any

from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage
from hived.cli.miners import address_order
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import UNKNOWN, ago, clean, counted, one_line
from hived.documents.miners import other_device
from hived.documents.shared import Json, rfc3339
from hived.errors import BadRequest, HivedError
from hived.records.commands import Command, networks
from hived.records.daemon import DISCOVERD, DaemonRow, alive
from hived.records.discovery import OtherDevice
from hived.records.miner_view import MinerView
from hived.services.commands import ask
from hived.store import Database, Store, commands, daemon_rows
from hived.store.miners import discovery, views
from hived.store.nodes import nodes

LOOK_EVERY_S = 0.2
MOST_SHOWN = 20  # miners or other devices named one by one

_MINERS = (
    Column("ADDRESS"),
    Column("MAC"),
    Column("MODEL", least=8),
    Column("HOST NAME", leaves=1, least=8),
    Column("STATE"),
)
_OTHER_DEVICES = (Column("ADDRESS"), Column("WHAT"), Column("WHY", least=24), Column("NEXT", leaves=1, least=24))


@dataclass(frozen=True, slots=True)
class Other:
    """The node that is to look."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the scan brought to light: miners that are new, or all when targets were named; other devices likewise."""

    miners: list[MinerView]
    other_devices: list[OtherDevice]


async def scan(context: CommandContext) -> int:
    """Ask for a scan, here or of another node, wait up to --wait seconds, print the result; 1 when it was not done."""
    networks = _networks(context.args.targets)
    if not networks and context.args.node is None and not context.config.network.subnets:
        raise WrongUsage(
            f"network.subnets is empty in {context.config_file}: nothing is known to scan; name an address or a network"
        )
    async with context.store() as store:
        asked_at = context.clock()
        other = await store.read(_other, context.args.node)
        who = DISCOVERD if other is None else f"node {clean(other.name)}"
        if other is None:
            _must_run(await store.read(daemon_rows.daemons), asked_at)
        wish = {"targets": [str(one) for one in networks]}
        number = await store.write(ask, "scan", wish, context.by(), node_id=other.id if other else None)
        if not context.args.wait:
            return _left(context, number, who)
        with _Progress(networks, who) as progress:
            done = await _done(context, store, number, progress, here=other is None)
        seen = await store.read(_seen, networks, asked_at, other.id if other else None)
    result = (done.result or {}) if done is not None else {}
    if context.json:
        context.screen.document(_document(number, wish, done, seen))
    if done is None:
        goes_on = "goes on, `hivectl status` shows it" if other is None else "is told with its next contact"
        context.note(f"hivectl: not done after {context.args.wait:g} s; {who} {goes_on}")
        return EXIT_FAILED
    if "error" in result:
        context.note(f"hivectl: {result['error']}")
        return EXIT_FAILED
    if not context.json:
        _print(context, networks, result, seen)
    return 0


def _networks(targets: list[str]) -> list[ipaddress.IPv4Network]:
    try:
        return networks("targets", targets)
    except BadRequest as err:
        raise WrongUsage(str(err).removeprefix("targets: ")) from err


def _must_run(rows: list[DaemonRow], now: float) -> None:
    row = next((one for one in rows if one.name == DISCOVERD), None)
    if row is None or not alive(row.beat_at, now):
        heard = f"last heard of {ago(row.beat_at, now)}" if row else "it has never run"
        raise HivedError(f"{DISCOVERD} does not run ({heard}), so nobody would scan: systemctl start {DISCOVERD}")


def _other(db: Database, text: str | None) -> Other | None:
    """Return the node that is meant; None: this one."""
    node_id = None if text is None else nodes.find(db, text)
    return None if node_id is None or node_id == nodes.own_id(db) else Other(node_id, nodes.name_of(db, node_id))


async def _done(
    context: CommandContext, store: Store, number: int, progress: _Progress, *, here: bool = True
) -> Command | None:
    """Return the command once it is done, None when the time is over. HivedError when the daemon ends meanwhile."""
    deadline = time.monotonic() + context.args.wait
    while True:
        found = await store.read(commands.command, number)
        if found is not None and found.done_at is not None:
            return found
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        if here:
            _must_run(await store.read(daemon_rows.daemons), context.clock())
        progress.step()
        await asyncio.sleep(min(LOOK_EVERY_S, left))


def _seen(db: Database, networks: list[ipaddress.IPv4Network], since: float, node_id: str | None = None) -> Seen:
    """Read who is there. Without targets the fleet is known: only what is new is worth a line.

    What another node saw comes with what it sends next.
    """
    if node_id is not None:
        return Seen([], [])

    def meant(ip: str | None) -> bool:
        return ip is not None and any(ipaddress.IPv4Address(ip) in network for network in networks)

    own = [v for v in views.miners(db) if not v.remote]
    miners = [v for v in own if v.created_at >= since or (meant(v.ip) and (v.seen_at or 0.0) >= since)]
    other_devices = [
        s for s in discovery.other_devices(db) if s.last_seen_at >= since and (meant(s.ip) or s.first_seen_at >= since)
    ]
    return Seen(sorted(miners, key=address_order), other_devices)


def _left(context: CommandContext, number: int, who: str) -> int:
    if context.json:
        context.screen.document({"id": number, "done": False, "result": None})
    else:
        context.screen.say(f"{who} was asked to scan")
    return 0


def _document(number: int, wish: dict[str, Any], done: Command | None, seen: Seen) -> Json:
    return {
        "id": number, "args": wish, "done": done is not None, "result": done.result if done else None,
        "done_at": rfc3339(done.done_at if done else None), "miners": [v.mac for v in seen.miners],
        "strangers": [other_device(one) for one in seen.other_devices],
    }  # fmt: skip


def _print(context: CommandContext, networks: list[ipaddress.IPv4Network], result: dict[str, Any], seen: Seen) -> None:
    say = context.screen.say
    counts = {
        name: int(result.get(name) or 0) for name in ("addresses", "responders", "miners", "strangers", "unreadable")
    }
    say(
        f"{counted(counts['addresses'], 'address', 'addresses')} tried, {counts['responders']:,} answered: "
        f"{counted(counts['miners'], 'miner')}, {counted(counts['strangers'], 'other device')}, "
        f"{counts['unreadable']:,} unreadable"
    )
    if networks and not counts["addresses"]:
        say("nothing was tried: these addresses are excluded (network.exclude), or they are this host's own")
    if seen.miners:
        say()
        say(context.screen.paint("Miners there" if networks else "New miners", "bold"))
        rows = [
            [
                v.ip or UNKNOWN,
                v.mac,
                v.model_name or v.model_alias or UNKNOWN,
                v.hostname or UNKNOWN,
                v.state or UNKNOWN,
            ]
            for v in seen.miners[:MOST_SHOWN]
        ]
        draw(context.screen, _MINERS, rows, indent="  ")
        if len(seen.miners) > MOST_SHOWN:
            say(f"  and {len(seen.miners) - MOST_SHOWN} more: hivectl miners list")
    if seen.other_devices:
        say()
        say(context.screen.paint("No miners that can be read", "bold"))
        draw(
            context.screen,
            _OTHER_DEVICES,
            [
                [s.ip, Cell(s.kind, "warn"), s.reason, other_device(s)["next_step"] or UNKNOWN]
                for s in seen.other_devices[:MOST_SHOWN]
            ],
            indent="  ",
        )
        if len(seen.other_devices) > MOST_SHOWN:
            say(f"  and {len(seen.other_devices) - MOST_SHOWN} more")


class _Progress:
    """Says on standard error what is waited for: a line that counts the seconds on a terminal, one line elsewhere."""

    def __init__(self, networks: list[ipaddress.IPv4Network], who: str) -> None:
        what = ", ".join(str(one).removesuffix("/32") for one in networks[:3]) + (", ..." if len(networks) > 3 else "")
        self._text = clean(f"{who} scans {what or 'the configured networks'}")
        self._live = sys.stderr.isatty()
        self._began = time.monotonic()
        self._said = -1

    def __enter__(self) -> _Progress:
        if not self._live:
            sys.stderr.write(f"{one_line(self._text)}\n")
            sys.stderr.flush()
        return self

    def step(self) -> None:
        """Count the seconds."""
        seconds = int(time.monotonic() - self._began)
        if self._live and seconds != self._said:
            self._said = seconds
            sys.stderr.write(f"\r{self._text}: {seconds} s")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
