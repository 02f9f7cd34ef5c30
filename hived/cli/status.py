"""`hivectl status`: how this site is doing and what to do next, in one look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hived import __version__
from hived.cli import peers, uplink
from hived.cli.context import EXIT_FAILED, CommandContext
from hived.cli.daemons import DaemonState, all_daemons, moment
from hived.cli.output.text import ago, clean, counted, cut, hashrate, number, size, span, terahash, watts, width
from hived.cli.troubles import Shared, node_troubles, sick, troubles
from hived.documents import appliance
from hived.documents import nodes as node_documents
from hived.documents.fleet import FleetDocument, fleet
from hived.documents.shared import rfc3339
from hived.errors import problem
from hived.records.condition import Moment, condition
from hived.records.discovery import Sweep
from hived.records.host import HostTrouble
from hived.records.miner_view import MinerView
from hived.records.node import BlindNode, NodeView
from hived.records.peers import Peer
from hived.records.totals import Totals, totals
from hived.services.alerts import audience
from hived.services.alerts.audience import STEP, Audience, sentence
from hived.services.appliance.host_troubles import host_troubles, stored_troubles
from hived.store import Database, daemon_rows, node_rows
from hived.store.engine import dialect
from hived.store.miners import discovery, views
from hived.store.miners import fleet as stored_fleet
from hived.store.nodes import contacts
from hived.store.nodes import peers as stored_peers

MOST_ERRORS = 5
LABEL = 14  # columns of a line's name


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is read from the database, of one moment."""

    moment: Moment
    views: list[MinerView]
    daemons: list[DaemonState]
    sweeps: list[Sweep]
    others: dict[str, int]
    peers: list[Peer]
    database: str
    bytes: int
    log_bytes: int | None
    """None: the log belongs to a server."""
    blind: tuple[BlindNode, ...]
    """Nodes that do not watch their miners."""
    master: uplink.Standing
    host: list[HostTrouble]
    nodes: list[NodeView]
    audience: Audience
    """Open alerts that nobody has in hand, and who hears of new ones."""


async def status(context: CommandContext) -> int:
    """Print the overview; 1 when anything of it needs a look: a daemon, this box, a miner or a node."""
    async with context.store() as store:
        facts = await store.read(_read, context, context.node_id(), store.path)
    total, nodes = totals([(view, condition(view, facts.moment)) for view in facts.views])
    wrong = troubles(facts.views, facts.moment)
    if context.json:
        context.screen.document(
            _document(context, facts, fleet(total, nodes, facts.others, _swept(facts), facts.blind), wrong)
        )
    else:
        for line in _Words(context, facts, total, wrong).lines():
            context.screen.say(line)
    return 0 if _is_well(facts, wrong) else EXIT_FAILED


def _is_well(facts: Facts, wrong: list[Shared]) -> bool:
    daemons = all(one.alive for one in facts.daemons)
    return daemons and not facts.host and not node_troubles(facts.nodes, facts.moment.now) and not sick(wrong)


def _read(db: Database, context: CommandContext, node_id: str, path: Path | None) -> Facts:
    when = moment(db, context)
    sizes = dialect.sizes(db)
    return Facts(
        moment=when, views=views.miners(db), daemons=all_daemons(daemon_rows.daemons(db), when.now),
        sweeps=discovery.sweeps(db, limit=2), others=stored_fleet.other_device_kinds(db), peers=stored_peers.rows(db),
        database=db.name, bytes=sizes[0], log_bytes=sizes[1],
        blind=node_rows.blind(db), master=uplink.read(db, node_id, when.now, context.config.syncd.master),
        host=[*host_troubles(path), *stored_troubles(db)], nodes=contacts.listing(db),
        audience=audience.read(db, context.config.alerts),
    )  # fmt: skip


