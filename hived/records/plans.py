"""Plans: orders that are given at a time, every week, or from one time to another, by the clock on the wall.

A plan is told in the site's own time. A time that the clocks skip in spring comes as much later as they skip; of one
that they show twice in autumn the first counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from hived.errors import BadRequest
from hived.records.commands import switch, word
from hived.records.times import from_text

MAX_PLANS = 200
LATE_S = 120.0
"""A plan that is due and was not carried out for so long was missed: the box was off."""
SHORTEST_S = 60.0
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_AHEAD_S = 366 * 86_400.0

FARTHEST_S = 8 * 86_400.0
"""The next time of a plan that comes every week is never farther: else the clock was wrong when it was found."""
PROGRAM = "program"

What = Literal["do", "back"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When. Either once at `at`, or on `days` at `begins`; with an end, what was changed is brought back then."""

    at: float | None = None
    """Epoch seconds."""
    until: float | None = None
    days: tuple[int, ...] = ()
    """0 is Monday."""
    begins: str | None = None
    """HH:MM on the wall."""
    ends: str | None = None
    """HH:MM; one that is not after `begins` is on the next day."""

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"at": self.at, "until": self.until, "begins": self.begins, "ends": self.ends}
        return {name: value for name, value in told.items() if value is not None} | (
            {"days": list(self.days)} if self.days else {}
        )

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Schedule:
        return cls(**{**told, "days": tuple(told.get("days", ()))})


def read(value: Any, now: float) -> Schedule:
    """Return a schedule: {at, until?} in RFC 3339, or {days: ["mon", ...], from: "22:00", to?: "06:00"}. BadRequest."""
    if not isinstance(value, Mapping) or not value.keys() <= {"at", "until", "days", "from", "to"}:
        raise BadRequest("when: expected {at, until} or {days, from, to}")
    if "at" in value or "until" in value:
        return _once(value, now)
    days = value.get("days", list(DAYS))
    if not isinstance(days, list | tuple) or not days or not set(map(str, days)) <= set(DAYS):
        raise BadRequest(f"when.days: expected a list of some of {', '.join(DAYS)}")
    begins = _wall("when.from", value.get("from"))
    ends = None if value.get("to") is None else _wall("when.to", value["to"])
    if ends == begins:
        raise BadRequest("when.to: is the same as when.from")
    return Schedule(days=tuple(sorted({DAYS.index(str(day)) for day in days})), begins=begins, ends=ends)


def _once(value: Mapping[str, Any], now: float) -> Schedule:
    if value.keys() & {"days", "from", "to"}:
        raise BadRequest("when: either at, or days and from")
    at = now if value.get("at") is None else moment("when.at", value["at"])
    until = None if value.get("until") is None else moment("when.until", value["until"])
    if at < now - LATE_S:
        raise BadRequest("when.at: is over")
    if until is not None and until <= at:
        raise BadRequest("when.until: is not after when.at")
    if max(at, until or at) > now + LONGEST_AHEAD_S:
        raise BadRequest("when: is more than a year ahead")
    return Schedule(at=at, until=until)


def moment(name: str, value: Any) -> float:
    """Return the epoch seconds of a time with an offset. BadRequest."""
    try:
        return from_text(value)
    except ValueError as err:
        raise BadRequest(f"{name}: {err}") from None


def _wall(name: str, value: Any) -> str:
    try:
        return time.fromisoformat(str(value)).strftime("%H:%M") if len(str(value)) == 5 else _no_time(name)
    except ValueError:
        return _no_time(name)


def _no_time(name: str) -> str:
    raise BadRequest(f"{name}: expected a time such as 22:00 or 06:00")


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that is given by the clock. Times are epoch seconds."""

    id: int
    name: str
    schedule: Schedule
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The order's, as `order_request.read` takes it."""
    by: str = ""
    role: str | None = "operator"
    """What its owner may; it may no more. None: a user, PROGRAM: a program; their role is looked up when it is due."""
    enabled: bool = True
    late: bool = False
    """Whether it is carried out late, where the box was off at its time."""
    created_at: float = 0.0
    next_at: float | None = None
    next_what: What = "do"
    order: int | None = None
    """The last one that it gave."""
    missed_at: float | None = None

    @property
    def owes(self) -> bool:
        """Whether it still has to bring back what it ordered; that is due also while the plan rests."""
        return self.next_what == "back" and self.order is not None


def read_body(body: Mapping[str, Any], now: float) -> tuple[str, Schedule, bool, Mapping[str, Any]]:
    """Return (name, when, whether late, the order's body) of what a person asks for. BadRequest."""
    unknown = body.keys() - {"name", "when", "late", "order"}
    if unknown:
        raise BadRequest(f"expected name, when, late, order: {min(unknown)[:40]!r} is none of them")
    order = body.get("order")
    if not isinstance(order, Mapping) or order.keys() & {"dry_run", "key", "force", "password"}:
        raise BadRequest("order: expected an order without dry_run, key, force and password")
    return word("name", body.get("name")), read(body.get("when"), now), switch("late", body.get("late", False)), order


def following(schedule: Schedule, after: float, zone: tzinfo | None) -> tuple[float, What] | None:
    """Return what comes next, later than `after`: (when, to do it or to bring it back); None: nothing any more.

    `zone` None is that of this box.
    """
    coming = [one for one in _moments(schedule, after, zone) if one[0] > after]
    return min(coming, default=None, key=lambda one: one[0])


def _moments(schedule: Schedule, after: float, zone: tzinfo | None) -> Sequence[tuple[float, What]]:
    if schedule.begins is None:
        told: list[tuple[float | None, What]] = [(schedule.at, "do"), (schedule.until, "back")]
        return [(at, what) for at, what in told if at is not None]
    today = datetime.fromtimestamp(after, zone).date()
    found: list[tuple[float, What]] = []
    for day in (today + timedelta(days=n) for n in range(-1, 9)):
        if day.weekday() not in schedule.days:
            continue
        begins = _epoch(day, schedule.begins, zone)
        found.append((begins, "do"))
        if schedule.ends is not None:
            ends = _epoch(day + timedelta(days=schedule.ends <= schedule.begins), schedule.ends, zone)
            # Where the clocks skip the beginning and not the end, the end would come first.
            found.append((max(ends, begins + SHORTEST_S), "back"))
    return found


def _epoch(day: date, wall: str, zone: tzinfo | None) -> float:
    there = datetime.combine(day, time.fromisoformat(wall), zone)
    return there.timestamp()
