"""The table of measures and the records that it speaks of are of one mind."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_type_hints

import pytest

from hived.documents.metrics.miners import of_measure
from hived.records import measures
from hived.records.measures import Measure, Rolled
from hived.records.miner import HashboardReading, Measured
from hived.store.schema import Rollup1h, Rollup5m, Status


def numbers(record: Any) -> set[str]:
    """The fields of a record that hold a number."""
    hints = get_type_hints(record)
    return {field.name for field in fields(record) if hints[field.name] in (float | None, int | None)}


@pytest.mark.parametrize(("record", "table"), [(Measured, measures.MINER), (HashboardReading, measures.BOARD)])
def test_every_number_that_a_miner_tells_is_in_the_table(record: Any, table: tuple[Measure, ...]) -> None:
    names = [measure.name for measure in table]
    assert set(names) == numbers(record)
    assert len(set(names)) == len(names)
    outside = [measure.outside for measure in table]
    assert len(set(outside)) == len(outside)


@pytest.mark.parametrize("measure", [*measures.MINER, *measures.BOARD], ids=lambda measure: measure.name)
def test_a_name_ends_with_the_unit_it_is_kept_in(measure: Measure) -> None:
    assert measure.name.endswith(measure.unit.inside)
    assert measure.rolled or not measure.title
    assert measure.column or not measure.rolled


def test_what_is_rolled_up_has_the_columns_of_0_1_0() -> None:
    by_name = {measure.name: measure for measure in measures.MINER}
    assert Rolled(by_name["power_w"], measures.MEAN).column == "power_mean_w"
    assert Rolled(by_name["expected_hashrate_hs"], measures.MEAN).column == "expected_hashrate_mean_hs"
    assert Rolled(by_name["chip_temp_max_c"], measures.MIN).column == "chip_temp_min_c"
    outside = {rolled.column: rolled.outside for rolled in measures.ROLLED}
    assert outside["hashrate_mean_hs"] == "hashrate_ths"
    assert outside["hashrate_max_hs"] == "hashrate_max_ths"
    assert outside["chip_temp_max_c"] == "chip_temp_max_c"
    assert outside["chip_temp_mean_c"] == "chip_temp_mean_c"
    assert len(set(outside.values())) == len(outside)


def test_tables_have_a_column_for_each() -> None:
    for name in measures.COLUMNS:
        assert hasattr(Status, name)
    for table in (Rollup5m, Rollup1h):
        for rolled in measures.ROLLED:
            assert hasattr(table, rolled.column)


def test_a_measure_is_a_metric_in_its_base_unit() -> None:
    by_name = {measure.name: measure.metric for measure in (*measures.MINER, *measures.BOARD)}
    assert by_name["hashrate_hs"] == "hashrate_hashes_per_second"
    assert by_name["chip_temp_max_c"] == "chip_temp_max_celsius"
    assert by_name["fan_duty_percent"] == "fan_duty_ratio"
    assert by_name["state_s"] == "state_seconds"
    assert by_name["voltage_mv"] == "voltage_volts"
    assert by_name["hardware_errors"] == "hardware_errors_total"
    assert by_name["restart_count"] == "restart_total"
    assert by_name["chips_red"] == "chips_red"
    added = Measure("error_hashrate_hs", measures.HASHRATE, "error_hashrate_ths")
    assert of_measure(added).name == "miner_error_hashrate_hashes_per_second"
    assert (of_measure(added).kind, of_measure(replace(added, unit=measures.GROWING)).kind) == ("gauge", "counter")
