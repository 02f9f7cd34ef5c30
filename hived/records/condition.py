"""How a miner is doing: the only place that judges. Whatever shows a miner shows what is decided here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from hived import errors
from hived.errors import ELSEWHERE
from hived.records.losses import PLANNED, Loss, Reason, expected_hs, losses
from hived.records.miner import HASHING_STATES, ON_THE_WAY, HashboardReading, PoolReading, fans_matter
from hived.records.miner_rules import MinerRules
from hived.records.miner_view import MinerView, StoredStatus
from hived.records.pools import AllowedPool, foreign, in_words

FRESH_POLLS = 3
"""Polls that may be missed before a number is old."""
REMOTE_SILENT_S = 300.0
"""A miner of another node is not silent before that: its node may poll less often, and the line may be bad."""
UNREADABLE_S = 300.0
"""Longer than any restart takes: then a miner is not between two states."""


class Mark(NamedTuple):
    """What a miner is counted as: the words for it, and what they mean."""

    words: str
    meaning: str


MARKS = {
    "online": Mark("online", "answers at an address"),
    "hashing": Mark("hashing", "mines or tunes, by a fresh status"),
    "failing": Mark("failing", "hived fails to read it: its last poll failed"),
    "failure": Mark("failure", "the miner reports a failure, and does not hash"),
    "unreadable": Mark("unreadable", "answers, but does not report its state or its hashrate"),
    "trouble": Mark("board or fan lost", "a board does not work, or a fan that it needs is lost"),
    "foreign": Mark("foreign pool", "a pool slot holds a pool or a worker that is not allowed"),
    "silent": Mark("silent", "answers at an address, but its last status is old, or there is none yet"),
    "stopped": Mark("stopped", "was stopped: it answers and does not hash"),
    "starting": Mark("starting", "between two states: starting, initializing, restarting or shutting down"),
    "tuning": Mark("auto-tuning", "is tuning its chips, and hashes meanwhile"),
    "offline": Mark("offline", "the last sweeps did not find it: its expected hashrate is lost"),
    "unseen": Mark("unseen", "nobody watches it at present: its node is away, or hive-polld is not running; "
                   "unknown since its last status, in no total, and none of the other words"),
}  # fmt: skip
"""What a miner can be counted as; it may be several of them at once."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a judgement is made, and who is watching then."""

    now: float
    status_seconds: float
    """How often this node asks each of its miners."""
    polls: bool = True
    """Whether hive-polld runs here."""
    blind: Mapping[str, str] = field(default_factory=dict)
    """Other nodes that do not watch their miners, and why: a code of `errors.PROBLEMS`."""
    allowed: tuple[AllowedPool, ...] = ()
    """Where miners may mine; none: anywhere."""

    def blind_to(self, view: MinerView) -> str | None:
        """Return why nobody watches a miner, None when somebody does.

        Without hive-polld an offline miner is offline all the same, and a fresh status counts until it is old.
        """
        own = None if self.polls else "unpolled"
        why = self.blind.get(view.node_id or "") if view.remote else own
        if why in ("unpolled", "node_unpolled") and (not view.online or self.age(view) == "fresh"):
            return None
        return why

    def age(self, view: MinerView) -> Literal["fresh", "old", "future", "none"]:
        """Return whether a miner's last status still says how it is doing.

        One from the future does not: a clock was set back, and nobody knows when it was taken.
        """
        if view.status is None:
            return "none"
        age_s = self.now - view.status.at
        if abs(age_s) < self.old_s(view):
            return "fresh"
        return "old" if age_s > 0 else "future"

    def old_s(self, view: MinerView) -> float:
        """Return how old a miner's status may be and still count as that of now, s."""
        old_s = FRESH_POLLS * self.status_seconds
        return max(old_s, REMOTE_SILENT_S) if view.remote else old_s

    def is_new(self, view: MinerView) -> bool:
        """Tell whether a miner was found just now, and has had no time for a status yet."""
        return view.status is None and 0 <= self.now - view.created_at < self.old_s(view)

    def key(self, view: MinerView) -> tuple[str | None, str, tuple[AllowedPool, ...], MinerRules]:
        """Return all that time and watchers add to a judgement: while it is the same, so is the condition."""
        return self.blind_to(view), self.age(view), self.allowed, view.rules.in_force(self.now)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with a miner. `at`: when it was last noticed, None when it has no time of its own."""

    text: str
    next_step: str
    at: float | None = None
    over: bool = False
    """It has cleared since."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How one miner is doing. `rank` orders the worst first: 0 needs a look, 4 is well."""

    word: str
    tone: Literal["good", "warn", "bad", "tune", "idle", "off"]
    rank: int
    marks: tuple[str, ...]
    fresh: bool
    """Its numbers are those of now, and count in the totals."""
    why: str | None
    """What is wrong; None when nothing is."""
    next_step: str | None
    expected_hs: float | None
    lost: tuple[Loss, ...]
    rules: MinerRules = field(default_factory=MinerRules)
    """What is laid down for it, without holds that are over."""

    @property
    def unseen(self) -> bool:
        """Whether nobody knows how it is just now: what it should give is neither expected nor lost."""
        return "unseen" in self.marks