class _Words:
    """The overview for people."""

    def __init__(self, context: CommandContext, facts: Facts, total: Totals, wrong: list[Shared]) -> None:
        self.context, self.facts, self.total, self.wrong, self.now = context, facts, total, wrong, facts.moment.now
        self.paint = context.screen.paint

    def lines(self) -> Iterator[str]:
        node = self.context.config.node
        place = f", {clean(node.site)}" if node.site else ""
        yield f"{self.paint(clean(node.effective_name), 'bold')}{place} (hived {__version__}): {self._verdict()}"
        yield self._named("config", clean(str(self.context.config_file.absolute())))
        yield self._named("database", _database(self.facts))
        for one in self.facts.host:
            since = f" ({ago(one.at, self.now)})" if one.at is not None else ""
            yield self._named("trouble", self.paint(f"{clean(one.text)}{since}", "bad"))
            yield self._named("", f"next: {clean(one.step)}")
        yield from self._master()
        yield from self._alerts()
        yield ""
        yield from self._daemons()
        yield ""
        yield from self._network()
        yield ""
        yield from self._miners()
        if self.wrong:
            yield ""
            yield from self._errors()

    def _master(self) -> Iterator[str]:
        said = uplink.in_words(self.facts.master, self.context, self.now)
        if said is not None:
            yield self._named("master", self.paint(clean(said[0]), said[1]) if said[1] else clean(said[0]))
            if said[2]:
                yield self._named("", f"next: {clean(said[2])}")

    def _alerts(self) -> Iterator[str]:
        who = self.facts.audience
        bad, warn = who.open["bad"], who.open["warn"]
        if bad or warn:
            words = f"{bad + warn:,} open" + (f", {bad:,} of them bad" if bad and warn else "")
            yield self._named("alerts", self.paint(words, "bad" if bad else "warn") + ": hivectl alerts list")
        if not who.is_there:
            if bad or warn:
                yield self._named("", self.paint(sentence(who), "warn"))
                yield self._named("", f"next: {STEP}")
            else:
                yield self._named("alerts", sentence(who))

    def _verdict(self) -> str:
        if any(problem(one.kind).severity == "bad" for one in self.facts.host):  # the daemons cannot say that they run
            return self.paint(problem(self.facts.host[0].kind).words, "bad")
        down = [one.name for one in self.facts.daemons if not one.alive]
        if down:
            verb = "is" if len(down) == 1 else "are"
            names = " and ".join(filter(None, [", ".join(down[:-1]), down[-1]]))
            return self.paint(f"{names} {verb} not running", "bad")
        if self.facts.host:
            return self.paint(problem(self.facts.host[0].kind).words, "bad")
        if not self.facts.views:
            return self.paint("no miner was found yet", "warn")
        counts = [(len(node_troubles(self.facts.nodes, self.now)), "node"), (len(sick(self.wrong)), "miner")]
        need = [counted(count, what) for count, what in counts if count]
        if need:
            verb = "needs" if sum(count for count, _ in counts) == 1 else "need"
            return self.paint(f"{' and '.join(need)} {verb} a look", "warn")
        return self.paint("all is well", "good")

    def _named(self, name: str, text: str) -> str:
        return f"  {name:<{LABEL - 2}}{text}"

    def _wrapped(self, name: str, words: list[str]) -> Iterator[str]:
        """A line of parts, on as many lines as the terminal's width asks for."""
        room = (self.context.screen.width or 10_000) - LABEL
        line = ""
        for word in words:
            joined = f"{line}, {word}" if line else word
            if line and width(joined) > room:
                yield self._named(name, f"{line},")
                name, joined = "", word
            line = joined
        yield self._named(name, line)

    def _daemons(self) -> Iterator[str]:
        yield self.paint("Daemons", "bold")
        longest = max(len(one.name) for one in self.facts.daemons)
        for one in self.facts.daemons:
            if one.row is None:
                how = self.paint("has never run", "bad")
            elif not one.alive:
                how = f"{self.paint('is not running', 'bad')}, last heard of {ago(one.row.beat_at, self.now)}"
            else:
                said = clean(one.row.status)
                how = f"{self.paint('runs', 'good')} for {span(self.now - one.row.started_at)}: {said}"
            yield f"  {one.name:<{longest}}  {how}"
            step = one.document()["next_step"]
            if step is not None:
                yield f"  {'':<{longest}}  next: {clean(step)}"

    def _network(self) -> Iterator[str]:
        yield self.paint("Network", "bold")
        subnets = self.context.config.network.subnets
        if subnets:
            yield from self._wrapped("subnets", [str(one) for one in subnets])
        else:
            yield self._named("subnets", self.paint("none: nothing is scanned", "warn"))
            yield self._named("", f"next: set this in {clean(str(self.context.config_file))}")
            yield self._named("", "        network: {subnets: [192.168.1.0/24]}")
            yield self._named("", "      then: systemctl reload hive-discoverd")
        yield self._named("last sweep", self._sweep())
        kinds = [f"{count:,} {clean(kind)}" for kind, count in self.facts.others.items()]
        if kinds:
            yield from self._wrapped("others", kinds)
        near = peers.in_words(self.facts.peers)
        if near:
            yield from self._wrapped("peers", near)
        yield from self._nodes()

    def _nodes(self) -> Iterator[str]:
        for one in node_troubles(self.facts.nodes, self.now):
            yield self._named("node", self.paint(clean(one.text), "warn"))
            yield self._named("", f"next: {clean(one.next_step)}")

    def _sweep(self) -> str:
        done = _swept(self.facts)
        if done is None or done.finished_at is None:
            return (
                f"the first one has run for {span(self.now - self.facts.sweeps[0].started_at)}"
                if self.facts.sweeps
                else "none yet"
            )
        return (
            f"{ago(done.finished_at, self.now)}: {counted(done.addresses, 'address', 'addresses')} in "
            f"{done.finished_at - done.started_at:.1f} s, {done.responders:,} answered, {counted(done.miners, 'miner')}"
            + (f" ({clean(done.note)})" if done.note else "")
        )

    def _miners(self) -> Iterator[str]:
        t = self.total
        yield self.paint("Miners", "bold")
        counts = [f"{t.miners:,} known"]
        counts += [f"{t.marks[mark]:,} {mark}" for mark in ("online", "hashing", "failing", "failure", "silent")]
        counts += [f"{t.marks[mark]:,} {mark}" for mark in ("unreadable", "offline", "unseen") if t.marks[mark]]
        yield from self._wrapped("", counts)
        if not self.facts.views:
            return
        yield from self._wrapped("states", [f"{count:,} {clean(state)}" for state, count in t.states.items()])
        yield self._named("hashrate", hashrate(t.hashrate_hs, t.expected_hs))
        if t.lost:
            yield from self._wrapped(
                "lost", [f"{terahash(hs)} TH/s {reason} ({counted(n, 'miner')})" for reason, hs, n in t.lost]
            )
        if t.unseen:
            since = f"since {rfc3339(t.unseen_since)} ({ago(t.unseen_since, self.now)})" if t.unseen_since else "so far"
            yield self._named("unknown", f"{terahash(t.unseen_hs)} TH/s {since} ({counted(t.unseen, 'miner')})")
        if t.power_w is not None:
            yield self._named("power", watts(t.power_w))
        if t.efficiency_j_per_th is not None:
            yield self._named("efficiency", f"{number(t.efficiency_j_per_th, 1)} J/TH")

    def _errors(self) -> Iterator[str]:
        more = len(self.wrong) - MOST_ERRORS
        title = "Newest errors" + (
            f" ({MOST_ERRORS} of {len(self.wrong)}; more: hivectl miners list --sort worst)" if more > 0 else ""
        )
        yield self.paint(title, "bold")
        for shared in self.wrong[:MOST_ERRORS]:
            one = shared.trouble
            when = ago(one.at, self.now) if one.at is not None else "now"
            room = (self.context.screen.width or 10_000) - LABEL
            text = cut(f"{_who(shared)}: {clean(one.text)}", room)
            yield f"  {when:<{LABEL - 2}}{self.paint(text, 'dim' if one.over else 'bad')}"
            yield self._named("", f"next: {clean(one.next_step)}" if not one.over else "it is over")


