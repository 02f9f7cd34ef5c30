"""--json speaks the language of the HTTP API."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from hived.documents import miner_shapes as shapes
from hived.records import measures
from tests.cli.site import Site, mac

# The inherited fields of the API: their names are fixed.
MINER = {"id", "ip", "online", "managed", "model", "latest_status", "created_at", "updated_at"}
STATUS = {
    "id",
    "state",
    "preset",
    "hashrate",
    "power_usage",
    "power_consumption",
    "uptime",
    "recorded_at",
    "fans",
    "chains",
}
CHAIN = {"identifier", "state", "hashrate", "pcb_temp_min", "pcb_temp_max", "chip_temp_min", "chip_temp_max", "chips"}
MODEL = {"name", "alias", "max_preset", "presets", "presets_power", "created_at"}


def same(ours: Any, theirs: Any, path: str = "") -> None:
    """Compare what both tell; each may know more than the other."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert ours.keys() & theirs.keys(), path
        for key in ours.keys() & theirs.keys():
            same(ours[key], theirs[key], f"{path}.{key}")
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs), path
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            same(one, other, f"{path}.{i}")
    else:
        assert ours == theirs, path


@pytest.fixture
def read(site: Site) -> Site:
    num = site.miner(40)
    site.status(num, extra={"failure_code": 5})
    site.chips(num)
    site.poll_failed(num, "no answer within 5 s", ago=1.0)
    site.settings(num, "stratum+tcp://a.example.com:3333")
    return site


def test_the_inherited_fields_are_all_there(read: Site) -> None:
    miner = read.run("miners", "show", mac(40), "--json").document
    assert miner.keys() >= MINER
    assert miner["latest_status"].keys() >= STATUS
    assert miner["latest_status"]["chains"][0].keys() >= CHAIN
    assert miner["latest_status"]["chains"][0]["chips"][0].keys() >= {"identifier", "hashrate", "temperature"}
    assert miner["latest_status"]["fans"][0].keys() >= {"identifier", "rpm", "status"}
    (model,) = read.run("models", "list", "--json").document
    assert model.keys() >= MODEL


def test_a_document_is_plain_ascii(read: Site) -> None:
    read.miner(41, hostname="矿机")
    ran = read.run("miners", "list", "--json")
    assert ran.out.isascii()
    assert "矿机" in {one["hostname"] for one in ran.document}


def test_a_document_has_the_members_that_its_shape_names_and_measures(read: Site) -> None:
    measured = {measure.outside for measure in (*measures.MINER, *measures.BOARD)}
    miner = read.run("miners", "show", mac(40), "--json").document
    status = miner["latest_status"]
    (model,) = read.run("models", "list", "--json").document
    for document, shape in (
        (miner, shapes.ListedDocument), (status, shapes.StatusDocument), (status["chains"][0], shapes.ChainDocument),
        (status["chains"][0]["chips"][0], shapes.ChipDocument), (status["fans"][0], shapes.FanDocument),
        (status["pools"][0], shapes.PoolDocument), (model, shapes.ModelDocument),
        (model["presets_power"][0], shapes.PresetDocument),
    ):  # fmt: skip
        assert shape.__required_keys__ <= document.keys(), shape
        assert document.keys() - get_type_hints(shape).keys() - measured <= {"settings", "events"}, shape
    assert get_type_hints(shapes.MeasuredDocument).keys() <= measured