def condition(view: MinerView, moment: Moment) -> Condition:
    """Return how a miner is doing."""
    blind, age, _, rules = moment.key(view)
    seen = blind is None
    fresh = seen and view.online and age == "fresh"
    trouble = _worst(view, blind, age, moment.allowed)
    strange = fresh and view.status is not None and bool(foreign(view.status.pools, moment.allowed))
    word, tone, rank = _word(view, seen, fresh, trouble, strange or view.doubted_ip is not None)
    return Condition(
        word=word, tone=tone, rank=rank, marks=tuple(_marks(view, seen, fresh, strange)), fresh=fresh,
        why=trouble.text if trouble else None, next_step=trouble.next_step if trouble else None,
        expected_hs=expected_hs(view.status), lost=_lost(view, seen, fresh), rules=rules,
    )  # fmt: skip


def _word(
    view: MinerView, seen: bool, fresh: bool, trouble: Trouble | None, suspect: bool
) -> tuple[str, Literal["good", "warn", "bad", "tune", "idle", "off"], int]:
    if not seen:
        return "unseen", "off", 1
    if not view.online:
        return "offline", "off", 1
    unreadable = fresh and not readable(view)
    if view.state == "failure" and not unreadable:
        return "failure", "bad", 0
    if view.failures:
        return "failing", "bad", 0
    if not fresh:
        return ("silent", "bad", 0) if suspect else ("silent", "warn", 2)
    if unreadable:
        return "unreadable", "warn", 2
    if suspect:
        return view.state or "unknown", "bad", 0
    rank = 3 if trouble else 4
    if view.state in ON_THE_WAY or view.state == "auto-tuning":
        return view.state or "", "tune", rank
    if view.state in HASHING_STATES:
        return view.state or "", "warn" if trouble else "good", rank
    return view.state or "unknown", "idle", rank


def _marks(view: MinerView, seen: bool, fresh: bool, strange: bool) -> Iterator[str]:
    if not seen or not view.online:
        yield "offline" if seen else "unseen"
        return
    yield "online"
    unreadable = fresh and not readable(view)
    if fresh and not unreadable and view.state in HASHING_STATES:
        yield "hashing"
    if view.failures:
        yield "failing"
    if broken_boards(view) or lost_fans(view.status):
        yield "trouble"
    if strange:
        yield "foreign"
    if not fresh:
        yield "silent"
    if unreadable:
        yield "unreadable"
    elif view.state == "failure":
        yield "failure"
    elif view.state == "stopped":
        yield "stopped"
    elif view.state in ON_THE_WAY:
        yield "starting"
    elif view.state == "auto-tuning":
        yield "tuning"


# -- what is wrong -------------------------------------------------------------------------------------------------

