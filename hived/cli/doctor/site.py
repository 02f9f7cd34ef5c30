"""`hivectl doctor`: daemons, database, dashboard, miners, master and model."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from hived import __version__
from hived.cli import peers as peer_words
from hived.cli import uplink
from hived.cli.context import CommandContext
from hived.cli.daemons import DaemonState, all_daemons, moment
from hived.cli.doctor.words import TRY_S, Check, fail, ok, output, warn
from hived.cli.output.text import ago, counted, size, span
from hived.cli.troubles import node_troubles, sick, troubles
from hived.clients.ollama.client import OllamaClient
from hived.clients.ollama.parse import ModelMissing
from hived.errors import Refused, Transient
from hived.records.condition import Trouble
from hived.records.daemon import APID, MINERD, POLLD, DaemonRow, alive
from hived.records.host import HostTrouble
from hived.records.peers import Peer
from hived.services.alerts import audience
from hived.services.alerts.audience import Audience
from hived.services.appliance.host_troubles import stored_troubles
from hived.services.appliance.retain import PRUNE_EVERY_S
from hived.services.appliance.trusted_clock import JUMP_S
from hived.services.miners.sweep import ranges_of
from hived.store import Database, daemon_rows
from hived.store.collecting import collector
from hived.store.engine import dialect
from hived.store.engine.damage import TOO_LARGE, proof
from hived.store.miners import history, views
from hived.store.nodes import contacts
from hived.store.nodes import peers as stored_peers

SAMPLE = 3
"""So many miners are tried, over the port that they are polled by all the time."""
SKEW_S = 5.0
YOUNG_S = 60.0
_FAILING = re.compile(r"(?:^|; )([a-z -]+ failed \d+ times?: [^;]*)")
_UNITS = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"), Path("/etc/systemd/system"))
RUNNING = Path("/run/systemd/system")
RESTARTS = 3
_PROPERTIES = "LoadState,ActiveState,SubState,Result,NRestarts,StatusText"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks need from the database."""

    daemons: list[DaemonRow]
    addresses: list[str]
    """Of local miners that are online."""
    peers: list[Peer]
    master: uplink.Standing
    name: str
    bytes: int
    path: Path | None
    collects: bool
    model_says: str | None
    """What keeps the model from describing, as hive-minerd told while it ran."""
    sick: int
    """Miners that need a look."""
    nodes: list[Trouble]
    stored: list[HostTrouble]
    audience: Audience
    """Who hears of alerts."""
    sure_at: float | None
    """When hive-polld was last sure of the time."""


def read(db: Database, node_id: str, context: CommandContext) -> Facts:
    """Return it, of one moment."""
    when, wanted, known = moment(db, context), context.config.syncd.master, views.miners(db)
    now, collecting = when.now, collector.state(db)
    return Facts(
        daemons=daemon_rows.daemons(db),
        addresses=[one.ip for one in known if one.online and one.ip and one.node_id == node_id],
        peers=stored_peers.rows(db), master=uplink.read(db, node_id, now, wanted),
        name=db.name, bytes=dialect.sizes(db)[0],
        path=Path(db.name) if db.kind == "sqlite" else None,
        collects=collecting.wanted, model_says=collecting.model_state,
        sick=len(sick(troubles(known, when))), nodes=node_troubles(contacts.listing(db), now),
        audience=audience.read(db, context.config.alerts), sure_at=history.sure_until(db), stored=stored_troubles(db),
    )  # fmt: skip


def database(facts: Facts) -> Iterator[Check]:
    """Whether it is whole: as far as it can be read in ten seconds."""
    flaw = proof(facts.path) if facts.path is not None else ""
    if flaw not in ("", TOO_LARGE):
        step = "hivectl restore FILE; without a backup, systemctl restart hived.target starts a new one"
        yield fail("database", f"{facts.name} is damaged: {flaw}", step)
        return
    whole = ", too large to be checked now" if flaw else ", whole" if facts.path else ""
    for one in facts.stored:
        yield fail("database", one.text, one.step)
    yield ok("database", f"{facts.name}, {size(facts.bytes)}, schema as this hived has it{whole}")


