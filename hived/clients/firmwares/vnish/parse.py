"""Turn the replies of VNish 1.2 and 1.3 into records; no input raises but Unreadable and NotThisFirmware.

A field that is missing, null, of the wrong type or out of range becomes None. A reply is Unreadable only when it
is no JSON, not the kind of JSON (object or array) that the call answers with, or lacks what names the record.
"""

from __future__ import annotations

import ipaddress
import re

from hived.clients.firmwares.vnish.fields import (
    MAX_BOARDS,
    MAX_CHIPS,
    MAX_POOLS,
    MAX_POWER_W,
    UNKNOWN,
    endpoint,
    plain,
    rate,
    text,
    uptime,
)
from hived.errors import NotThisFirmware, Unreadable
from hived.records import units
from hived.records.miner import (
    ApiKey,
    MinerIdentity,
    MinerSettings,
    ModelInfo,
    Preset,
    TuningReading,
)
from hived.records.net import as_mac
from hived.records.values import (
    document,
    flag,
    integer,
    items,
    number,
    table,
    tables,
    top_array,
    top_object,
)

MAX_PRESETS = 256
MAX_KEYS = 256
MAX_ROWS = 128  # of a topology; the largest known has 10
MAX_LOCKOUT_S = 1e7

_NAMES_OF_INFO = ("fw_name", "fw_version", "miner", "model")
_TRACE_OF_INFO = re.compile(rb'"fw_(?:name|version)"|^\s*\{\s*"miner"\s*:\s*"')
_TOKEN = re.compile(r"[!-~]{1,4096}")  # opaque, or a JWT; must be safe to send in a header
_UNITS = {"sha256d": "GH/s", "scrypt": "MH/s"}
"""In which a miner of an algorithm reports; 1.3 may say "N/A" for the unit and "unknown" for the algorithm."""
_SCALES = {"k": "kH/s", "m": "MH/s", "g": "GH/s", "t": "TH/s", "p": "PH/s"}
_LABEL = re.compile(
    r"([0-9]{1,6}(?:\.[0-9]+)?)\s*w(?:att)?s?\s*~\s*([0-9]{1,6}(?:\.[0-9]+)?)\s*([kmgtp])h", re.IGNORECASE
)


def identity(body: bytes) -> MinerIdentity:
    """Return who answered /info, told by the shape of the reply (rebrands have another `fw_name`).

    NotThisFirmware: it is something else. Unreadable: it shows traces of VNish, but is cut, broken or without MAC.
    """
    try:
        doc = document(body)
    except Unreadable:
        if _TRACE_OF_INFO.search(body):
            raise
        raise NotThisFirmware("answers, but not with JSON", looks_like(body)) from None
    if sum(name in table(doc) for name in _NAMES_OF_INFO) < 3:
        raise NotThisFirmware("answers with JSON of another kind", "generic-json")
    system = table(doc.get("system"))
    network = table(system.get("network_status"))
    unit = text(doc.get("hr_measure")) or ""
    return MinerIdentity(
        mac=_mac(network.get("mac")),
        model_name=text(doc.get("miner")),
        model_alias=text(doc.get("model")),
        firmware_version=text(doc.get("fw_version")),
        hostname=text(network.get("hostname")),
        serial=None if doc.get("serial") == "N/A" else text(doc.get("serial")),
        platform=text(doc.get("platform")),
        hashrate_unit=units.hashrate_unit(unit) or _UNITS.get(text(doc.get("algorithm")) or "", UNKNOWN),
        uptime_s=uptime(system.get("uptime")),
        address=_address(network.get("ip")),
    )


