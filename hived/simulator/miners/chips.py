"""The per-chip documents: /chains of 1.2.x, /boards of 1.3.x (the same list), and the old /chips."""

from __future__ import annotations

import math

from hived.simulator.miners import captures
from hived.simulator.miners.captures import Json
from hived.simulator.miners.miner import SimulatedMiner
from hived.simulator.miners.snapshot import Board
from hived.simulator.miners.traits import BoardTraits

CHIP_PERIOD_S = 300.0
"""Over this time a chip's share of its board's rate goes once up and down."""

assert captures.CHIP == ("id", "hr", "freq", "volt", "temp", "errs", "grade", "throttled")


def boards(miner: SimulatedMiner) -> list[Json]:
    """Return every board with its sensors and chips; empty when the unit cannot read its configuration."""
    return [
        _board(miner, board, character)
        for board, character in zip(miner.snapshot().boards, miner.traits.boards, strict=False)
    ]


def _board(miner: SimulatedMiner, board: Board, character: BoardTraits) -> Json:
    state: Json = {"state": board.state}
    if board.message:
        state["failure_message"] = board.message
    over = miner.spec.chip_over_pcb_c
    values = {
        "id": board.number,
        "status": state,
        "hr_realtime": board.rate_ghs,
        "hr_nominal": board.ideal_ghs,
        "freq": board.frequency,
        "sensors": [
            {"state": "measure", "board": temp, "chip": temp + over, "loc": loc}
            for loc, temp in zip(character.sensor_locs, board.sensors_c, strict=True)
        ],
        "chips": _chips(miner, board, character),
    }
    return {key: values[key] for key in captures.BOARD_CHIPS}


def _rates(miner: SimulatedMiner, board: Board, character: BoardTraits) -> list[float]:
    """Share the board's rate out among its chips: weights that wobble a little, scaled to sum up."""
    if not board.graded:
        return [0.0] * miner.spec.chips
    turn = 2 * math.pi * miner.now() / CHIP_PERIOD_S
    sin = math.sin
    weights = [
        weight * (1 + 0.015 * sin(turn + phase))
        for weight, phase in zip(character.chip_weights, character.chip_phases, strict=True)
    ]
    scale = board.rate_ghs / sum(weights)
    return [round(weight * scale, 3) for weight in weights]


def _chips(miner: SimulatedMiner, board: Board, character: BoardTraits) -> list[Json]:
    measured = miner.spec.measures_chips and board.state == "mining"
    volt = board.voltage_mv // max(miner.spec.chips // miner.spec.chips_per_domain, 1) if measured else 0
    low, high = min(board.sensors_c), max(board.sensors_c)
    over, count = miner.spec.chip_over_pcb_c, miner.spec.chips
    span = (high - low) / count
    grades = character.grades if board.graded else ("red",) * count
    steps = character.chip_steps_mhz if board.tuned else (0,) * count
    errors_at = max(range(count), key=character.chip_phases.__getitem__)  # one chip makes all of them
    return [
        {
            "id": index + 1,
            "hr": rate,
            "freq": board.base_mhz + step,
            "volt": volt,
            "temp": round(low + over + span * index, 1) if measured else 0.0,
            "errs": board.errors if index == errors_at else 0,
            "grade": grade,
            "throttled": False,
        }
        for index, (rate, step, grade) in enumerate(zip(_rates(miner, board, character), steps, grades, strict=True))
    ]
