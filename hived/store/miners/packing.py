"""Compact forms of what history keeps: the chips of one board as one record, the small parts of a status as another.

A fleet of 1,000 miners has 342,000 chips a minute. A row per chip costs 32 bytes; these records cost about 4, because
equal quantities lie together and neighbours resemble each other (planes of 16-bit numbers, then deflate).
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from hived.errors import HivedError
from hived.records.miner import ChipReading, HashboardChips, SensorReading
from hived.records.wire import LISTS_0_1_0

_VERSION = 1
_DETAIL_VERSION = 3
_HASHRATE_STEP_HS = 1e8  # 0.1 GH/s: a chip makes 150 to 1,500 GH/s
_NONE_U16 = 0xFFFF
_NONE_I16 = -0x8000
_NONE_U32 = 0xFFFFFFFF
_GRADES = (None, "grey", "orange", "red")
_THROTTLE_BITS = {None: 0, False: 4, True: 8}
_MAX_UNPACKED = 1 << 20


def pack_chips(board: HashboardChips) -> bytes:
    """Return one board's chips as bytes; `unpack_chips` gives the same record back.

    Hashrates are kept to 0.1 GH/s, temperatures to 0.1 °C, counters to 32 bits.
    """
    chips = board.chips
    highest = max((c.hashrate_hs for c in chips if c.hashrate_hs), default=0.0)
    step = max(1, -(-int(highest / _HASHRATE_STEP_HS) // (_NONE_U16 - 1)))
    head: dict[str, Any] = {
        "s": board.state, "d": board.description, "h": _thin(board.hashrate_hs), "e": _thin(board.expected_hashrate_hs),
        "f": board.frequency_mhz, "n": [[s.position, s.state, s.board_temp_c, s.chip_temp_c] for s in board.sensors],
        "k": step,
    }  # fmt: skip
    if any(c.index != i for i, c in enumerate(chips)):
        head["i"] = [c.index for c in chips]
    text = json.dumps({k: v for k, v in head.items() if v is not None and v != []}, separators=(",", ":")).encode()
    planes = (
        _plane("H", (_scaled(c.hashrate_hs, _HASHRATE_STEP_HS * step, _NONE_U16) for c in chips)),
        _plane("h", (_tenths(c.temp_c) for c in chips)),
        _plane("H", (_scaled(c.frequency_mhz, 1, _NONE_U16) for c in chips)),
        _plane("H", (_scaled(c.voltage_mv, 1, _NONE_U16) for c in chips)),
        _plane("I", (_scaled(c.errors, 1, _NONE_U32) for c in chips)),
        _plane("B", (_flags(c) for c in chips)),
    )
    body = struct.pack("<HH", len(chips), len(text)) + text + b"".join(planes)
    return bytes([_VERSION]) + zlib.compress(body, 6)


def unpack_chips(index: int, packed: bytes) -> HashboardChips:
    """Return the record that `pack_chips` was given; HivedError when the bytes are not its work."""
    try:
        if packed[0] != _VERSION:
            raise HivedError(f"chip record of unknown version {packed[0]}")
        body = zlib.decompressobj().decompress(packed[1:], _MAX_UNPACKED)
        count, length = struct.unpack_from("<HH", body)
        head = json.loads(body[4 : 4 + length])
        at = 4 + length
        planes: list[array[Any]] = []
        for code in ("H", "h", "H", "H", "I", "B"):
            plane = array(code)
            size = count * plane.itemsize
            plane.frombytes(body[at : at + size])
            if sys.byteorder == "big":
                plane.byteswap()
            if len(plane) != count:
                raise HivedError("chip record is cut")
            planes.append(plane)
            at += size
    except (zlib.error, struct.error, ValueError, IndexError) as err:
        raise HivedError(f"chip record cannot be read: {err}") from err
    rate, temp, freq, volt, errors, flags = planes
    step = _HASHRATE_STEP_HS * head.get("k", 1)
    indices: Sequence[int] = head.get("i") or range(count)
    chips = tuple(
        ChipReading(
            index=indices[i],
            hashrate_hs=None if rate[i] == _NONE_U16 else rate[i] * step,
            frequency_mhz=None if freq[i] == _NONE_U16 else float(freq[i]),
            voltage_mv=None if volt[i] == _NONE_U16 else float(volt[i]),
            temp_c=None if temp[i] == _NONE_I16 else temp[i] / 10,
            errors=None if errors[i] == _NONE_U32 else errors[i],
            grade=_GRADES[flags[i] & 3],
            throttled=True if flags[i] & 8 else (False if flags[i] & 4 else None),
        )
        for i in range(count)
    )
    return HashboardChips(
        index=index, state=head.get("s"), description=head.get("d"), hashrate_hs=head.get("h"),
        expected_hashrate_hs=head.get("e"), frequency_mhz=head.get("f"), chips=chips,
        sensors=tuple(SensorReading(*s) for s in head.get("n", ())),
    )  # fmt: skip


# Seen in nearly every status: deflate refers to it instead of repeating it in each small record.
_DICTIONARY_2 = (
    b'"description":"","failure_code":1002,"throttle_percent":"switcher_top_preset":"preset_tuned":true,"preset_label":"'
    b'["stopped""failure""initializing""auto-tuning""disconnected""working""offline""devfee""DevFee""131K""262K""65.5K"'
    b'{"fan_duty_percent":100,"fans":[[0,1800,6000,"ok"],[1,1800,6000,"ok"],[2,1800,6000,"lost"],[3,"boards":[[1,"mining",'
    b'[2,"mining",[3,"mining",0,0,0]],"pools":[[0,".com:3333","farm.worker","user","active",0,0,"131K"],[1,'
    b'"user","working",[2,"DevFee","DevFee","devfee","working","16.4K"]],"extra":{"nameplate_hashrate_hs":'
    b',"hardware_error_percent":0,"devfee_percent":2.8,"preset_label":" watt ~ TH","preset_tuned":true,"best_share":'
    b',"cooling_mode":"auto"}}'
)
_DICTIONARY_3 = _DICTIONARY_2 + (
    b'inlet_water_temp_c outlet_water_temp_c"{"reported_power_w":2488,"chip_temp_min_c":61.0,"pcb_temp_min_c":48.0,'
    b'"fan_duty_percent":64.0,"hardware_errors":0,"found_blocks":0,"restart_count":0,'
    b'"fans":["index rpm max_rpm status",[0,3000,6000,"ok"],"hashboards":["index state hashrate_hs'
    b" expected_hashrate_hs power_w voltage_mv frequency_mhz pcb_temp_min_c pcb_temp_max_c chip_temp_min_c"
    b' chip_temp_max_c hardware_errors chips_grey chips_orange chips_red",[1,"mining",'
    b'"pools":["index url user kind status accepted rejected stale difficulty ping_ms last_share_s",[0,"stratum+tcp://'
)
_DICTIONARIES = {2: _DICTIONARY_2, _DETAIL_VERSION: _DICTIONARY_3}


def pack_detail(detail: dict[str, Any]) -> bytes:
    """Return a small JSON document as bytes, a third of its size."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=_DICTIONARY_3)
    text = json.dumps(detail, separators=(",", ":")).encode()
    return bytes([_DETAIL_VERSION]) + squeeze.compress(text) + squeeze.flush()