def doubt(context: CommandContext, facts: Facts) -> Iterator[Check]:
    """Whether the clock has jumped lately, so that history does not age."""
    now, sure_at = context.clock(), facts.sure_at
    row = next((one for one in facts.daemons if one.name == POLLD), None)
    if row is None or sure_at is None or not alive(row.beat_at, now) or abs(now - row.started_at) < 3 * PRUNE_EVERY_S:
        return
    if abs(now - sure_at) > JUMP_S:
        how = f"{span(abs(now - sure_at))} {'ahead of' if now > sure_at else 'behind'} what it was"
        text = f"it has jumped, {how}: nothing is summed up or deleted by age until it has been steady for an hour"
        yield warn("clock", text, "timedatectl; when it is wrong: timedatectl set-ntp true")


async def daemons(context: CommandContext, facts: Facts) -> list[Check]:
    """Each that should run: whether it does, what fails in it, how often it was restarted."""
    found = all_daemons(facts.daemons, context.clock())
    if APID not in {one.name for one in found} and _has_dashboard():
        found.append(DaemonState(APID, alive=False, row=None))
    return [await _daemon(one, context.clock()) for one in found]


def _has_dashboard() -> bool:
    return any((folder / f"{APID}.service").exists() for folder in _UNITS)


async def _daemon(one: DaemonState, now: float) -> Check:
    name, row = one.name, one.row
    unit = await _unit(name)
    why = f"journalctl -u {name} -n 50"
    restarts = int(unit["NRestarts"]) if unit.get("NRestarts", "").isdecimal() else 0
    if unit.get("ActiveState") == "failed":
        text = f"is not running, and systemd gave up: {unit.get('Result', 'unknown')}"
        return fail(name, text, f"{why}; then systemctl reset-failed {name}; systemctl start {name}")
    if unit.get("ActiveState") == "activating":
        waits = unit.get("StatusText") or "not ready yet"
        again = f"ended by itself, and systemd starts it again: {counted(restarts, 'time')} so far"
        return warn(name, again if unit.get("SubState") == "auto-restart" else f"is starting: {waits}", why)
    if row is None:
        if unit.get("ActiveState") == "active":
            return ok(name, "has just started")
        return fail(name, "has never run", f"systemctl enable --now {name}; {why}")
    # Its row is good for half a minute after its end. One that somebody runs by hand has a process.
    gone = unit.get("ActiveState") == "inactive" and not psutil.pid_exists(row.pid)
    if not one.alive and unit.get("ActiveState") == "active" and unit.get("StatusText"):
        return fail(name, f"runs, but does not get on: {unit['StatusText']}", why)
    if gone or not one.alive:
        text = f"is not running, last heard of {ago(row.beat_at, now)}"
        return fail(name, text, f"systemctl start {name}; {why}")
    up = now - row.started_at
    if restarts >= RESTARTS and up < 3600:
        return warn(name, f"runs for {span(up)}, after {restarts} restarts by systemd", why)
    if row.version != __version__:
        return warn(name, f"runs, but it is still {row.version}", f"systemctl restart {name}")
    failing = _FAILING.search(row.status)
    if failing is not None:
        return warn(name, f"runs, but {failing[1]}", why)
    return ok(name, f"runs for {span(up)}: {row.status}" if up > YOUNG_S else f"has started {span(up)} ago")


async def _unit(name: str) -> dict[str, str]:
    """Return what systemd says of a unit; nothing where there is none."""
    systemd = await asyncio.to_thread(RUNNING.is_dir)
    text = await output("systemctl", "show", name, "-p", _PROPERTIES) if systemd else None
    values = dict(line.split("=", 1) for line in (text or "").splitlines() if "=" in line)
    return values if values.get("LoadState") == "loaded" else {}


async def dashboard(context: CommandContext, facts: Facts) -> list[Check]:
    """Whether hive-apid answers at http.addr, or who else has the port."""
    where, name = context.config.http.addr, "dashboard"
    known = {daemon.name: daemon for daemon in all_daemons(facts.daemons, context.clock())}
    if APID not in known and not _has_dashboard():
        return [ok(name, "none on this box: it is the master's, or in the package hived-master")]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(where.host, where.host)  # noqa: S104 - compared
    scheme = "http" if context.config.http.tls == "off" else "https"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{where.port}"
    log = f"journalctl -u {APID} -n 50"
    status = await _healthz(url)
    running = APID in known and known[APID].alive
    if status == 200:
        return [ok(name, f"answers at {url}")]
    if status is not None and running:
        return [fail(name, f"{url} answers {status}: hive-apid is not well", f"curl -s {url}/healthz; {log}")]
    if not running and (status is not None or await _taken(host, where.port)):
        step = f"ss -ltnp 'sport = :{where.port}'; stop it or set http.addr in {context.config_file}"
        return [fail(name, f"another program has {where}", step)]
    return [fail(name, f"nobody answers at {url}", f"systemctl start {APID}; {log}")]


