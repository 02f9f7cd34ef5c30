"""Answers of a real run, as they were recorded: examples for the description of the API."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from hived.api.http.answers import JSON
from hived.documents.shared import Json

FILE = "examples.json"


def load() -> dict[str, Json]:
    """Return {"METHOD path": {"body"?, "status", "answer"?}}."""
    found: dict[str, Json] = json.loads(files(__package__).joinpath(FILE).read_text())
    return found


def add(operation: Json, example: Json | None) -> None:
    """Put an example into the description of a route."""
    if example is None:
        return
    if "body" in example:
        _content(operation["requestBody"])["example"] = example["body"]
    if "answer" in example:
        _content(operation["responses"][str(example["status"])])["example"] = example["answer"]


def _content(part: Json) -> Any:
    return part["content"][JSON]
