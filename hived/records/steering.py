"""What can be done to a miner: a table of the verbs, and what is read back to see what became of one.

Rules that hold for every family of firmware, and the cases behind them: docs/steering.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from hived.errors import BadRequest
from hived.records.commands import Argument, switch, word
from hived.records.firmware import Feature
from hived.records.pools import is_complete

Power = Literal["off", "on", "either", "none"]
"""What a verb does to the power that a miner draws: what switches on is asked for more slowly."""

IDLE_W = 60.0
"""What a paused miner draws at most (5 to 60 W were measured)."""
MAX_SLOTS = 8
MAX_URL = 256
MODES = ("auto", "manual", "immersion")
LOCATE_S = 120
LONGEST_LOCATE_S = 3600


@dataclass(frozen=True, slots=True)
class Whole:
    """The reader of a whole number of something."""

    low: int
    high: int
    unit: str

    def __call__(self, name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise BadRequest(f"{name}: expected a whole number of {self.unit} from {self.low} to {self.high}")
        return value


@dataclass(frozen=True, slots=True)
class OrNone:
    """The reader of what may be null too."""

    read: Callable[[str, Any], Any]

    def __call__(self, name: str, value: Any) -> Any:
        return None if value is None else self.read(name, value)


def pools(name: str, value: Any) -> list[dict[str, Any]]:
    """Return [{slot, url, user, password}], slots from 0; a password that is not given stays as it is on the miner."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_SLOTS:
        raise BadRequest(f"{name}: expected a list of 1 to {MAX_SLOTS} pools")
    found = [_pool(f"{name}[{place}]", place, one) for place, one in enumerate(value)]
    if len({one["slot"] for one in found}) < len(found):
        raise BadRequest(f"{name}: every slot may be named once")
    return sorted(found, key=lambda one: int(one["slot"]))


