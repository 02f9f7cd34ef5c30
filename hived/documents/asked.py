"""What people and programs send in bodies. Their parsers refuse every other member; what is not required may be absent.

What nodes send is in `documents.sent`.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, Required, TypedDict

from hived.documents import verbs
from hived.documents.shape import (
    NOT_BLANK,
    PRINTABLE,
    AnyNode,
    Digest,
    Ipv4,
    KeyId,
    Mac,
    NodeId,
    Password,
    Reason,
    Time,
    Word,
    shape,
)
from hived.errors import Severity
from hived.records import alert_wishes, commands, orders, steering
from hived.records.access import AREAS, Role
from hived.records.alerts import SEVERITIES, Over
from hived.records.events import EVENTS
from hived.records.logins import LONGEST_PASSWORD
from hived.records.miner_rules import MAX_TAGS
from hived.records.order_request import LONGEST_INTERVAL_S, LONGEST_S, WHERE
from hived.records.outgoing import MAX_URL
from hived.records.plans import DAYS
from hived.records.pools import MAX_PATTERN
from hived.records.signs import SIGNS

UserName = Annotated[str, shape(pattern="^[a-z0-9][a-z0-9._@-]{0,63}$")]
Known = Annotated[str, shape(maxLength=LONGEST_PASSWORD, pattern=PRINTABLE, format="password")]
Code = Annotated[str, shape(maxLength=256)]
Phrase = Annotated[str, shape(minLength=1, maxLength=100)]
Wall = Annotated[str, shape(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
Day = Annotated[str, shape(enum=list(DAYS))]
Scope = Annotated[str, shape(enum=list(AREAS))]
Seconds = Annotated[float, shape(minimum=0, maximum=LONGEST_INTERVAL_S)]


class HoldWish(TypedDict):
    """Keeps orders from a miner; `until` null or absent: until it is taken away."""

    why: Reason
    until: NotRequired[Time | None]


class MinerChange(TypedDict, total=False):
    """What is to change on a miner: all of it or nothing. `managed` true, `locked`, `protected`, `min_preset`: admins.

    `unlock_pass`: its password. `locked`: it takes no orders; `protected`: none that nobody gave by hand.
    """

    managed: bool
    unlock_pass: Annotated[
        str, shape(minLength=1, maxLength=commands.MAX_PASSWORD, pattern=NOT_BLANK, format="password")
    ]
    group: Word | None
    tags: Annotated[list[Word], shape(maxItems=MAX_TAGS)]
    min_preset: Word | None
    locked: HoldWish | None
    protected: HoldWish | None


class ModelChange(TypedDict, total=False):
    """The highest and lowest preset of a model; null: no limit."""

    max_preset: Word | None
    min_preset: Word | None


class Merge(TypedDict):
    """`into`: the machine's new control board."""

    into: Mac


class Agreement(TypedDict, total=False):
    """`ip` null or absent: where the miner is."""

    ip: Ipv4 | None


class ScanWish(TypedDict, total=False):
    """Addresses or networks; without any hive-discoverd looks at all its own. `outside` is refused but on the box."""

    targets: Annotated[list[str], shape(maxItems=commands.MAX_TARGETS, examples=[["192.168.1.0/24"]])]
    outside: bool
    node_id: AnyNode | None


class CommandWish(TypedDict):
    """An order for a daemon, here or on another node."""

    verb: Annotated[str, shape(enum=[one.name for one in commands.VERBS.values() if not one.between_boxes])]
    args: NotRequired[Annotated[dict[str, Any], shape(anyOf=verbs.every(commands.VERBS))]]
    node_id: NotRequired[AnyNode | None]


class PacketWish(TypedDict):
    """How many miners of each group are asked at a time."""

    size: Annotated[int, shape(minimum=1, maximum=orders.MAX_TARGETS)]
    interval_seconds: Seconds


