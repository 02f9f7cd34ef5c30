"""What is said over MQTT: the broker, the topics, and the commands that come back, read as what they are: hostile.

Times are UTC epoch seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hived.errors import BadRequest, Unreadable
from hived.records import values
from hived.records.net import as_mac, is_loopback
from hived.records.untrusted import LATEST

PORTS = {"mqtt": 1883, "mqtts": 8883}

MAX_COMMAND = 512
"""Bytes of a command: the longest name of a preset and what is around it take a fifth."""
OLD_S = 10.0
"""A command of before is not carried out: whoever gave it has seen by now that nothing happened. As far ahead, a clock
is wrong, and nobody can tell how old it is."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker listens, and who we are there."""

    host: str
    port: int
    tls: bool
    username: str | None = None

    @classmethod
    def of(cls, url: str, username: str | None = None) -> Broker:
        """Return what a URL says that the configuration has read: mqtt://HOST:PORT or mqtts://HOST:PORT."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or PORTS[parts.scheme], parts.scheme == "mqtts", username)

    @property
    def may_steer(self) -> bool:
        """Whether commands from there may be believed: nobody on the way can have made them up."""
        return self.tls or is_loopback(f"[{self.host}]" if ":" in self.host else self.host)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one box. `base`: below which all of its own are; `prefix`: where Home Assistant looks."""

    base: str
    prefix: str
    box: str

    @classmethod
    def of(cls, topic: str, prefix: str, node_id: str) -> Topics:
        """Return the topics of a node; what a topic or an id of Home Assistant cannot hold of its id is "_"."""
        box = re.sub(r"[^A-Za-z0-9_-]", "_", node_id)
        return cls(f"{topic}/{box}", prefix, box)

    @property
    def status(self) -> str:
        """ "online" or "offline", kept by the broker: birth and will."""
        return f"{self.base}/status"

    @property
    def site(self) -> str:
        return f"{self.base}/site"

    @property
    def site_id(self) -> str:
        """What Home Assistant knows the site by."""
        return f"hived_site_{self.box}"

    def miner(self, mac: str) -> str:
        return f"{self.base}/miners/{_plain(mac)}"

    def miner_id(self, mac: str) -> str:
        """What Home Assistant knows a miner by, whichever box tells of it."""
        return f"hived_{_plain(mac)}"

    def device(self, device_id: str) -> str:
        """Where Home Assistant is told of a device."""
        return f"{self.prefix}/device/{device_id}/config"

    def told(self, mac: str) -> str:
        """A mark, kept by the broker, that it keeps a device of this miner: after a restart nothing else says so."""
        return f"{self.base}/told/{_plain(mac)}"

    def command(self, mac: str, what: str) -> str:
        return f"{self.miner(mac)}/do/{what}"

    @property
    def all_told(self) -> str:
        return f"{self.base}/told/+"

    @property
    def commands(self) -> str:
        return f"{self.base}/miners/+/do/+"

    @property
    def home(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    def told_of(self, topic: str) -> str | None:
        """Return the MAC of the miner that a mark is for, None for anything else."""
        start = f"{self.base}/told/"
        return as_mac(topic.removeprefix(start)) if topic.startswith(start) else None


def _plain(mac: str) -> str:
    return mac.replace(":", "")


# -- commands ----------------------------------------------------------------------------------------------------------

PRESS = "PRESS"
_DOES: Mapping[str, Mapping[str, str]] = {
    "mining": {"ON": "resume", "OFF": "pause"}, "locate": {PRESS: "locate"}, "reboot": {PRESS: "reboot"},
}  # fmt: skip
SCOPE = frozenset({"pause", "resume", "locate", "preset"})
"""What may be ordered over MQTT; a reboot only where the configuration says so of its own."""


def scope(*, steer: bool, reboot: bool) -> frozenset[str]:
    """Return the verbs that may be ordered over MQTT at a site."""
    return SCOPE | ({"reboot"} if reboot else frozenset()) if steer else frozenset()


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody at the broker wants of a miner."""

    mac: str
    what: str
    """The last part of its topic."""
    verb: str
    args: Mapping[str, Any]
    at: float
    """When it was given."""

    def is_old(self, now: float) -> bool:
        """Tell whether it is too late for it, or nobody can tell."""
        return abs(now - self.at) > OLD_S


def read_command(topics: Topics, topic: str, payload: bytes, allowed: frozenset[str]) -> Command:
    """Return the command that a message is: {"at": when it was given, "do": what}. BadRequest says why it is none.

    Whether it is old is not judged here.
    """
    parts = topic.removeprefix(f"{topics.base}/miners/").split("/")
    mac = as_mac(parts[0]) if topic.startswith(f"{topics.base}/miners/") and len(parts) == 3 else None
    if mac is None or parts[1] != "do":
        raise BadRequest("no topic of a command")
    if len(payload) > MAX_COMMAND:
        raise BadRequest(f"longer than {MAX_COMMAND} bytes")
    try:
        told = values.top_object(payload)
    except Unreadable:
        raise BadRequest('no JSON such as {"at": 1700000000.0, "do": "ON"}') from None
    at, do = values.number(told.get("at"), 0, LATEST), values.text(told.get("do"), 100)
    if at is None or do is None:
        raise BadRequest('it lacks "at", the time when it was given, or "do"')
    verb, args = _verb(parts[2], do)
    if verb not in allowed:
        raise BadRequest(f"{verb} may not be ordered over MQTT here")
    return Command(mac, parts[2], verb, args, at)


def _verb(what: str, do: str) -> tuple[str, dict[str, Any]]:
    if what == "preset":
        return "preset", {"name": do}
    verb = _DOES.get(what, {}).get(do)
    if verb is None:
        raise BadRequest("no command that this version knows")
    return verb, {}