_OF_TRUST = ("not_agreed", "outside_subnets")
_SILENT = {
    "none": "no status was read yet",
    "old": "its last status is old",
    "future": "its last status is from the future: a clock was set back",
}


def _worst(view: MinerView, blind: str | None, age: str, allowed: Sequence[AllowedPool]) -> Trouble | None:
    """Return what the word of the condition means: what is wrong and what to do, None for a miner that is well."""
    if blind is not None:
        return _unseen(view, blind)
    error = _error(view)
    open_error = error if error and not error.over else None
    if not view.online:
        return _offline(view)
    fresh = age == "fresh"
    if view.state == "failure" and not (fresh and not readable(view)):
        return _failure(view)
    if view.doubted_ip is not None and not view.failures:
        return _doubted(view)
    if view.failures or not fresh:
        return open_error or _silent(view, age)
    if not readable(view):
        return _unreadable(view)
    return next(_parts(view, allowed), None)


def troubles(view: MinerView, moment: Moment) -> Iterator[Trouble]:
    """Yield all that is wrong with a miner, and an error that is over."""
    blind, age, *_ = moment.key(view)
    if blind is not None:
        if view.remote:  # else hive-polld is the trouble, which is told by itself
            yield _unseen(view, blind)
        return
    if not view.online:
        yield _offline(view)
        return
    error = _error(view)
    if error is not None and not (view.doubted_ip and view.last_error_code in _OF_TRUST):
        yield error
    if view.doubted_ip is not None:
        yield _doubted(view)
    fresh = age == "fresh"
    if fresh and not readable(view):
        if error is None or error.over or error.text != _unreadable(view).text:
            yield _unreadable(view)
    elif view.state == "failure":
        yield _failure(view)
    elif not fresh and (error is None or error.over) and not moment.is_new(view):
        yield _silent(view, age)
    if fresh and view.state != "failure":
        yield from _parts(view, moment.allowed)


def _error(view: MinerView) -> Trouble | None:
    """Return the last error. A poll that worked ends one of polling; a miner without a key has not been polled."""
    if view.last_error is None:
        return None
    status, at = view.status, view.last_error_at
    if view.last_error_code == "no_state" and not readable(view) and not view.failures:
        return replace(_unreadable(view), at=at)
    told_at = view.chips_at if view.last_error_code == "no_chips" else status.at if status else None
    healed = told_at is not None and at is not None and told_at > at
    if healed and view.has_key and not view.failures:
        return Trouble(view.last_error, "nothing: it is over", at, over=True)
    return replace(_trouble(view, view.last_error_code, view.last_error), at=at)


def _unseen(view: MinerView, why: str) -> Trouble:
    if why == "unpolled":
        return _trouble(view, why, "hive-polld is not running")
    return _trouble(view, why, f"its node {view.node_name or view.node_id} {errors.problem(why).words}")


def _offline(view: MinerView) -> Trouble:
    """What was wrong while it answered does not matter now, but for something else that answers in its place."""
    elsewhere = view.last_error if view.last_error_code in ELSEWHERE else None
    code = view.last_error_code if elsewhere else "offline"
    return replace(_trouble(view, code, elsewhere), at=view.seen_at)


def _doubted(view: MinerView) -> Trouble:
    """Return what is not trusted: the miner where it is, or a second device with its MAC."""
    if view.doubted_ip != view.ip:
        text = f"{view.doubted_ip} answers with the same MAC address"
        return _trouble(view, "mac_twice", text, other=view.doubted_ip or "?")
    return _trouble(view, view.last_error_code if view.last_error_code in _OF_TRUST else "not_agreed")


def _silent(view: MinerView, age: str) -> Trouble:
    return _trouble(view, "silent", _SILENT.get(age))


def _failure(view: MinerView) -> Trouble:
    status = view.status
    since = None if status is None or status.state_s is None else status.at - status.state_s
    extra = status.extra if status else {}
    said = [str(extra["description"])] if extra.get("description") else []
    said += [f"code {extra['failure_code']}"] if extra.get("failure_code") else []
    return replace(_trouble(view, "failure", f"failure: {', '.join(said)}" if said else "failure"), at=since)