async def _healthz(url: str) -> int | None:
    own = ssl.create_default_context()
    own.check_hostname, own.verify_mode = False, ssl.CERT_NONE  # it is this box, and nothing is told to it
    timeout = aiohttp.ClientTimeout(total=TRY_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{url}/healthz", ssl=own, allow_redirects=False) as reply,
        ):
            return reply.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def _taken(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(TRY_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def miners(context: CommandContext, facts: Facts) -> list[Check]:
    """Whether the port of a few miners can be reached: those that are known, and may be touched."""
    network = context.config.network
    scanned = ranges_of(network.subnets, network.exclude)
    sample = [ip for ip in facts.addresses if scanned.allows(ip)][:SAMPLE]
    if not sample:
        step = "hivectl miners scan; hivectl status says what answers instead"
        return [warn("miners", "none is known to be online", step)] if network.subnets else []
    reached = await asyncio.gather(*(_taken(ip, network.port) for ip in sample))
    silent = [ip for ip, answered in zip(sample, reached, strict=True) if not answered]
    tried = f"{len(sample) - len(silent)} of {len(sample)} that were tried take a connection to port {network.port}"
    if silent:
        return [warn("miners", f"{tried}, not {', '.join(silent)}", f"ping -c 3 {silent[0]}; ip route get {silent[0]}")]
    online = f"{counted(len(facts.addresses), 'miner')} online; {tried}"
    if facts.sick:
        verb = "needs" if facts.sick == 1 else "need"
        return [warn("miners", f"{facts.sick:,} {verb} a look; {online}", "hivectl status")]
    return [ok("miners", online)]


def nodes(facts: Facts) -> Iterator[Check]:
    """The nodes of a master that are away, and those that ask to join."""
    return (warn("nodes", trouble.text, trouble.next_step) for trouble in facts.nodes)


def master(context: CommandContext, facts: Facts) -> Iterator[Check]:
    """How this node stands to its master, and the clocks of the two."""
    standing, off = uplink.in_words(facts.master, context, context.clock()), context.config.syncd.master == "off"
    text, tone, step = standing or (
        ("off: syncd.master says so", None, None) if off
        else ("none yet: what this node learns stays here", "warn", "hivectl join URL CODE, or set syncd.master: off")
    )  # fmt: skip
    kind = fail if tone == "bad" else warn if tone == "warn" and not off else ok
    yield kind("master", text, None if kind is ok else step or "journalctl -u hive-syncd -n 50")
    if standing is None:
        return
    skew = facts.master.link.skew_s
    if skew is not None and abs(skew) > SKEW_S:
        way = "behind" if skew > 0 else "ahead of"
        yield warn("clock", f"this clock is {abs(skew):.0f} s {way} the master's", "timedatectl set-ntp true, on both")


def near(context: CommandContext, facts: Facts) -> Iterator[Check]:
    """The other boxes."""
    if not context.config.discoverd.zeroconf:
        return
    words = peer_words.in_words(facts.peers)
    yield ok("peers", ", ".join(words) if words else "no other box was seen so far")


def _runs(name: str, facts: Facts, now: float) -> bool:
    return any(one.name == name and alive(one.beat_at, now) for one in facts.daemons)


async def model(context: CommandContext, facts: Facts | None) -> list[Check]:
    """Whether the model can be asked. Without it artifacts are kept and wait."""
    own = context.config.ollama
    used = context.config.minerd.autostart or (facts is not None and facts.collects)
    async with OllamaClient(own.host, own.model, timeout_s=TRY_S) as client:
        try:
            async with asyncio.timeout(TRY_S):
                await client.digest()
        except ModelMissing as err:
            error, step = str(err), "hivectl model pull"
        except (Refused, Transient, TimeoutError) as err:
            error, step = str(err) or "no answer", "systemctl status ollama; see ollama.host in the configuration"
        else:
            if facts is not None and facts.model_says and _runs(MINERD, facts, context.clock()):
                return [warn("model", facts.model_says, "set another one as ollama.model in the configuration")]
            return [ok("model", f"{own.model} is ready at {client.host}")]
    if used:
        return [warn("model", f"{error}: artifacts wait for their descriptions", step)]
    return [ok("model", f"not needed while the auto-miner rests ({error})")]
