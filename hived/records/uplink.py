"""A node's way to its master: how it stands, and what the master says. Times are UTC epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hived.records.joining import NodeKey
from hived.records.lending import Lent
from hived.records.node import Order
from hived.records.streams import Limits

NONE, ASKING, JOINED, LEFT = "none", "asking", "joined", "left"
REFUSED, PIN_MISMATCH = "refused", "pin_mismatch"
WITH_MASTER = (JOINED, REFUSED, PIN_MISMATCH)
"""States of a node that has a master, whether it gets through or not."""


@dataclass(frozen=True, slots=True)
class Uplink:
    """What is kept about the way to the master.

    none: there is no master. asking: its operator has not approved this node yet, or this node's operator has not
    confirmed the phrase. joined: it sends. refused: the master no longer accepts the key. pin_mismatch: what answers
    there has another key than the master that was joined. left: a person ended it, and no master is asked until a
    person wants it again.
    """

    state: str = NONE
    url: str | None = None
    master_id: str | None = None
    master_name: str | None = None
    pin: str | None = None
    """SHA-256 of the master's public key as seen when joining; None: no TLS, or a certificate the system trusts."""
    fingerprint: str | None = None
    """SHA-256 of its certificate then: for people."""
    key: NodeKey | None = None
    next_key: NodeKey | None = None
    """The key that is about to follow `key`."""
    phrase: str | None = None
    consent: str | None = None
    """How this node's operator said that it may belong to this master, as in `enrolling`; None: not yet."""
    since: float | None = None
    """When it got into its state."""
    asked_at: float | None = None
    ok_at: float | None = None
    """When the master last took something."""
    keyed_at: float | None = None
    """When the present key began."""
    last_error: str | None = None
    last_error_at: float | None = None
    last_error_code: str | None = None
    skew_s: float | None = None
    """How much the master's clock is ahead of ours."""
    proven_at: float | None = None
    """When the master, reached without TLS, last proved that it knows this node's key."""

    @property
    def tls(self) -> bool:
        return self.url is not None and self.url.startswith("https:")


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a master says it is. Nothing of it is proven but over a connection that is."""

    node_id: str
    name: str
    version: str | None = None
    pin: str | None = None
    can_prove: bool = False
    """Whether it knows that it can be asked for a proof: 0.1.0 does not."""
    proof: str | None = None
    """What it answers to a nonce; None: it was not asked, or does not know the key."""


@dataclass(frozen=True, slots=True)
class FoundMaster:
    """A master that answered. `pin` is to be pinned; `seen` goes into the phrase: the key that answered."""

    url: str
    hello: Hello
    pin: str | None = None
    seen: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class JoinAnswer:
    """What a master says to a node that asks. `approved`: its key opens from now on."""

    approved: bool
    phrase: str | None
    master_id: str
    master_name: str


@dataclass(frozen=True, slots=True)
class Contact:
    """What the master answers to a contact: what it holds of each stream, what is to be done, what it takes."""

    at: float
    node_id: str
    name: str
    held: Mapping[str, int]
    orders: Sequence[Order]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of a batch. `seq` is what the master holds now; `gap`: nothing was stored, go on from there."""

    seq: int
    gap: bool = False
    rejected: Sequence[tuple[int | str, str]] = ()
    """Items it will never take, with the reason: a number of the stream, or the id of a contribution."""
    unread: Sequence[str] = ()
    """Fields that it does not understand."""
    full: Sequence[str] = ()
    """What it does not take any more of this node: codes of `errors.PROBLEMS`."""


@dataclass(frozen=True, slots=True)
class Loan:
    """What the master lends, for how long, and URLs of what it need not be told again."""

    objects: Sequence[Lent]
    taken: Sequence[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that the master does not take, and why."""

    stream: str
    seq: int
    what: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node says it is."""

    node_id: str
    name: str
    site: str | None = None
    version: str = ""