def looks_like(body: bytes) -> str:
    """Name what a reply that is not VNish's looks like: "html", "generic-json" or "unknown"."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "html"
    try:
        return "generic-json" if isinstance(document(body), (dict, list)) else "unknown"
    except Unreadable:
        return "unknown"


def _mac(value: object) -> str:
    mac = as_mac(text(value) or "")
    if mac is None or mac in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
        raise Unreadable("tells no usable MAC address")
    return mac


def _address(value: object) -> str | None:
    try:
        return str(ipaddress.ip_address(text(value) or ""))
    except ValueError:
        return None


def model(body: bytes) -> ModelInfo:
    """Return what /model says; Unreadable without the alias that the catalogue is keyed by."""
    doc = top_object(body)
    chain = table(doc.get("chain"))
    alias = text(doc.get("model"))
    if alias is None:
        raise Unreadable("names no model")
    return ModelInfo(
        alias=alias,
        name=text(doc.get("full_name")),
        chips_per_chain=integer(chain.get("chips_per_chain"), 1, MAX_CHIPS),
        chains=integer(chain.get("num_chains"), 1, MAX_BOARDS),
        topology=_topology(table(chain.get("topology")).get("chips")),
        series=text(doc.get("series")),
    )


def _topology(value: object) -> tuple[tuple[int, ...], ...] | None:
    """Return the rows of chips, or None as soon as one place is not understood: half a map misleads."""
    rows = []
    for row in items(value, MAX_ROWS):
        places = [integer(place, -1, MAX_CHIPS - 1) for place in items(row, MAX_ROWS)]
        known = tuple(place for place in places if place is not None)
        if not known or len(known) != len(places):
            return None
        rows.append(known)
    return tuple(rows) or None


def perf_summary(body: bytes) -> TuningReading:
    """Return what runs now."""
    doc = top_object(body)
    preset = table(doc.get("current_preset"))
    switcher = table(doc.get("preset_switcher"))
    return TuningReading(
        preset=text(preset.get("name")),
        preset_label=text(preset.get("pretty")),
        preset_tuned=_tuned(preset.get("status")),
        switcher_top_preset=text(switcher.get("top_preset")) if switcher.get("enabled") is True else None,
    )


def _tuned(value: object) -> bool | None:
    return {"tuned": True, "untuned": False}.get(text(value) or "")


def presets(body: bytes) -> tuple[Preset, ...]:
    """Return the ladder from the lowest watts up, each name once; without watts ("disabled") comes first."""
    ladder: dict[str, Preset] = {}
    for row in tables(top_array(body), MAX_PRESETS):
        name = text(row.get("name"))
        if name is not None:
            ladder.setdefault(name, _preset(name, row))
    return tuple(sorted(ladder.values(), key=lambda preset: preset.power_w or 0))


def _preset(name: str, row: dict[str, object]) -> Preset:
    """Return one step. The name is the watts; the label ("2500 watt ~ 92 TH", "... Th LC") tells the rate."""
    label = _LABEL.match(text(row.get("pretty")) or "")
    watts = name if name.isdecimal() and name.isascii() else label and label[1]
    return Preset(
        name=name,
        power_w=number(float(watts), 0, MAX_POWER_W) if watts else None,
        hashrate_hs=rate(float(label[2]), _SCALES[label[3].lower()]) if label else None,
        modded_psu_required=flag(row.get("modded_psu_required")),
        tuned=_tuned(row.get("status")),
    )


def settings(body: bytes) -> MinerSettings:
    """Return the settings that versions are made of: always the same eight keys, never a password."""
    doc = top_object(body)
    miner = table(doc.get("miner"))
    overclock = table(miner.get("overclock"))
    pools = [
        {"url": url, "user": text(pool.get("user"))}
        for pool in tables(miner.get("pools"), MAX_POOLS)
        if (url := endpoint(pool.get("url")))  # the firmware has three slots and leaves spare ones blank
    ]
    return MinerSettings(
        {
            "pools": pools,
            "requested_preset": text(overclock.get("preset")),
            "preset_switcher": _members(overclock.get("preset_switcher")),
            "globals": _members(overclock.get("globals")),
            "cooling": _members(miner.get("cooling")),
            "network": _members(doc.get("network")),
            "misc": _members(miner.get("misc")),
            "timezone": text(table(table(doc.get("regional")).get("timezone")).get("current")),
        }
    )


def _members(value: object) -> dict[str, object] | None:
    return plain(value) if isinstance(value, dict) else None


def token(body: bytes) -> str:
    """Return the bearer token of an unlock; Unreadable when there is none that can be sent back."""
    value = top_object(body).get("token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Unreadable("the unlock brought no usable token")
    return value


def api_keys(body: bytes) -> tuple[ApiKey, ...]:
    """Return the keys that the miner knows, in its order."""
    return tuple(
        ApiKey(key, text(row.get("description")))
        for row in tables(top_array(body), MAX_KEYS)
        if isinstance(key := row.get("key"), str) and _TOKEN.fullmatch(key)
    )


def auth_check(body: bytes) -> None:
    """Accept the reply to /auth-check, an object or nothing; Unreadable for a server that says 200 to all."""
    if body.strip():
        top_object(body)


def key_status(body: bytes) -> str:
    """Return what became of an added key: "inserted", "updated" or "nochanges"."""
    told = text(top_object(body).get("status"))
    if told not in ("inserted", "updated", "nochanges"):
        raise Unreadable("does not say whether it took the key")
    return told


def unlock_timeout(body: bytes) -> float | None:
    """Return the seconds of lockout that a refused unlock tells; None for none and for any other reply."""
    try:
        return number(table(document(body)).get("unlock_timeout"), 0, MAX_LOCKOUT_S)
    except Unreadable:
        return None


def error_text(body: bytes) -> str | None:
    """Return the `err` (or `error`) of a failed call, uncut: whoever shows it first removes what it must not say."""
    try:
        told = table(document(body))
        err = told.get("err", told.get("error"))
    except Unreadable:
        return None
    return err if isinstance(err, str) else None
