"""`hivectl miners scan`: leave a wish for hive-discoverd, wait for what comes of it, and say it."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hived.cli.context import EXIT_FAILED, CommandContext, WrongUsage
from hived.cli.miners import address_order
from hived.cli.output.progress import Progress
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import ago, clean, counted
from hived.documents.miners import other_device
from hived.documents.shared import Json, rfc3339
from hived.errors import BadRequest, HivedError
from hived.records.commands import Command, networks
from hived.records.daemon import DISCOVERD, DaemonRow, alive
from hived.records.discovery import OtherDevice
from hived.records.miner_view import MinerView
from hived.services.commands import ask
from hived.services.miners.sweep import ranges_of
from hived.store import Database, Store, commands, daemon_rows
from hived.store.miners import discovery, views
from hived.store.nodes import nodes

LOOK_EVERY_S = 0.2
MOST_SHOWN = 20  # miners or other devices named one by one

_MINERS = (
    Column("ADDRESS", lambda view, _: view.ip),
    Column("MAC", lambda view, _: view.mac),
    Column("MODEL", lambda view, _: view.model_name or view.model_alias, least=8),
    Column("HOST NAME", lambda view, _: view.hostname, leaves=1, least=8),
    Column("STATE", lambda view, _: view.state),
)
_OTHER_DEVICES = (
    Column("ADDRESS", lambda device, _: device.ip),
    Column("WHAT", lambda device, _: Cell(device.kind, "warn")),
    Column("WHY", lambda device, _: device.reason, least=24),
    Column("NEXT", lambda device, _: other_device(device)["next_step"], leaves=1, least=24),
)


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
    meant = context.args.outside or (context.args.node is None and _is_meant(context, networks))
    async with context.store() as store:
        asked_at = context.clock()
        other = await store.read(_other, context.args.node)
        who = DISCOVERD if other is None else f"node {clean(other.name)}"
        if other is None:
            _must_run(await store.read(daemon_rows.daemons), asked_at)
        wish = {"targets": [str(one) for one in networks], "outside": meant}
        number = await store.write(ask, "scan", wish, context.by(), node_id=other.id if other else None)
        if not context.args.wait:
            return context.answer({"id": number, "done": False, "result": None}, f"{who} was asked to scan")
        with Progress(f"{who} scans {_what(networks)}") as progress:
            done = await _done(context, store, number, progress, here=other is None)
        seen = await store.read(_seen, networks, asked_at, other.id if other else None)
    result = (done.result or {}) if done is not None else {}
    if context.json:
        context.screen.document(_document(number, wish, done, seen))
    if done is None:
        goes_on = "goes on, `hivectl status` shows it" if other is None else "hears of it with its next contact"
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


def _is_meant(context: CommandContext, wanted: list[ipaddress.IPv4Network]) -> bool:
    """Ask whether networks that are not swept may be looked at; False: all of them are. WrongUsage for a no."""
    own = context.config.network
    outside = ranges_of(own.subnets, own.exclude).outside(wanted)
    if not outside:
        return False
    names = ", ".join(map(str, outside))
    if context.confirm(f"{names}: not in network.subnets of {context.config_file}. Scan all the same?"):
        return True
    raise WrongUsage(
        f"{names} is outside of network.subnets in {context.config_file}: add --outside if that is intended"
    )


def _must_run(rows: list[DaemonRow], now: float) -> None:
    row = next((one for one in rows if one.name == DISCOVERD), None)
    if row is None or not alive(row.beat_at, now):
        heard = f"last heard of {ago(row.beat_at, now)}" if row else "it has never run"
        raise HivedError(f"{DISCOVERD} is not running ({heard}), so nobody would scan: systemctl start {DISCOVERD}")


def _other(db: Database, text: str | None) -> Other | None:
    """Return the node that is meant; None: this one."""
    node_id = None if text is None else nodes.find(db, text)
    return None if node_id is None or node_id == nodes.own_id(db) else Other(node_id, nodes.name_of(db, node_id))


async def _done(
    context: CommandContext, store: Store, number: int, progress: Progress, *, here: bool = True
) -> Command | None:
    """Return the command once it is done, None when the time is over. HivedError when the daemon ends meanwhile."""
    began = time.monotonic()
    while True:
        found = await store.read(commands.command, number)
        if found is not None and found.done_at is not None:
            return found
        waited = time.monotonic() - began
        left = context.args.wait - waited
        if left <= 0:
            return None
        if here:
            _must_run(await store.read(daemon_rows.daemons), context.clock())
        progress.show(f": {waited:.0f} s")
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
    title = "Miners there" if networks else "New miners"
    _table(context, title, _MINERS, seen.miners, more=": hivectl miners list")
    _table(context, "No miners that can be read", _OTHER_DEVICES, seen.other_devices)


def _table(
    context: CommandContext, title: str, columns: Sequence[Column], things: Sequence[Any], more: str = ""
) -> None:
    if not things:
        return
    context.screen.say()
    context.screen.say(context.screen.paint(title, "bold"))
    draw(context.screen, columns, things[:MOST_SHOWN], context.clock(), indent="  ")
    if len(things) > MOST_SHOWN:
        context.screen.say(f"  and {len(things) - MOST_SHOWN} more{more}")


def _what(networks: list[ipaddress.IPv4Network]) -> str:
    names = ", ".join(str(network).removesuffix("/32") for network in networks[:3])
    return names + (", ..." if len(networks) > 3 else "") or "the configured networks"