def unpack_detail(packed: bytes | None) -> dict[str, Any]:
    """Return the document of `pack_detail`; empty for None; HivedError when the bytes are not its work."""
    if not packed:
        return {}
    dictionary = _DICTIONARIES.get(packed[0])
    if dictionary is None:
        raise HivedError(f"status record of unknown version {packed[0]}")
    try:
        text = zlib.decompressobj(-15, zdict=dictionary).decompress(packed[1:], _MAX_UNPACKED)
        document: dict[str, Any] = json.loads(text)
    except (zlib.error, ValueError) as err:
        raise HivedError(f"status record cannot be read: {err}") from err
    return document if packed[0] == _DETAIL_VERSION else _named(document)


def _named(document: dict[str, Any]) -> dict[str, Any]:
    """Return what 0.1.0 stored with the names that it left out."""
    for name, (ours, names) in LISTS_0_1_0.items():
        if name in document:
            document[ours] = [" ".join(names), *document.pop(name)]
    return document


def _plane(code: str, values: Iterable[int]) -> bytes:
    plane = array(code, values)
    if sys.byteorder == "big":
        plane.byteswap()
    return plane.tobytes()


def _scaled(value: float | None, step: float, none: int) -> int:
    return none if value is None or value < 0 else min(round(value / step), none - 1)


def _tenths(value: float | None) -> int:
    return _NONE_I16 if value is None else max(-0x7FFF, min(0x7FFF, round(value * 10)))


def _flags(chip: ChipReading) -> int:
    grade = _GRADES.index(chip.grade) if chip.grade in _GRADES else 0
    return grade | _THROTTLE_BITS[chip.throttled]


def _thin(value: float | None) -> float | None:
    """Keep six significant digits, as a status does."""
    return None if value is None else float(f"{value:.6g}")