def _unreadable(view: MinerView) -> Trouble:
    """Return what a miner leaves out; what it has left out for long does not come by waiting."""
    status = view.status
    if status is None or status.state is None:
        text = "does not report its state"
    elif status.readable or status.state in HASHING_STATES:
        text = "does not report its hashrate"
    else:
        text = f"is in a state that hived does not know: {status.state}"
    waits = status is None or (status.state is None and (status.state_s or 0.0) < UNREADABLE_S)
    return replace(_trouble(view, "no_state" if waits else "unreadable"), text=text)


def _parts(view: MinerView, allowed: Sequence[AllowedPool]) -> Iterator[Trouble]:
    for pool in foreign(view.status.pools if view.status else (), allowed):
        text = f"pool {pool.index + 1} is {in_words(pool.url, pool.user)}, which is not allowed"
        yield _trouble(view, "pool_foreign", text)
    for board in broken_boards(view):
        how = "dead: it mines nothing" if board.state == "mining" else board.state
        what = f": {board.description}" if board.description else ""
        yield _trouble(view, "dead_board", f"board {board.index} is {how}{what}")
    for fan in lost_fans(view.status):
        yield _trouble(view, "lost_fan", f"fan {fan} is lost")


def _trouble(view: MinerView, code: str | None, text: str | None = None, **places: str) -> Trouble:
    place = view.ip or view.mac  # its last address may be another one's by now
    node = view.node_name or view.node_id or "?"
    step = errors.next_step(code, miner=place, ip=view.ip or view.last_ip, node=node, **places)
    return Trouble(text or errors.problem(code).words, step)


def readable(view: MinerView) -> bool:
    """Tell whether its last answer says what it does."""
    return view.status is not None and view.status.readable


def broken_boards(view: MinerView) -> tuple[HashboardReading, ...]:
    """Return the boards that the miner says are broken or gone."""
    return tuple(b for b in view.status.hashboards if b.works is False) if view.status else ()


def board_condition(board: HashboardReading) -> tuple[str, str]:
    """Return how a board is doing, in a word, and its tone."""
    word = board.state or "unknown"
    if board.works is False:
        return "mining, but dead" if word == "mining" else word, "bad"
    return word, {"mining": "good", "initializing": "tune"}.get(word, "idle")


def lost_fans(status: StoredStatus | None) -> tuple[int, ...]:
    """Return the numbers of the fans that a miner has lost and needs."""
    if status is None or not fans_matter(status, status.extra.get("cooling_mode")):
        return ()
    return tuple(f.index for f in status.fans if f.lost)


# -- what is lost ------------------------------------------------------------------------------------------------------


def _lost(view: MinerView, seen: bool, fresh: bool) -> tuple[Loss, ...]:
    if view.status is None:
        return ()
    if fresh:
        return losses(view.status, "failure" if view.state == "failure" and view.status.readable else None)
    why: Reason = "offline"
    if not seen:
        why = "unseen"
    elif view.online:
        why = "failure" if view.state == "failure" else "unreadable"
    expected = expected_hs(view.status)
    return (Loss(why, expected),) if expected else ()


def essence(view: MinerView) -> MinerView:
    """Return a view with as much of its status as is judged and summed up: a tenth of it."""
    if view.status is None:
        return view
    fans = lost_fans(view.status)
    said = ("description", "failure_code", "limit_hs", "throttle_percent", "boards_expected", PLANNED)
    status = replace(
        view.status, pools=tuple(PoolReading(p.index, p.url, p.user) for p in view.status.pools if p.kind == "user"),
        hashboards=tuple(b for b in view.status.hashboards if b.works is not True),
        fans=tuple(f for f in view.status.fans if f.index in fans),
        extra={name: view.status.extra[name] for name in said if name in view.status.extra}
        | {"boards_listed": len(view.status.hashboards)},
    )  # fmt: skip
    return replace(view, status=status)