Macs = Annotated[list[Mac], shape(minItems=1, maxItems=orders.MAX_TARGETS)]
Where = Annotated[
    dict[str, Word], shape(propertyNames={"enum": list(WHERE)}, additionalProperties={"type": "string"})
]  # fmt: skip


class PlannedOrder(TypedDict):
    """An order that a plan gives. Either `miners` or `where`; `where` {} is every miner."""

    verb: Annotated[str, shape(enum=list(steering.VERBS))]
    args: NotRequired[Annotated[Any, shape(anyOf=[*verbs.every(steering.VERBS), {"type": "null"}])]]
    miners: NotRequired[Macs | None]
    where: NotRequired[Where | None]
    packet: NotRequired[PacketWish | None]
    expires_seconds: NotRequired[Annotated[int, shape(minimum=1, maximum=LONGEST_S)] | None]


class OrderWish(PlannedOrder):
    """An order to miners. Either `miners` or `where`; `where` {} is every miner.

    `dry_run`: say what would happen, and keep nothing. `key`: the same body with it again is the same order. `force`,
    for admins: also miners that settle. `password`: the user's own, where the answer was 403 with confirm_password.
    """

    key: NotRequired[Word | None]
    force: NotRequired[bool]
    dry_run: NotRequired[bool]
    password: NotRequired[Known | None]


class Confirmation(TypedDict, total=False):
    """The user's own password, where the answer was 403 with confirm_password."""

    password: Known | None


class UndoWish(Confirmation, total=False):
    """`dry_run`: say what would be brought back, and keep nothing."""

    dry_run: bool


class Nothing(TypedDict):
    """An empty object."""


class Once(TypedDict):
    at: NotRequired[Time | None]
    until: NotRequired[Time | None]


Once.__doc__ = "Once; at `until` what was changed is brought back."
Weekly = TypedDict(
    "Weekly",
    {
        "days": NotRequired[Annotated[list[Day], shape(minItems=1)]],
        "from": Wall,
        "to": NotRequired[Wall | None],
    },
)
Weekly.__doc__ = "Every week by the wall clock of the box; at `to` what was changed is brought back."


class PlanWish(TypedDict):
    """A plan; `late`: it is carried out late where the box was off at its time."""

    name: Word
    when: Once | Weekly
    late: NotRequired[bool]
    order: PlannedOrder


class Storm(TypedDict):
    """An order now, and its way back at `until`."""

    name: Word
    until: Time
    order: PlannedOrder


class PlanChange(TypedDict):
    """Whether it goes on or rests."""

    enabled: bool


class PoolWish(TypedDict):
    """A host, host:port or URL, and the account that may mine there; * stands for anything."""

    url: Annotated[str, shape(minLength=1, maxLength=MAX_PATTERN, examples=["stratum+tcp://pool.example:3333"])]
    worker: NotRequired[Annotated[str, shape(maxLength=MAX_PATTERN)] | None]


class LogIn(TypedDict):
    """Who logs in."""

    user: Code
    password: Known


class LogInByLink(TypedDict):
    """The code of a login link."""

    code: Code


class SetUp(TypedDict):
    """The first admin, and the code that the log of hive-apid shows."""

    code: Code
    user: UserName
    password: Password


class OwnPassword(TypedDict):
    """One's own password and the one to come."""

    old: Known
    new: Password


class UserWish(TypedDict):
    """A user to make."""

    name: UserName
    role: Role
    password: Password


class UserChange(TypedDict, total=False):
    """A role, a password or both."""

    role: Role
    password: Password


class TokenWish(TypedDict):
    """A token to make. Without `scopes` it is for everything but orders; `expires_at` null or absent: never."""

    name: Word
    role: Role
    scopes: NotRequired[list[Scope]]
    expires_at: NotRequired[Time | None]


class CollectorWish(TypedDict):
    """A collector that is not ours."""

    node_id: NodeId
    name: Word


class PhraseOfKey(TypedDict, total=False):
    """Which waiting key is meant, by the words that the node shows."""

    phrase: Phrase


