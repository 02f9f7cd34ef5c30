"""What steering needs to read: the state, the settings with the pools' passwords, and the answer to what was asked for.

The reader of the pools is strict, for what it returns is written back: anything but whole slots is none at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from hived.clients.firmwares.vnish.fields import MAX_URL, endpoint, text
from hived.errors import Unreadable
from hived.records.steering import MAX_SLOTS, Said
from hived.records.values import document, flag, integer, table, top_object

SLOTS = 3
"""How many pools the firmware has places for."""
_POOL = ("url", "user", "pass")


@dataclass(frozen=True, slots=True)
class Pane:
    """What /status says."""

    state: str | None = None
    finding: bool | None = None
    waits: bool | None = None
    """Whether a change waits for a restart of mining, or of the control board."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What /settings say: what was asked of the miner, not what it does."""

    preset: str | None = None
    cooling: Mapping[str, Any] | None = None
    slots: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    """The pools as they are on the miner, {url, user, pass} each, blank ones too; () where one is not told exactly."""

    def pools(self) -> tuple[Mapping[str, Any], ...] | None:
        """Return all slots without any password; None when the miner does not tell them."""
        blank = ("", "") if self.slots else None
        shown = [place(slot) for slot in self.slots] + [blank] * (SLOTS - len(self.slots))
        return tuple({"slot": slot, "url": one[0], "user": one[1]} for slot, one in enumerate(shown) if one) or None

    def passwords(self) -> dict[int, str]:
        """Return the pools' passwords by slot."""
        return {slot: one["pass"] for slot, one in enumerate(self.slots)}


def place(slot: Mapping[str, str]) -> tuple[str, str]:
    """Return where a slot leads and for whom, as it may be shown."""
    return endpoint(slot["url"]) or "", text(slot["user"]) or ""


def pane(body: bytes) -> Pane:
    """Return what /status says."""
    doc = top_object(body)
    told = flag(doc.get("restart_required")), flag(doc.get("reboot_required"))
    return Pane(
        state=text(doc.get("miner_state")),
        finding=flag(doc.get("find_miner")),
        waits=None if told == (None, None) else True in told,
    )


def asked(body: bytes) -> Asked:
    """Return what /settings say."""
    miner = table(top_object(body).get("miner"))
    return Asked(
        preset=text(table(miner.get("overclock")).get("preset")),
        cooling=_cooling(table(table(miner.get("cooling")).get("mode"))),
        slots=_slots(miner.get("pools")),
    )


def _cooling(mode: dict[str, Any]) -> dict[str, Any] | None:
    name = (text(mode.get("name")) or "").lower()
    if not name:
        return None
    param = integer(mode.get("param"), 0, 100)
    return {
        "mode": "immersion" if name == "immers" else name,
        "percent": param if name == "manual" else None,
        "target_c": param if name == "auto" else None,
    }


def _slots(value: object) -> tuple[dict[str, str], ...]:
    """Return every slot, or none: one that is not told as it is would be written back as something else."""
    if not isinstance(value, list) or len(value) > MAX_SLOTS:
        return ()
    slots = [{name: part for name in _POOL if _exact(part := table(one).get(name))} for one in value]
    return tuple(slots) if all(len(slot) == len(_POOL) for slot in slots) else ()


def _exact(part: object) -> TypeGuard[str]:
    """Tell whether a text is known to the last character: what is no UTF-8 was read as something else."""
    return isinstance(part, str) and len(part) <= MAX_URL and "\ufffd" not in part


def said(body: bytes) -> Said:
    """Return what a yes brings with it: nothing where the body is empty, as most are, or cannot be read."""
    try:
        doc = table(document(body))
    except Unreadable:
        return Said()
    return Said(None, doc.get("restart_required") is True, doc.get("reboot_required") is True)
