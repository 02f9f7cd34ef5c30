"""Turn /chains (1.2), /boards (1.3) and /chips (older 1.2) into the chips of each hashboard."""

from __future__ import annotations

from typing import Any

from hived.clients.firmwares.vnish.fields import (
    MAX_BOARDS,
    MAX_CHIPS,
    MAX_FREQUENCY_MHZ,
    MAX_SENSORS,
    MAX_VOLTAGE_MV,
    distinct,
    rate,
    temperatures,
    text,
)
from hived.errors import Unreadable
from hived.records.miner import ChipReading, HashboardChips, SensorReading
from hived.records.values import (
    document,
    flag,
    integer,
    number,
    table,
    tables,
)


def boards(body: bytes, hashrate_unit: str = "GH/s") -> tuple[HashboardChips, ...]:
    """Return every hashboard with its chips; none while the miner has found no board."""
    doc = document(body)
    rows = doc.get("chains", doc.get("boards")) if isinstance(doc, dict) else doc
    if not isinstance(rows, list):
        raise Unreadable("the answer is no list of boards")
    found = tables(rows, MAX_BOARDS)
    indices = distinct((integer(row.get("id"), 0, 255) for row in found), first=1)
    return tuple(_board(row, index, hashrate_unit) for row, index in zip(found, indices, strict=True))


def _board(row: dict[str, Any], index: int, unit: str) -> HashboardChips:
    state = table(row.get("status"))
    chips = tables(row.get("chips"), MAX_CHIPS)
    if isinstance(row.get("sensors"), list):
        sensors = tuple(_sensor(sensor) for sensor in tables(row["sensors"], MAX_SENSORS))
    else:
        sensors = tuple(_chip_sensor(chip) for chip in chips if table(chip.get("sensor")))[:MAX_SENSORS]
    return HashboardChips(
        index=index,
        state=text(state.get("state")),
        description=text(state.get("failure_message")) or text(state.get("description")),
        hashrate_hs=rate(row.get("hr_realtime"), unit),
        expected_hashrate_hs=rate(row.get("hr_nominal"), unit),
        frequency_mhz=number(row.get("freq"), 0, MAX_FREQUENCY_MHZ),
        chips=tuple(_chip(chip, at, unit) for chip, at in zip(chips, _chip_indices(chips), strict=True)),
        sensors=sensors,
    )


def _chip_indices(chips: list[dict[str, Any]]) -> list[int]:
    """Return indices from 0. The ids count from 1; a list that has an id 0 counts from there."""
    ids = [integer(chip.get("id"), 0, MAX_CHIPS) for chip in chips]
    first = 0 if 0 in ids else 1
    return distinct((None if chip_id is None else chip_id - first for chip_id in ids), first=0)


def _chip(chip: dict[str, Any], index: int, unit: str) -> ChipReading:
    """Return one chip. Where the temperature was not measured, 0 mV was not either."""
    (temp,) = temperatures(chip.get("temp"))
    voltage = number(chip.get("volt"), 0, MAX_VOLTAGE_MV)
    return ChipReading(
        index=index,
        hashrate_hs=rate(chip.get("hr", chip.get("hashrate")), unit),
        frequency_mhz=number(chip.get("freq"), 0, MAX_FREQUENCY_MHZ),
        voltage_mv=voltage or None if temp is None else voltage,
        temp_c=temp,
        errors=integer(chip.get("errs", chip.get("errors"))),
        grade=text(chip.get("grade", chip.get("status"))),
        throttled=flag(chip.get("throttled")),
    )


def _sensor(sensor: dict[str, Any]) -> SensorReading:
    temps = temperatures(sensor.get("board"), sensor.get("chip"))
    return SensorReading(_position(sensor.get("loc")), text(sensor.get("state")), *temps)


def _chip_sensor(chip: dict[str, Any]) -> SensorReading:
    sensor = table(chip.get("sensor"))
    temps = temperatures(sensor.get("pcb_temp"), sensor.get("chip_temp"))
    return SensorReading(_position(chip.get("id")), text(sensor.get("status")), *temps)


def _position(value: object) -> int | None:
    """Return the chip's index from 0. `loc` counts from 1: 17, 60, 38, 39 are the four corners of an S19."""
    place = integer(value, 1, MAX_CHIPS)
    return None if place is None else place - 1
