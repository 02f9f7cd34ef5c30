"""What daemons are asked to do: a table of the verbs, and the rows that daemons work through.

A new order is a row here and the function of its daemon that carries it out. Times are UTC epoch seconds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hived.errors import BadRequest
from hived.records.access import Role, least_role
from hived.records.daemon import CONTROLD, DISCOVERD, SYNCD
from hived.records.net import as_mac

MAX_TARGETS = 64
WIDEST = 16  # bits: a /16 is 65,536 addresses, a minute's work; more is a typing error
OUTSIDE = "That takes `hivectl miners scan --outside` on the box itself"
MAX_PASSWORD = 256
MAX_NAME = 100
MAX_LETTER = 12 * 1024  # a node takes 16 KiB of arguments
_NOWHERE = ipaddress.IPv4Network("0.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Argument:
    """`read` takes name and value and returns what to go on with; BadRequest says what was expected."""

    name: str
    read: Callable[[str, Any], Any]
    secret: bool = False
    """It is sealed while it waits, travels over TLS only, and is gone when the order is done."""
    default: Any = None
    """Used when it is not given."""
    on_the_box: bool = False
    """Nobody but who works on the box itself may give it another value."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One kind of order. `area` and `role`: who may give it with its arguments; `action`: its name in the audit log."""

    name: str
    daemon: str
    action: str
    words: str
    arguments: tuple[Argument, ...]
    area: str = "miners"
    role: Callable[[Mapping[str, Any]], Role] = lambda _: "operator"
    about: str | None = None
    """The argument that names what it is about: a later order for the same takes the place of one that waits."""
    check: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Looks at the arguments together; BadRequest says what does not fit."""
    sends_secrets: bool = False
    """What carries it out gives a miner's key and password to an address: a master must be known for it by its key."""
    between_boxes: bool = False
    """Nobody gives it by this name: a master hands out what was ordered of it in another way."""
    pending: str | None = None
    """What waits for a miner of another node meanwhile, as its `pending` says."""

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(argument.name for argument in self.arguments if argument.secret)

    def reserved(self, args: Mapping[str, Any]) -> list[str]:
        """Return which of these arguments are given that only who works on the box itself may give."""
        return [one.name for one in self.arguments if one.on_the_box and args.get(one.name, one.default) != one.default]

    def checked(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that it can be carried out with. BadRequest says what is wrong with others."""
        wanted = {each.name: each.read(each.name, args.get(each.name, each.default)) for each in self.arguments}
        self.check(wanted)
        return wanted


@dataclass(frozen=True, slots=True)
class Command:
    """A wish of the operator for a daemon, kept as a row until it is done."""

    id: int
    daemon: str
    verb: str
    args: dict[str, Any]
    """A secret that cannot be opened any more is None."""
    created_at: float
    done_at: float | None = None
    result: dict[str, Any] | None = None
    node_id: str | None = None
    """The node that is to do it; None: this one."""
    origin: str | None = None
    """The master that wants it, and its number there; None: it was asked here."""


def networks(name: str, value: Any) -> list[ipaddress.IPv4Network]:
    """Return the networks that a list of texts names, which may be looked at; BadRequest."""
    if not isinstance(value, list | tuple) or len(value) > MAX_TARGETS:
        raise BadRequest(f"{name}: expected a list of at most {MAX_TARGETS} addresses or networks")
    wanted = [_network(name, text) for text in value]
    if sum(network.num_addresses for network in wanted) > 2 ** (32 - WIDEST):
        raise BadRequest(f"{name}: more than {2 ** (32 - WIDEST):,} addresses at once")
    return wanted


def _network(name: str, value: Any) -> ipaddress.IPv4Network:
    if not isinstance(value, str):
        raise BadRequest(f"{name}: expected texts such as 192.168.1.0/24")
    try:
        network = ipaddress.IPv4Network(value.strip(), strict=False)
    except ValueError:
        raise BadRequest(
            f"{name}: {value[:40]!r} is neither an IPv4 address nor a network like 192.168.1.0/24"
        ) from None
    if network.prefixlen < WIDEST:
        raise BadRequest(f"{name}: {network} has more than {2 ** (32 - WIDEST):,} addresses")
    first = network.network_address
    if first.is_multicast or first.is_reserved or first.is_unspecified or first in _NOWHERE:
        raise BadRequest(f"{name}: {network} holds no addresses of single machines")
    return network


def targets(name: str, value: Any) -> list[str]:
    """Return networks as their owner writes them; none: all of this node."""
    return [str(network) for network in networks(name, value)]


def _no_public_ranges(args: Mapping[str, Any]) -> None:
    """Refuse to look at other people's networks by a typing error."""
    public = [one for one in networks("targets", args["targets"]) if one.is_global and one.num_addresses > 1]
    if public and not args["outside"]:
        raise BadRequest(f"targets: {public[0]} holds public addresses: is it yours? {OUTSIDE}")


def mac(name: str, value: Any) -> str:
    address = as_mac(value) if isinstance(value, str) else None
    if address is None:
        raise BadRequest(f"{name}: expected a MAC such as 02:00:00:00:00:01")
    return address


def address(name: str, value: Any) -> str:
    """Return the address of a single machine."""
    network = _network(name, value)
    if network.num_addresses > 1:
        raise BadRequest(f"{name}: expected one address such as 192.168.1.20")
    return str(network.network_address)


def switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"{name}: expected true or false")
    return value


