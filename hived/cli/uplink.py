"""`hivectl join`, `leave`, `rotate-key` and `sync`: this node and its master."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from urllib.parse import urlsplit

from hived import __version__
from hived.cli import daemons
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import clean, counted, local_time
from hived.clients.master.errors import KeyTaken, NoTls, NotWelcome, OtherKey
from hived.documents.shared import Json, rfc3339
from hived.errors import HivedError, NotFound, Refused, Transient, next_step, problem
from hived.records.daemon import SYNCD
from hived.records.enrolling import AUTO, OFF, EnrollCode, MasterUrl, Offer, is_phrase, master_url, same_place
from hived.records.net import is_loopback
from hived.records.streams import behind as waiting
from hived.records.untrusted import BadValue
from hived.records.uplink import (
    ASKING,
    JOINED,
    LEFT,
    NONE,
    PIN_MISMATCH,
    REFUSED,
    WITH_MASTER,
    DeadLetter,
    Identity,
    Uplink,
)  # fmt: skip
from hived.services.nodes import membership
from hived.services.nodes.join import Joiner, offers
from hived.services.nodes.prove import find_over_tls
from hived.services.nodes.uplink_words import in_words as words_of
from hived.store import Database, Store
from hived.store.nodes import contested, dead_letters, peers, streams, uplink

_COLUMNS = (
    Column("STREAM", lambda row, _: row.stream),
    Column("NUMBER", lambda row, _: str(row.seq), right=True),
    Column("SINCE", lambda row, _: local_time(row.at), leaves=1),
    Column("WHAT", lambda row, _: row.what, least=16),
    Column("WHY THE MASTER DOES NOT TAKE IT", lambda row, _: Cell(row.reason, "warn"), least=24),
)

_CODES = {ASKING: "master_asked", REFUSED: "master_refused", PIN_MISMATCH: "master_other_key"}
"""What each state of the way to the master means; joined and none mean what their last error means."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How this node stands to its master. `behind`: rows that wait, by stream; `aside`: that it does not take;
    `offered`: masters that it could join; `others`: MACs of miners that this node sees and the master has from another.
    """

    link: Uplink
    is_master: bool
    behind: dict[str, int]
    aside: int
    offered: tuple[Offer, ...] = ()
    others: tuple[str, ...] = ()


def read(db: Database, node_id: str, now: float, wanted: str) -> Standing:
    """Return how this node stands to its master."""
    link, aside = uplink.get(db), dead_letters.counts(db)
    behind: dict[str, int] = {}
    if link.state in WITH_MASTER:
        held = uplink.points(db, str(link.master_id))
        lags = streams.lags(db, node_id=node_id, held=held, count=True)
        behind = waiting(lags, held, aside)
    is_master = uplink.is_master(db, node_id, now, named=wanted not in (AUTO, OFF))
    offered = [one for one in offers(wanted, node_id, peers.masters(db)) if not same_place(one.url, link.url)]
    return Standing(link, is_master, behind, sum(aside.values()), tuple(offered), tuple(contested.macs(db)))


def in_words(standing: Standing, context: CommandContext, now: float) -> tuple[str, str | None, str | None] | None:
    """Return (what to say, its tone, what to do next); None for a node that never had to do with a master."""
    link = standing.link
    if standing.is_master:
        return "this box is the master", None, None
    offered = standing.offered
    if link.state in (NONE, LEFT) and not link.last_error:
        step = next_step("master_offered", url=offered[0].url) if offered and link.state == NONE else None
        said = words_of(link, behind=0, now=now, failing=False, offered=offered)
        return (said, "warn", step) if step or link.state == LEFT else None
    if context.config.syncd.master == OFF:
        return "off: syncd.master says so", "warn", None
    said = words_of(link, behind=sum(standing.behind.values()), now=now, failing=link.last_error is not None)
    code, tone = _CODES.get(link.state), "good"
    if link.state == ASKING and link.consent is None:
        code = "master_unconfirmed"
    if code is None and link.last_error:
        code = link.last_error_code or "transient"
        said += f": {link.last_error}" if link.state == JOINED else ""
    if code is not None:
        tone = problem(code).severity
    elif standing.aside:
        code = "master_set_aside"
        said += f", {counted(standing.aside, 'row')} not taken"
    elif standing.others:
        code = "other_owner"
        said += f", {counted(len(standing.others), 'miner')} of another node there: {', '.join(standing.others[:3])}"
    if code is None and not link.tls:
        code, tone = "master_plain", "warn"
        said += ", without TLS"
    if code is None and link.state == JOINED and (other := _named_elsewhere(standing)):
        code, tone = "master_offered", "warn"
        said += f"; syncd.master names {other}"
        return said, tone, next_step(code, url=other)
    miner = standing.others[0] if standing.others else ""
    step = next_step(code, url=str(link.url), node=context.node_id(), miner=miner) if code else None
    return said, tone, step


def _named_elsewhere(standing: Standing) -> str | None:
    """Return the URL of the configuration that is not where the master is."""
    return next((one.url for one in standing.offered if one.name is None), None)


def document(standing: Standing) -> Json:
    """Return the same for programs."""
    link = standing.link
    return {
        "state": "master" if standing.is_master else link.state, "url": link.url, "node_id": link.master_id,
        "name": link.master_name, "phrase": link.phrase, "pin": link.pin, "fingerprint": link.fingerprint,
        "consent": link.consent, "offered": [one._asdict() for one in standing.offered],
        "since": rfc3339(link.since), "contact_at": rfc3339(link.ok_at),
        "key_since": rfc3339(link.keyed_at), "clock_ahead_s": link.skew_s, "error": link.last_error,
        "behind": standing.behind, "set_aside": standing.aside,
        "other_owner": list(standing.others),
    }  # fmt: skip


async def join(context: CommandContext) -> int:
    """Ask a master to let this node in; with a code it does so at once. With a phrase: say that it is the same."""
    wanted, typed = _wanted(context), context.args.code
    if typed is not None and is_phrase(typed):
        return await _confirm(context, wanted.url, typed)
    try:
        code = None if typed is None else EnrollCode.read(typed)
    except BadValue:
        raise WrongUsage(
            f"{typed[:60]!r} is neither a code of `hivectl enroll-code` nor a phrase: type all of it"
        ) from None
    node = context.config.node
    own = Identity(context.node_id(), node.effective_name, node.site, __version__)
    async with context.store() as store:
        if await store.read(peers.is_master, own.node_id, fresh_after=context.clock() - uplink.RETIRED_S):
            raise HivedError(
                "this box is a master itself: its own rows are there already. To make it a node, stop hive-apid for"
                f" good and come again after {uplink.RETIRED_S / 60:.0f} minutes"
            )
        known = await store.read(uplink.get)
        if code is None and known.state == JOINED:
            raise NotPossible(
                f"this node has joined {clean(known.master_name or str(known.url))}, and would send nothing until it is"
                " approved anew: `hivectl leave` first, or come with a code of `hivectl enroll-code`"
            )
        if code is not None and code.key is None and not is_loopback(urlsplit(wanted.url).hostname or ""):
            context.note("hivectl: this code names no certificate: anyone on the path could answer as the master")
        try:
            link = await Joiner(store, own, wanted=AUTO, clock=context.clock).ask(
                wanted, code=code, plain=context.args.plain
            )
        except NotWelcome as err:
            raise NotPossible(f"{err}: {_advice(code)}") from err
        except KeyTaken as err:
            raise NotPossible(f"{err}: try again") from err
        except OtherKey as err:
            raise NotPossible(
                f"{err}, not that of the {'code' if code else 'URL'}: nothing was said to it. Look for a typing error;"
                " else somebody is in between, or the master's key was made anew"
            ) from err
        except NoTls as err:
            raise NotPossible(f"{err}; {next_step(err.code, url=wanted.url)}") from err
        except (Transient, Refused) as err:
            raise NotPossible(f"{err}: is {wanted.url} what a browser shows the dashboard at?") from err
        await store.write(membership.joined, link, context.by())
        if link.consent is None and not context.json and _is_same(context, link):
            link = await store.write(membership.confirm, wanted.url, str(link.phrase), context.by())
        standing = await store.read(read, own.node_id, context.clock(), context.config.syncd.master)
        await _note_daemon(context, store)
    return context.answer(document(standing), *_asked(link, own.node_id))


async def _confirm(context: CommandContext, url: str, phrase: str) -> int:
    async with context.store() as store:
        link = await store.write(membership.confirm, url, phrase, context.by())
        standing = await store.read(read, context.node_id(), context.clock(), context.config.syncd.master)
        await _note_daemon(context, store)
    name = clean(str(link.master_name))
    return context.answer(
        document(standing),
        f"{name} may have this node: {SYNCD} sends as soon as it is approved there",
        f"  next  on the master: hivectl nodes approve {context.node_id()} {link.phrase}",
    )


def _is_same(context: CommandContext, link: Uplink) -> bool:
    name = clean(str(link.master_name))
    return context.confirm(f"{name} shows who asks to join on its page Nodes. Is the phrase there {link.phrase} too?")


def _asked(link: Uplink, node_id: str) -> list[str]:
    name = clean(str(link.master_name))
    lines = [f"asked {name} at {link.url} to let this node in"]
    if link.state == JOINED:
        lines = [f"joined {name} at {link.url}: {SYNCD} sends from now on"]
    lines.append(f"  phrase       {link.phrase}")
    if link.fingerprint:
        lines.append(f"  certificate  {link.fingerprint} (SHA-256): only its key is trusted from now on")
    if link.state == ASKING:
        lines.append("  next         compare the phrase with the one that the master shows; approve it there, or with")
        lines.append(f"               hivectl nodes approve {node_id} {link.phrase}")
        if link.consent is None:
            lines.append("               and say here that it is the same; nothing is sent before:")
            lines.append(f"               hivectl join {link.url} PHRASE")
    return lines


async def leave(context: CommandContext) -> int:
    """Forget the master."""
    async with context.store() as store:
        link = await store.write(membership.leave, context.by())
    return context.answer(
        {"left": link.master_id, "url": link.url},
        f"left {clean(link.master_name or str(link.url))}: nothing is sent until `hivectl join URL`",
        f"  next  on the master: hivectl nodes revoke {context.node_id()}",
    )


async def secure(context: CommandContext) -> int:
    """Go over to TLS with a master that was joined without."""
    node = context.config.node
    own = Identity(context.node_id(), node.effective_name, node.site, __version__)
    async with context.store() as store:
        link = await store.read(uplink.get)
        if link.key is None or link.state not in WITH_MASTER:
            raise NotFound("this node has joined no master: hivectl join URL CODE")
        said = "is reached over TLS already"
        if not link.tls:
            try:
                found = await find_over_tls(own, link)
            except (Transient, Refused) as err:
                step = f"see that {clean(str(link.master_name))} runs this version of hived, and try again"
                raise NotPossible(f"{err}: nothing was changed; {step}") from err
            await store.write(membership.secured, link, found, context.by())
            await _note_daemon(context, store)
            link = await store.read(uplink.get)
            said = f"has proven itself: {SYNCD} sends over TLS from now on, with a new key"
    trust = f"only the key {link.pin} (SHA-256) is trusted" if link.pin else "the system trusts its certificate"
    return context.answer(
        {"url": link.url, "pin": link.pin, "fingerprint": link.fingerprint},
        f"{clean(str(link.master_name))} {said}", f"  at  {link.url}: {trust}",
    )  # fmt: skip


async def rotate_key(context: CommandContext) -> int:
    """Have hive-syncd change the key."""
    async with context.store() as store:
        link = await store.write(membership.rotate_key, context.by())
        await _note_daemon(context, store)
    return context.answer(
        {"key_id": link.key.id if link.key else None, "changes": "with the next contact"},
        f"{SYNCD} changes the key with its next contact; its log says when",
    )


async def dead(context: CommandContext) -> int:
    """List what the master does not take, send it again or give it up."""
    args = context.args
    if args.seq is not None and args.stream is None:
        raise WrongUsage("a number belongs to a stream: name it")
    async with context.store() as store:
        if args.what == "retry":
            sent, stuck = await store.write(membership.retry, context.node_id(), context.by(), args.stream, args.seq)
            if stuck:
                context.note(f"hivectl: {counted(stuck, 'summary', 'summaries')} of past hours cannot be sent again")
            _must_be_some(sent + stuck, args)
            line = f"{counted(sent, 'row')} will be sent again"
            return context.answer({"sent_again": sent, "cannot_be": stuck}, line)
        if args.what == "drop":
            gone = await store.write(membership.drop, context.by(), args.stream, args.seq)
            _must_be_some(gone, args)
            return context.answer({"given_up": gone}, f"{counted(gone, 'row')} given up; they stay on this node")
        found = await store.read(dead_letters.rows)
    return context.listed(found, _dead_letter, _COLUMNS, "the master has taken all that it was sent")


def _dead_letter(row: DeadLetter) -> Json:
    return {"stream": row.stream, "seq": row.seq, "what": row.what, "reason": row.reason, "at": rfc3339(row.at)}


class NotPossible(HivedError):
    """The master did not let this node in."""


def _must_be_some(rows: int, args: Namespace) -> None:
    if not rows and args.seq is not None:
        raise NotFound(f"no row {args.seq} of {args.stream} is set aside: hivectl sync dead")


def _wanted(context: CommandContext) -> MasterUrl:
    """Return the master that is meant. WrongUsage for what is no URL, or not what the configuration says."""
    text = str(context.args.url)
    try:
        wanted = master_url(text)
    except BadValue:
        raise WrongUsage("after # of a URL with https comes sha256: and 64 hex digits of the master's key") from None
    if not wanted.url.startswith(("http://", "https://")):
        raise WrongUsage(f"expected a URL such as https://192.168.1.2:8080, got {text[:80]!r}")
    named = master_url(context.config.syncd.master).url
    where = context.config.origin.get("syncd.master", "syncd.master")
    if named == OFF:
        raise WrongUsage(f"{where} says off, so nothing would be sent: set syncd.master to auto or to {wanted.url}")
    if named != AUTO and not same_place(named, wanted.url):
        raise WrongUsage(f"{where} names another master: set syncd.master to auto or to {wanted.url}")
    return wanted


def _advice(code: EnrollCode | None) -> str:
    if code is None:
        return "its operator shut this node out"
    return "a code works once and for a quarter of an hour; `hivectl enroll-code` on the master prints another"


async def _note_daemon(context: CommandContext, store: Store) -> None:
    if not await store.read(daemons.runs, SYNCD, context.clock()):
        context.note(f"{SYNCD} is not running: nothing is sent until it is: systemctl start {SYNCD}")