def _pool(name: str, place: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value.keys() <= {"slot", "url", "user", "password"}:
        raise BadRequest(f"{name}: expected slot, url, user and password, nothing else")
    slot = Whole(0, MAX_SLOTS - 1, "slots")(f"{name}.slot", value.get("slot", place))
    url = _text(f"{name}.url", value.get("url"))
    if not is_complete(url):
        raise BadRequest(f"{name}.url: expected a pool with its port, such as stratum+tcp://pool.example.com:3333")
    told = {"slot": slot, "url": url, "user": _text(f"{name}.user", value.get("user"))}
    password = value.get("password")
    return told | ({} if password is None else {"password": _text(f"{name}.password", password)})


def _text(name: str, value: Any) -> str:
    text = "" if value is None else value
    if not isinstance(text, str) or len(text) > MAX_URL or not text.isprintable():
        raise BadRequest(f"{name}: expected at most {MAX_URL} characters that can be printed")
    return text.strip()


def mode(name: str, value: Any) -> str:
    if value not in MODES:
        raise BadRequest(f"{name}: expected {', '.join(MODES)}")
    return str(value)


def _cooling_fits(args: Mapping[str, Any]) -> None:
    if args["mode"] == "manual" and args["percent"] is None:
        raise BadRequest("percent: manual cooling needs the fans' duty")


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be done to a miner."""

    name: str
    words: str
    """For a sentence: "pause 50 miners"."""
    needs: frozenset[Feature]
    """One of these is enough."""
    power: Power = "none"
    arguments: tuple[Argument, ...] = ()
    check: Callable[[Mapping[str, Any]], None] = lambda _: None
    repeatable: bool = True
    """Whether to ask for it a second time changes nothing more: what is not may never be sent twice."""
    rests: bool = False
    """Whether a miner needs time to settle after it, and is left alone by the same kind meanwhile."""
    silent: bool = False
    """Whether a miner may be off the network until it shows what it was asked for."""
    undo: str | None = None
    """The verb that brings back what was there before."""
    settings: tuple[str, ...] = ()
    """The parts of a miner's settings document that it changes."""

    @property
    def own_words(self) -> str:
        """For a sentence about one miner: "was asked to set its pools"."""
        return self.words.removesuffix(" of").removesuffix(" on").replace(" the ", " its ")

    @property
    def interrupts(self) -> bool:
        """Whether a miner stops hashing for it and goes on by itself: its power drops, and comes back."""
        return self.power == "on" and self.undo != "pause"

    @property
    def draws(self) -> bool:
        """Whether it is about how much a miner draws; to set pools restarts it and leaves that as it was."""
        return self.power != "none" and self.settings != ("pools",)

    @property
    def sets_pools(self) -> bool:
        """Whether it may let a miner mine elsewhere; its arguments may hold passwords."""
        return "pools" in self.settings

    def checked(self, args: Any) -> dict[str, Any]:
        """Return the arguments that it can be carried out with. BadRequest says what is wrong with others."""
        if not isinstance(args, Mapping):
            raise BadRequest("args: expected an object")
        unknown = args.keys() - {each.name for each in self.arguments}
        if unknown:
            raise BadRequest(f"args: {self.name} knows no {min(unknown)!r}")
        wanted = {
            each.name: each.read(f"args.{each.name}", args.get(each.name, each.default)) for each in self.arguments
        }
        self.check(wanted)
        return wanted


_TUNING = ("requested_preset", "globals", "preset_switcher")
_UNTUNED = Argument("untuned", switch, default=False)
"""Whether a preset that the miner has not tuned is taken: it then tunes for hours."""

VERBS = {
    verb.name: verb
    for verb in (
        Verb("pause", "pause", frozenset({Feature.PAUSE}), "off", silent=True, undo="resume"),
        Verb("resume", "resume", frozenset({Feature.PAUSE}), "on", undo="pause"),
        Verb("restart", "restart mining on", frozenset({Feature.RESTART}), "on", repeatable=False, silent=True),
        Verb("reboot", "reboot", frozenset({Feature.REBOOT}), "on", repeatable=False, silent=True),
        Verb(
            "locate", "flash the lights of", frozenset({Feature.LOCATE}),
            arguments=(
                Argument("on", switch, default=True),
                Argument("seconds", Whole(1, LONGEST_LOCATE_S, "seconds"), default=LOCATE_S),
            ),
        ),
        Verb(
            "preset", "set the preset of", frozenset({Feature.PRESET}), "either", (Argument("name", word), _UNTUNED),
            rests=True, undo="preset", settings=_TUNING,
        ),
        Verb(
            "power", "set the power of", frozenset({Feature.POWER, Feature.PRESET}), "either",
            (Argument("watts", Whole(100, 50_000, "watts")), _UNTUNED), rests=True, undo="preset", settings=_TUNING,
        ),
        Verb(
            "dimmer", "dim", frozenset({Feature.DIMMER}), "either",
            (Argument("percent", Whole(20, 100, "per cent")),), rests=True, undo="dimmer",
        ),
        Verb(
            "pools", "set the pools of", frozenset({Feature.POOLS}), "on", (Argument("pools", pools, secret=True),),
            undo="pools", settings=("pools",),
        ),
        Verb(
            "cooling", "set the cooling of", frozenset({Feature.COOLING}),
            arguments=(
                Argument("mode", mode),
                Argument("percent", OrNone(Whole(0, 100, "per cent"))),
                Argument("target_c", OrNone(Whole(20, 90, "degrees Celsius"))),
            ),
            check=_cooling_fits, undo="cooling", settings=("cooling",),
        ),
        Verb(
            "restore", "restore settings of", frozenset({Feature.POOLS}), "either",
            (Argument("version", Whole(1, 2**31, "versions")),), rests=True, undo="restore",
            settings=(*_TUNING, "pools", "cooling"),
        ),
    )
}  # fmt: skip


def verb_of(name: Any) -> Verb:
    """Return a verb of the table; BadRequest for one that this version does not know."""
    found = VERBS.get(name) if isinstance(name, str) else None
    if found is None:
        raise BadRequest(f"verb: expected one of {', '.join(VERBS)}")
    return found


@dataclass(frozen=True, slots=True)
class Wish:
    """What a miner is to do, as a family of firmware is told."""

    verb: str
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold a pool's password


@dataclass(frozen=True, slots=True)
class Said:
    """What a miner answered when it was asked to do something. It proves that it understood, nothing else."""

    words: str | None = None
    """Its own, where it used any."""
    restart_required: bool = False
    """Whether it says that mining has to be restarted before the change is in force."""
    reboot_required: bool = False
    """The same of the control board."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a miner was at a moment, as far as a verb needs it. None: it did not tell, or was not asked.

    Units as in `records.miner`; `at` in UTC epoch seconds.
    """

    at: float
    state: str | None = None
    state_s: float | None = None
    hashrate_hs: float | None = None
    power_w: float | None = None
    preset: str | None = None
    """The one that runs."""
    asked_preset: str | None = None
    """The one in its settings."""
    throttle_percent: float | None = None
    cooling: Mapping[str, Any] | None = None
    """{mode, percent, target_c}."""
    pools: tuple[Mapping[str, Any], ...] | None = None
    """[{slot, url, user}]; without any password."""
    uptime_s: float | None = None
    restarts: int | None = None
    finding: bool | None = None
    """Whether its lights flash."""
    restart_required: bool | None = None
    tuned: tuple[str, ...] | None = None
    """The presets that it has tuned."""
    kept: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What is secret and has to be written back unchanged when this is brought back: the pools' passwords by slot."""

    def to_json(self) -> dict[str, Any]:
        """Return what is known of it, without what is secret."""
        told = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "kept"}
        return {name: value for name, value in told.items() if value is not None}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Seen:
        """Return what was stored; what another version wrote beyond this is left out."""
        known = {name: value for name, value in told.items() if name in _SEEN}
        for name in ("pools", "tuned"):
            if isinstance(known.get(name), list):
                known[name] = tuple(known[name])
        return cls(**known)


_SEEN = frozenset(one.name for one in fields(Seen)) - {"kept"}