class CodeWish(TypedDict, total=False):
    """A known node that is to join anew; absent: any node."""

    node_id: NodeId


class KeyWish(TypedDict):
    """A second key of a node: its id and the hash of its secret."""

    key_id: KeyId
    key_hash: Digest


AlertState = Annotated[str, shape(enum=["open", "over"])]
Least = Annotated[Severity, shape(enum=list(SEVERITIES))]
Lasting = Annotated[float, shape(minimum=0, maximum=alert_wishes.LONGEST_S)]
Threshold = Annotated[float, shape(minimum=-alert_wishes.BEYOND, maximum=alert_wishes.BEYOND)]


class Snooze(TypedDict, total=False):
    """Either `seconds` or `until`; a week at most."""

    seconds: Annotated[float, shape(exclusiveMinimum=0, maximum=alert_wishes.LONGEST_S)]
    until: Time


class ScopeWish(TypedDict, total=False):
    """What something is for: whatever fits all that is said; {}: everything. `node` is an id."""

    node: Word | None
    model: Word | None
    group: Word | None
    tag: Word | None


class RuleWish(TypedDict, total=False):
    """A rule. A new one needs `sign`, and `threshold` where that is a number; of one that is there `sign` stays.

    Where only `threshold` is moved, `clear` goes with it. `title`, `of`, `unit`, `default`, `changed_at` and
    `changed_by` may be sent back, and change nothing.
    """

    name: Required[Annotated[str, shape(pattern=f"^{alert_wishes.NAME.pattern}$")]]
    sign: Annotated[str, shape(enum=list(SIGNS))]
    severity: Least
    for_seconds: Lasting
    clear_seconds: Lasting
    over: Over
    threshold: Threshold | None
    clear: Threshold | None
    miners: Annotated[int, shape(minimum=1, maximum=alert_wishes.MOST_MINERS)]
    scope: ScopeWish | None
    per_day: Annotated[int, shape(minimum=1, maximum=alert_wishes.MOST_PER_DAY)]
    enabled: bool
    title: Any
    of: Any
    unit: Any
    default: Any
    changed_at: Any
    changed_by: Any


class RulesWish(TypedDict):
    """Rules to change or to make; the others stay as they are."""

    rules: Annotated[list[RuleWish], shape(minItems=1)]


class WindowWish(TypedDict):
    """Maintenance, or quiet hours up to a `severity`. `when` needs an end."""

    name: Word
    kind: NotRequired[Annotated[str, shape(enum=["maintenance", "quiet"])]]
    when: Once | Weekly
    scope: NotRequired[ScopeWish | None]
    severity: NotRequired[Least]


Kinds = Annotated[list[Annotated[str, shape(enum=sorted(EVENTS))]], shape(maxItems=100)]


class ChannelWish(TypedDict):
    """A way to people. `least` severity: what is less goes not there."""

    name: Annotated[str, shape(pattern="^[a-z0-9][a-z0-9_-]{0,31}$")]
    url: Annotated[str, shape(minLength=1, maxLength=MAX_URL, examples=["ntfys://ntfy.sh/my-secret-topic"])]
    least: NotRequired[Least]


class ChannelChange(TypedDict, total=False):
    """What goes to a channel, and whether anything does."""

    least: Least
    enabled: bool


class WebhookWish(TypedDict):
    """A program that is to be told of events. No `kinds` are all; without `secret` one is made."""

    name: Annotated[str, shape(pattern="^[a-z0-9][a-z0-9_-]{0,31}$")]
    url: Annotated[str, shape(minLength=1, maxLength=MAX_URL, examples=["https://example.com/hook"])]
    kinds: NotRequired[Kinds]
    secret: NotRequired[Annotated[str, shape(pattern="^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")]]


class WebhookChange(TypedDict, total=False):
    """What a webhook gets, and whether it gets anything."""

    kinds: Kinds
    enabled: bool


CHANGES = (MinerChange, ModelChange, UserChange, Snooze)
"""Bodies that have one member at least."""
