"""Turn /summary into a MinerReading."""

from __future__ import annotations

from typing import Any

from hived.clients.firmwares.vnish.fields import (
    MAX_BOARDS,
    MAX_CHIPS,
    MAX_FANS,
    MAX_FREQUENCY_MHZ,
    MAX_POOLS,
    MAX_POWER_W,
    MAX_RPM,
    MAX_SECONDS,
    MAX_VOLTAGE_MV,
    UNKNOWN,
    age,
    distinct,
    endpoint,
    rate,
    temperatures,
    text,
    word,
)
from hived.records.miner import HASHING_STATES, FanReading, HashboardReading, MinerReading, PoolReading
from hived.records.values import (
    integer,
    number,
    table,
    tables,
    top_object,
)

_POOL_KINDS = {"userpool": "user", "devfee": "devfee", "refund": "refund"}


def summary(body: bytes, hashrate_unit: str = "GH/s") -> MinerReading:
    """Return one reading of the miner; an empty one for `{"miner": null}`, the reply between two states.

    The firmware's own efficiency is not read: it is J/GH on 1.2.0 and J/TH later.
    1.2.0 betas have only `instant_hashrate` and `average_hashrate`, which are a thousandth of the `hr_` fields
    (TH/s where those are GH/s).
    """
    miner = table(top_object(body).get("miner"))
    if not miner:
        return MinerReading()
    state = table(miner.get("miner_status"))
    cooling = table(miner.get("cooling"))
    boards = _boards(miner.get("chains"), hashrate_unit)
    now = rate(miner.get("hr_realtime"), hashrate_unit)
    average = rate(miner.get("hr_average"), hashrate_unit)
    if now is None:
        now = rate(miner.get("instant_hashrate"), hashrate_unit, 1000)
    if average is None:
        average = rate(miner.get("average_hashrate"), hashrate_unit, 1000)
    hashing_hs = now if text(state.get("miner_state")) in HASHING_STATES else 0
    pcb_min, pcb_max, chip_min, chip_max = _temps(miner)
    return MinerReading(
        state=text(state.get("miner_state")),
        state_s=number(state.get("miner_state_time"), 0, MAX_SECONDS),
        failure_code=integer(state.get("failure_code")),
        description=text(state.get("description")),
        throttle_percent=number(state.get("throttled"), 0, 100),
        hashrate_hs=now,
        average_hashrate_hs=average,
        expected_hashrate_hs=_expected(miner, boards, hashrate_unit),
        nameplate_hashrate_hs=rate(miner.get("hr_stock"), hashrate_unit) or None,  # 0 in a failure
        power_w=_power(miner, hashing_hs, boards),
        reported_power_w=number(miner.get("power_usage"), 0, MAX_POWER_W),
        pcb_temp_min_c=pcb_min,
        pcb_temp_max_c=pcb_max,
        chip_temp_min_c=chip_min,
        chip_temp_max_c=chip_max,
        hardware_errors=integer(miner.get("hw_errors")),
        hardware_error_percent=number(miner.get("hw_errors_percent"), 0, 100),
        devfee_percent=number(miner.get("devfee_percent"), 0, 100),
        fan_duty_percent=number(cooling.get("fan_duty"), 0, 100),
        cooling_mode=_cooling_mode(cooling),
        fans=_fans(cooling.get("fans")),
        pools=_pools(miner.get("pools")),
        hashboards=boards,
        best_share=integer(miner.get("best_share")),
        found_blocks=integer(miner.get("found_blocks")),
        restart_count=integer(miner.get("restart_count")),
        psu_temp_max_c=_psu_temp(miner.get("psu"), pcb_max),
    )


def _boards(value: object, unit: str) -> tuple[HashboardReading, ...]:
    rows = tables(value, MAX_BOARDS)
    indices = distinct((integer(row.get("id"), 0, 255) for row in rows), first=1)
    return tuple(_board(row, index, unit) for row, index in zip(rows, indices, strict=True))


def _board(row: dict[str, Any], index: int, unit: str) -> HashboardReading:
    state = table(row.get("status"))
    grades = table(row.get("chip_statuses"))
    now = rate(row.get("hashrate_rt"), unit)
    pcb_min, pcb_max, chip_min, chip_max = _temps(row)
    inlet, outlet = temperatures(row.get("inlet_water_temp"), row.get("outlet_water_temp"))
    return HashboardReading(
        index=index,
        state=text(state.get("state")),
        description=text(state.get("description")),
        hashrate_hs=now,
        expected_hashrate_hs=rate(row.get("hashrate_ideal"), unit),
        power_w=_power(row, now if text(state.get("state")) in HASHING_STATES else 0),
        voltage_mv=number(row.get("voltage"), 0, MAX_VOLTAGE_MV),
        frequency_mhz=number(row.get("frequency"), 0, MAX_FREQUENCY_MHZ),
        pcb_temp_min_c=pcb_min,
        pcb_temp_max_c=pcb_max,
        chip_temp_min_c=chip_min,
        chip_temp_max_c=chip_max,
        hardware_errors=integer(row.get("hw_errors")),
        chips_grey=integer(grades.get("grey"), 0, MAX_CHIPS),
        chips_orange=integer(grades.get("orange"), 0, MAX_CHIPS),
        chips_red=integer(grades.get("red"), 0, MAX_CHIPS),
        inlet_water_temp_c=inlet,
        outlet_water_temp_c=outlet,
    )


