"""The examples of the description: answers of a real run (`make examples`) that are still what is described."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.api import routes
from hived.api.http import examples, openapi
from hived.api.http.answers import JSON, SAID
from tests import described

EXAMPLES = examples.load()
PATHS = {f"{method} {path}": (method, path) for method, path, _, _ in routes.TABLE}


def operation(name: str) -> Any:
    method, path = PATHS[name]
    return described.document()["paths"][openapi.plain(path)][method.lower()]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_is_described(name: str) -> None:
    example, told = EXAMPLES[name], operation(name)
    if "body" in example and "requestBody" in told:
        assert described.wrong(told["requestBody"]["content"][JSON]["schema"], example["body"]) is None
    if "answer" in example:
        body = json.dumps(example["answer"]).encode()
        assert described.complaint(*PATHS[name], example["status"], body) is None
        shown = told["responses"][str(example["status"])]["content"][JSON]
        assert shown["example"] == example["answer"]


def test_most_of_what_can_be_read_and_steered_has_an_example() -> None:
    """A new route gets its own when somebody records them again."""
    with_json = {
        f"{method} {path}"
        for method, path, handler, _ in routes.TABLE
        if SAID[handler].media == JSON and SAID[handler].answer is not None
    }
    assert len(with_json & EXAMPLES.keys()) > len(with_json) / 2
    assert {"GET /api/miners", "GET /api/v1/fleet", "POST /api/v1/orders", "POST /api/v1/plans"} <= EXAMPLES.keys()


@pytest.mark.parametrize("name", ["POST /api/v1/orders", "POST /api/v1/orders/{id}/undo"])
def test_an_order_that_is_tried_out_by_one_click_is_a_dry_run(name: str) -> None:
    assert EXAMPLES[name]["body"]["dry_run"] is True
    assert EXAMPLES[name]["answer"]["id"] == 0
    assert operation(name)["requestBody"]["content"][JSON]["example"]["dry_run"] is True


def test_an_example_that_is_not_what_is_described_is_found() -> None:
    name = "GET /api/models"
    spoilt = [{**EXAMPLES[name]["answer"][0], "presets": "3080"}]
    assert "presets" in str(described.complaint(*PATHS[name], 200, json.dumps(spoilt).encode()))


def test_no_example_shows_a_secret() -> None:
    text = json.dumps(EXAMPLES)
    for begin in ("hive_", "hived_"):
        assert text.count(begin) == text.count(f"{begin}...")
    assert '"unlock_pass"' not in text
