"""Steer a VNish miner: which call does what, how long it takes, and how the effect is read back.

A yes proves nothing here: the answer is empty, or the same whether or not a change took. Only what changes is sent:
a whole `overclock` that is written back overwrites the tuned values of every chip.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hived.clients.firmwares.vnish.client import VnishClient
from hived.clients.firmwares.vnish.parse_steer import SLOTS, Asked, place
from hived.errors import (
    NO_ANSWER,
    AnotherDevice,
    BadCredentials,
    NotSupported,
    NotThisFirmware,
    Refused,
    Transient,
)
from hived.records.firmware import Feature, Reach
from hived.records.miner import ON_THE_WAY
from hived.records.pools import bare
from hived.records.steering import Said, Seen, Wish
from hived.records.values import integer

FEATURES = frozenset({
    Feature.PAUSE, Feature.RESTART, Feature.REBOOT, Feature.LOCATE, Feature.PRESET, Feature.DIMMER, Feature.POOLS,
    Feature.COOLING,
})  # fmt: skip
"""Of the whole family. Watts are not among them: it takes presets only."""

_VERSION = re.compile(r"\s*v?([0-9]{1,4})\.([0-9]{1,4})")
_DIMMER_SINCE = (1, 3)
"""Seen at work on 1.3.3 and 1.3.4; older ones have no such call."""

PATIENCE_S = {
    "pause": 60.0,  # at once; a stop takes some seconds
    "resume": 480.0,  # a start takes 180 to 240 s to the full rate: twice that
    "restart": 480.0,
    "reboot": 600.0,  # 90 s until it answers again (measured once), then a start
    "locate": 15.0,
    "preset": 600.0,  # nine steps were in force after 497 s
    "dimmer": 180.0,  # the power has moved after about 80 s
    "pools": 480.0,  # a restart
    "cooling": 60.0,
    "restore": 600.0,
}
"""Until a miner shows what it was asked for. Twice what was seen at other people's miners; ours were never timed."""

REBOOT_AFTER_S = 3
"""The firmware's own default: it answers before it goes."""
AUTO_TARGET_C = 65
"""What cooling by temperature aims at where nobody says: that of the S21 Pro capture, 60 is another's."""

_NOT_UP = "its list of pools is not told as it would have to be written back"


def features(version: str | None) -> frozenset[Feature]:
    """Return what this version can be asked for."""
    told = _VERSION.match(version or "")
    dims = told is not None and (int(told[1]), int(told[2])) >= _DIMMER_SINCE
    return FEATURES if dims else FEATURES - {Feature.DIMMER}


async def steer(client: VnishClient, reach: Reach, wish: Wish) -> Said:
    """Ask for what `wish` says."""
    act = _ACTS.get(wish.verb)
    if act is None:
        raise NotSupported(f"VNish has no call for {wish.verb}")
    return await act(client, reach, wish.args)


def _else(path: str, other: str) -> Callable[[VnishClient, Reach, Mapping[str, Any]], Awaitable[Said]]:
    """A pause is refused by a miner that does not hash, and its end by one that was stopped in another way."""

    async def act(client: VnishClient, reach: Reach, _args: Mapping[str, Any]) -> Said:
        try:
            return await client.tell(reach, path)
        except (AnotherDevice, BadCredentials, NotThisFirmware):
            raise
        except Refused:
            return await client.tell(reach, other)

    return act


async def _locate(client: VnishClient, reach: Reach, args: Mapping[str, Any]) -> Said:
    return await client.tell(reach, "/find-miner", {"on": args["on"]})  # without a body it would toggle


async def _reboot(client: VnishClient, reach: Reach, _args: Mapping[str, Any]) -> Said:
    return await client.tell(reach, "/system/reboot", {"after": REBOOT_AFTER_S})


async def _dimmer(client: VnishClient, reach: Reach, args: Mapping[str, Any]) -> Said:
    return await client.tell(reach, "/mining/throttle", {"percent": args["percent"]})


def _call(path: str) -> Callable[[VnishClient, Reach, Mapping[str, Any]], Awaitable[Said]]:
    return lambda client, reach, _args: client.tell(reach, path)


def _setting(verb: str) -> Callable[[VnishClient, Reach, Mapping[str, Any]], Awaitable[Said]]:
    return lambda client, reach, args: _settings(client, reach, {verb: args})


async def _settings(client: VnishClient, reach: Reach, parts: Mapping[str, Any]) -> Said:
    """Write the parts that are there, {verb: its arguments}, in one go."""
    preset, pools, cooling = (parts.get(verb) for verb in ("preset", "pools", "cooling"))
    change: dict[str, Any] = {}
    secrets: list[str] = []
    if preset:
        change["overclock"] = {"preset": preset["name"]}
    if cooling:
        change["cooling"] = {"mode": await _mode(client, reach, cooling)}
    if pools:
        change["pools"] = _merged(await _whole(client, reach), pools["pools"])
        secrets = [pool["pass"] for pool in change["pools"]]
    if not change:
        raise NotSupported("there is nothing in it that VNish can be given back")
    return await client.tell(reach, "/settings", {"miner": change}, secrets)


