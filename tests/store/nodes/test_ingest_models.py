"""What nodes tell of models: nobody loses a word of their own, and nothing fills the table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.errors import Refused
from hived.records.miner import ModelInfo
from hived.store import Store
from hived.store.engine.database import dicts
from hived.store.miners import models
from hived.store.nodes import nodes
from hived.store.schema import (
    Model,
)
from tests import nodes as fleet
from tests.api import farm
from tests.nodes import NOW
from tests.store.nodes.test_ingest import take


def model(name: str | None, chains: int | None = None, *presets: str) -> list[dict[str, Any]]:
    told = [{"name": preset} for preset in presets]
    return [{"alias": "s19", "name": name, "presets": told, "chips_per_chain": None, "chains": chains,
             "topology": None, "series": None}]  # fmt: skip


async def model_now(store: Store) -> tuple[Any, ...]:
    (row,) = await store.read(lambda db: dicts(Model.select(), db))
    return row["name"], row["chains"], [preset["name"] for preset in json.loads(row["presets"])]


async def test_what_discoverd_read_of_a_model_itself_is_not_overwritten(store: Store) -> None:
    await take(store, "n1", "miners", 0, 0, [], models=model("Theirs", 9, "x"))
    assert await model_now(store) == ("Theirs", 9, ["x"])
    await store.write(farm.catalogue, NOW)
    ours = await model_now(store)
    assert ours[:2] == ("Antminer S19", 3)
    for node_id in ("n1", "n2"):
        await take(store, node_id, "miners", 0, 0, [], models=model("Theirs", 9, "x"))
    assert await model_now(store) == ours


async def test_a_node_changes_of_a_model_what_it_told_itself_and_fills_what_is_empty(store: Store) -> None:
    await take(store, "n1", "miners", 0, 0, [], models=model("First", None, "a"))
    await take(store, "n2", "miners", 0, 0, [], models=model("Second", 9, "b", "c"))
    assert await model_now(store) == ("First", 9, ["a"])
    await take(store, "n1", "miners", 0, 0, [], models=model("Renamed", 3, "a", "d"))
    assert await model_now(store) == ("Renamed", 3, ["a", "d"])
    await take(store, "n1", "miners", 0, 0, [], models=model(None))
    assert await model_now(store) == ("Renamed", 3, ["a", "d"]), "what it does not say it does not take back"


async def test_what_was_read_here_without_presets_is_filled_and_not_replaced(store: Store) -> None:
    await store.write(models.save, ModelInfo("s19", "Ours"), None, None, NOW)
    await take(store, "n1", "miners", 0, 0, [], models=model("Theirs", 3, "a"))
    assert await model_now(store) == ("Ours", 3, ["a"])
    await take(store, "n1", "miners", 0, 0, [], models=model("Theirs", 4, "b"))
    assert await model_now(store) == ("Ours", 3, ["a"])


async def test_models_of_a_removed_node_go_with_it_or_are_the_next_ones(store: Store) -> None:
    await store.write(fleet.let_in, "n1", NOW)
    other = [{**model("Other")[0], "alias": "s21"}]
    await take(store, "n1", "miners", 1, 1, [fleet.miner(1, 7, model_alias="s21")], models=model("Lies") + other)
    await take(store, "n2", "miners", 1, 1, [fleet.miner(1, 8)])
    await store.write(nodes.remove, "n1")
    assert await model_now(store) == ("Lies", None, []), "the other one nobody has"
    await take(store, "n2", "miners", 0, 0, [], models=model("Right"))
    await take(store, "n3", "miners", 0, 0, [], models=model("Wrong"))
    assert (await model_now(store))[0] == "Right"


async def test_what_nodes_tell_of_models_takes_no_room_from_what_is_here(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MAX_MODELS", 2)
    for n in range(5):
        await take(store, "n1", "miners", 0, 0, [], models=[{**model("Many")[0], "alias": f"x{n}"}])
    await store.write(models.save, ModelInfo("s19", "Ours"), None, None, NOW)
    await store.write(models.save, ModelInfo("x1", "Ours"), None, None, NOW)
    with pytest.raises(Refused, match="more than 2"):
        await store.write(models.save, ModelInfo("x2", "Ours"), None, None, NOW)