def _expected(miner: dict[str, Any], boards: tuple[HashboardReading, ...], unit: str) -> float | None:
    """Return `hr_nominal`, or where 1.2.0 leaves it out what it is made of: the boards' ideal rates."""
    told = rate(miner.get("hr_nominal"), unit)
    ideal = [board.expected_hashrate_hs for board in boards if board.expected_hashrate_hs is not None]
    return sum(ideal) if told is None and ideal and len(ideal) == len(boards) else told


def _power(source: dict[str, Any], hashing_hs: float | None, boards: tuple[HashboardReading, ...] = ()) -> float | None:
    """Return watts: what is told, else the sum of the boards when each tells its own, else by the efficiency.

    0 W at a hashrate above 0 is what a supply without metering tells, hence None.
    """
    told = [number(source.get(name), 0, MAX_POWER_W) for name in ("power_consumption", "power_usage")]
    parts = [board.power_w for board in boards if board.power_w is not None]
    if boards and len(parts) == len(boards):
        told.append(number(sum(parts), 0, MAX_POWER_W))
    if hashing_hs:
        told.append(_power_by_efficiency(source))
    known = [watts for watts in told if watts is not None]
    return next((watts for watts in known if watts), None if hashing_hs or not known else 0.0)


def _power_by_efficiency(source: dict[str, Any]) -> float | None:
    """Return watts as the firmware's own efficiency has them: J/GH on 1.2.0, below 1 for every miner, J/TH later."""
    joules = number(source.get("power_efficiency"), 0, MAX_POWER_W)
    average = number(source.get("average_hashrate"), 0, MAX_POWER_W)
    if average is None:
        thousandths = number(source.get("hr_average"), 0, 1000 * MAX_POWER_W)
        average = None if thousandths is None else thousandths / 1000
    if not joules or not average:
        return None
    return number(joules * average * (1000 if joules < 1 else 1), 0, MAX_POWER_W)


def _temps(source: dict[str, Any]) -> tuple[float | None, ...]:
    """Return pcb min, pcb max, chip min, chip max."""
    sides = table(source.get("pcb_temp")), table(source.get("chip_temp"))
    return temperatures(*(side.get(end) for side in sides for end in ("min", "max")))


def _cooling_mode(cooling: dict[str, Any]) -> str | None:
    name = (text(table(table(cooling.get("settings")).get("mode")).get("name")) or "").lower() or None
    return "immersion" if name == "immers" else name  # /settings cuts the word, /summary does not


def _fans(value: object) -> tuple[FanReading, ...]:
    rows = tables(value, MAX_FANS)
    indices = distinct((integer(row.get("id"), 0, 255) for row in rows), first=0)
    return tuple(
        FanReading(
            index=index,
            rpm=integer(row.get("rpm"), 0, MAX_RPM),
            max_rpm=integer(row.get("max_rpm"), 0, MAX_RPM),
            status=text(row.get("status")),
        )
        for row, index in zip(rows, indices, strict=True)
    )


def _pools(value: object) -> tuple[PoolReading, ...]:
    rows = tables(value, MAX_POOLS)
    indices = distinct((integer(row.get("id"), 0, 255) for row in rows), first=0)
    return tuple(
        PoolReading(
            index=index,
            url=endpoint(row.get("url")),
            user=text(row.get("user")),
            kind=word(row.get("pool_type"), _POOL_KINDS) or UNKNOWN,
            status=text(row.get("status")),
            accepted=integer(row.get("accepted")),
            rejected=integer(row.get("rejected")),
            stale=integer(row.get("stale")),
            difficulty=text(row.get("diff")),
            ping_ms=integer(row.get("ping"), 0, 3_600_000),
            last_share_s=age(row.get("ls_time")),
        )
        for row, index in zip(rows, indices, strict=True)
    )


def _psu_temp(value: object, pcb_max_c: float | None) -> float | None:
    temps = table(table(value).get("temps"))
    told = temperatures(*(temps.get(name) for name in ("pfc_temp", "llc1_temp", "llc2_temp")), pcb_max_c)[:-1]
    return max((temp for temp in told if temp is not None), default=None)
