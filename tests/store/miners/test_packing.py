"""What goes into history comes out of it again."""

from __future__ import annotations

import contextlib
import math
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.errors import HivedError
from hived.records.miner import ChipReading, HashboardChips, SensorReading
from hived.store.miners import packing

T = TypeVar("T")


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


chips = st.lists(
    st.builds(
        ChipReading,
        index=st.integers(0, 1023),
        hashrate_hs=maybe(st.integers(0, 60_000).map(lambda n: n * 1e8)),
        frequency_mhz=maybe(st.integers(0, 2000).map(float)),
        voltage_mv=maybe(st.integers(0, 20_000).map(float)),
        temp_c=maybe(st.integers(-600, 2500).map(lambda n: n / 10)),
        errors=maybe(st.integers(0, 4_000_000_000)),
        grade=st.sampled_from([None, "grey", "orange", "red"]),
        throttled=st.sampled_from([None, True, False]),
    ),
    max_size=130,
).map(tuple)

boards = st.builds(
    HashboardChips,
    index=st.integers(0, 15),
    state=maybe(st.text(max_size=20)),
    description=maybe(st.text(max_size=60)),
    hashrate_hs=maybe(st.integers(0, 900_000).map(lambda n: n * 1e9)),
    frequency_mhz=maybe(st.integers(0, 2000).map(float)),
    chips=chips,
    sensors=st.lists(
        st.builds(SensorReading, st.none() | st.integers(0, 200), st.sampled_from([None, "measure", "error"])),
        max_size=8,
    ).map(tuple),
)


@given(boards)
def test_a_board_is_the_same_after_packing(board: HashboardChips) -> None:
    assert packing.unpack_chips(board.index, packing.pack_chips(board)) == board


def test_a_chip_faster_than_any_of_today_keeps_its_rate_to_a_thousandth() -> None:
    board = HashboardChips(1, chips=(ChipReading(0, hashrate_hs=9.87654e13), ChipReading(1, hashrate_hs=3e11)))
    out = packing.unpack_chips(1, packing.pack_chips(board))
    assert out.chips[0].hashrate_hs == pytest.approx(9.87654e13, rel=1e-3)
    assert out.chips[1].hashrate_hs == pytest.approx(3e11, rel=1e-2)


def test_a_board_of_108_chips_takes_less_than_seven_bytes_a_chip() -> None:
    # Noise of 2 % on rates and 0.3 °C on temperatures, as measured fleets show; rows would take 32 bytes a chip.
    living = tuple(
        ChipReading(
            i,
            580e9 * (1 + 0.02 * math.sin(i * 12.9898)),
            460.0,
            300.0,
            round(70 + 8 * math.sin(i / 9) + 0.3 * math.sin(i * 78.233), 1),
            0,
            "grey",
            False,
        )
        for i in range(108)
    )
    assert len(packing.pack_chips(HashboardChips(1, "mining", chips=living))) < 7 * 108


@given(st.binary(max_size=200))
def test_bytes_that_are_no_record_are_a_clear_error(rubbish: bytes) -> None:
    for packed in (rubbish, b"\x01" + rubbish):
        with contextlib.suppress(HivedError):
            packing.unpack_chips(1, packed)
        with contextlib.suppress(HivedError):
            packing.unpack_detail(packed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=10), json_values, max_size=6))
def test_a_detail_is_the_same_after_packing(detail: dict[str, object]) -> None:
    assert packing.unpack_detail(packing.pack_detail(detail)) == detail


def test_no_detail_is_an_empty_one() -> None:
    assert packing.unpack_detail(None) == {}