def password(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name}: expected a password that is not empty")
    if len(value) > MAX_PASSWORD or not value.isprintable():
        raise BadRequest(f"{name}: expected at most {MAX_PASSWORD} characters that can be printed")
    return value


def word(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_NAME or not value.isprintable():
        raise BadRequest(f"{name}: expected 1 to {MAX_NAME} characters that can be printed")
    return value.strip()


def word_or_none(name: str, value: Any) -> str | None:
    return None if value is None else word(name, value)


def number(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**53:
        raise BadRequest(f"{name}: expected a number from 1")
    return value


def letter(name: str, value: Any) -> str:
    """Return what one box writes to another."""
    if not isinstance(value, str) or not 2 <= len(value) <= MAX_LETTER:
        raise BadRequest(f"{name}: expected a text of at most {MAX_LETTER} characters")
    return value


_THE_MINER = Argument("mac", mac)

VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "scan", DISCOVERD, "scan", "look for miners now",
            (Argument("targets", targets, default=()), Argument("outside", switch, default=False, on_the_box=True)),
            area="site", check=_no_public_ranges,
        ),
        Verb(
            "set_managed", SYNCD, "miner.managed", "steer a miner or leave it alone",
            (_THE_MINER, Argument("managed", switch)), about="mac", pending="managed",
            role=lambda args: least_role("managed", args.get("managed")),
        ),
        Verb(
            "set_unlock_pass", SYNCD, "miner.password", "take a miner's own password",
            (_THE_MINER, Argument("password", password, secret=True)), about="mac", pending="unlock_pass",
        ),
        Verb(
            "agree_to_address", SYNCD, "miner.agree", "take what answers at an address for a miner",
            (_THE_MINER, Argument("ip", address)), about="mac", sends_secrets=True,
        ),
        Verb(
            "remove_miner", SYNCD, "miner.remove", "forget a miner that is gone", (_THE_MINER,), about="mac",
        ),
        Verb(
            "merge_miners", SYNCD, "miner.merge", "make one miner of two that are one machine",
            (_THE_MINER, Argument("into", mac)), about="mac",
        ),
        Verb(
            "set_max_preset", SYNCD, "model.max_preset", "limit the presets of a model",
            (Argument("alias", word), Argument("name", word_or_none)), about="alias",
            role=lambda _: least_role("max_preset", None),  # what it was elsewhere is not known here
        ),
        Verb(
            "steer", CONTROLD, "order.take", "carry out an order to miners",
            (Argument("order", number), Argument("body", letter, secret=True)), between_boxes=True,
        ),
        Verb(
            "steer_cancel", CONTROLD, "order.cancel", "ask no more miners of an order", (Argument("order", number),),
            between_boxes=True,
        ),
    )
}  # fmt: skip


def verb_for(name: str, daemon: str | None = None) -> Verb:
    """Return a verb of the table; BadRequest for one that this version does not know, or of another daemon."""
    verb = VERBS.get(name)
    if verb is None or daemon not in (None, verb.daemon):
        raise BadRequest(f"this node does not know the order {name[:64]!r}" + (f" for {daemon}" if daemon else ""))
    return verb


def secrets_of(verb: str) -> frozenset[str]:
    """Return which arguments of a verb are secret."""
    return VERBS[verb].secrets if verb in VERBS else frozenset()


def words_of(verb: str) -> str:
    """Return what a verb does, for a sentence; the verb itself where it is not known."""
    return VERBS[verb].words if verb in VERBS else verb