def _swept(facts: Facts) -> Sweep | None:
    """Return the last sweep that came to its end."""
    return next((one for one in facts.sweeps if one.finished_at is not None), None)


def _who(one: Shared) -> str:
    names = [view.name for view in one.miners]
    if len(names) == 1:
        name = one.miners[0].hostname
        return names[0] + (f" ({clean(name)})" if name and name != names[0] else "")
    return f"{len(names)} miners ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _database(facts: Facts) -> str:
    log = f" and {size(facts.log_bytes)} of log" if facts.log_bytes is not None else ""
    return f"{clean(facts.database)}, {size(facts.bytes)}{log} (integrity not checked)"


def _document(context: CommandContext, facts: Facts, sums: FleetDocument, wrong: list[Shared]) -> dict[str, Any]:
    path = context.config.database.sqlite_path
    return {
        "ok": _is_well(facts, wrong),
        "at": rfc3339(facts.moment.now),
        "node": context.config.node.effective_name,
        "site": context.config.node.site,
        "version": __version__,
        "config": str(context.config_file),
        "database": {"path": path and str(path), "bytes": facts.bytes, "wal_bytes": facts.log_bytes},
        "daemons": [one.document() for one in facts.daemons],
        "problems": [appliance.problem(one) for one in facts.host],
        "subnets": [str(one) for one in context.config.network.subnets],
        "peers": [node_documents.peer(one) for one in facts.peers],
        "master": uplink.document(facts.master),
        "nodes": [
            {"text": one.text, "next": one.next_step, "at": rfc3339(one.at)}
            for one in node_troubles(facts.nodes, facts.moment.now)
        ],
        "alerts": {**facts.audience.open, "channels": len(facts.audience.channels)},
        "fleet": sums,
        "errors": [
            {
                "text": one.trouble.text, "next": one.trouble.next_step, "at": rfc3339(one.trouble.at),
                "over": one.trouble.over, "miners": [v.mac for v in one.miners],
            }
            for one in wrong
        ],
    }  # fmt: skip