async def _mode(client: VnishClient, reach: Reach, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of the three shapes; cooling by temperature keeps its target where nobody names one."""
    if args["mode"] == "immersion":
        return {"name": "immers"}
    if args["mode"] == "manual":
        percent = integer(args.get("percent"), 0, 100)
        if percent is None:
            raise NotSupported("manual cooling needs the fans' duty")
        return {"name": "manual", "param": percent}
    target = integer(args.get("target_c"), 0, 100)
    if target is None:
        target = ((await client.asked(reach)).cooling or {}).get("target_c")
    return {"name": "auto", "param": target or AUTO_TARGET_C}


async def _whole(client: VnishClient, reach: Reach) -> Asked:
    """Return the settings as they are on the miner right now; Refused (not_up) where they may not be whole."""
    state = (await client.pane(reach)).state
    if state is None or state in ON_THE_WAY:
        raise Refused(f"it is {state or 'between two states'}: {_NOT_UP}", code="not_up")
    told = await client.asked(reach)
    if not told.slots:
        raise Refused(_NOT_UP, code="not_up")
    return told


def _merged(told: Asked, wanted: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the pools as they are with those that are wanted in their slots; what has no password keeps its own."""
    slots = [dict(slot) for slot in told.slots]
    for one in wanted:
        if one["slot"] >= max(SLOTS, len(told.slots)):
            raise NotSupported(f"it has {SLOTS} slots for pools")
        while len(slots) <= one["slot"]:
            slots.append({"url": "", "user": "", "pass": ""})
        slot = slots[one["slot"]]
        url, user = place(slot)
        if (bare(url), user) != (bare(one["url"]), one["user"]):
            slot |= {"url": one["url"], "user": one["user"]}
        if one.get("password") is not None:
            slot["pass"] = one["password"]
    return slots


_ACTS: dict[str, Callable[[VnishClient, Reach, Mapping[str, Any]], Awaitable[Said]]] = {
    "pause": _else("/mining/pause", "/mining/stop"),
    "resume": _else("/mining/resume", "/mining/start"),
    "restart": _call("/mining/restart"),
    "reboot": _reboot,
    "locate": _locate,
    "preset": _setting("preset"),
    "dimmer": _dimmer,
    "pools": _setting("pools"),
    "cooling": _setting("cooling"),
    "restore": _settings,
}


_STEPS = ("summary", "perf", "settings", "status")
_LISTS = ("settings", "status", "summary")
_PARTS: dict[str | None, tuple[str, ...]] = {
    **dict.fromkeys(("pause", "resume", "restart"), ("summary",)),
    "reboot": ("info", "summary"),
    "locate": ("status",),
    "dimmer": ("summary",),
    **dict.fromkeys(("preset", "power", "restore"), _STEPS),
    **dict.fromkeys(("pools", "cooling"), _LISTS),
    None: (*_STEPS, "info", "presets"),
}
"""What the effect of each verb is seen in."""
_BEFORE = {
    **dict.fromkeys(("pause", "resume", "restart"), ("summary", "perf")),
    **dict.fromkeys(("preset", "power", "restore"), (*_STEPS, "presets")),
}
"""What is needed beforehand, where that is not the same: the preset that runs, and those that are tuned."""
_KEEPS = (None, "pools", "restore")
"""Before these the passwords are needed, to bring back what was there."""


async def look(client: VnishClient, reach: Reach, verb: str | None, *, before: bool = False) -> Seen:
    """Return how the miner is; what does not come is left out."""
    found: dict[str, Any] = {}
    failed: Transient | Refused | None = None
    parts = _BEFORE.get(verb, _PARTS[verb]) if before and verb is not None else _PARTS[verb]
    for part in parts:
        try:
            found |= await _LOOKS[part](client, reach)
        except AnotherDevice:
            raise
        except (Transient, Refused) as err:
            failed = failed or err
            if err.code in NO_ANSWER:
                break  # what says nothing at all is not asked for more
    if not found and failed is not None:
        raise failed
    if verb not in _KEEPS:
        found.pop("kept", None)
    return Seen(at=0.0, **found)


async def _summary(client: VnishClient, reach: Reach) -> dict[str, Any]:
    reading = await client.summary(reach, sure=True)
    return {
        "state": reading.state,
        "state_s": reading.state_s,
        "hashrate_hs": reading.hashrate_hs,
        "power_w": reading.power_w,
        "throttle_percent": reading.throttle_percent,
        "restarts": reading.restart_count,
    }


async def _perf(client: VnishClient, reach: Reach) -> dict[str, Any]:
    return {"preset": (await client.perf_summary(reach, sure=True)).preset}


async def _asked(client: VnishClient, reach: Reach) -> dict[str, Any]:
    told = await client.asked(reach)
    return {
        "asked_preset": told.preset,
        "cooling": told.cooling,
        "pools": told.pools(),
        "kept": {"pools": told.passwords()},
    }


async def _pane(client: VnishClient, reach: Reach) -> dict[str, Any]:
    told = await client.pane(reach)
    return {"finding": told.finding, "restart_required": told.waits}


async def _info(client: VnishClient, reach: Reach) -> dict[str, Any]:
    told = await client.identify(reach.ip)
    if told.mac != reach.mac:
        raise AnotherDevice(f"{reach.ip} is {told.mac}'s address now")
    return {"uptime_s": told.uptime_s}


async def _presets(client: VnishClient, reach: Reach) -> dict[str, Any]:
    return {"tuned": tuple(preset.name for preset in await client.presets(reach) if preset.tuned)}


_LOOKS: dict[str, Callable[[VnishClient, Reach], Awaitable[dict[str, Any]]]] = {
    "summary": _summary,
    "perf": _perf,
    "settings": _asked,
    "status": _pane,
    "info": _info,
    "presets": _presets,
}
