"""Metrics as a program that reads them sees them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)
_LINE = re.compile(r'(?P<name>[a-z_0-9]+)\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\} (?P<value>\S+)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def samples(text: str) -> Iterator[Sample]:
    """Yield every sample of the text form; fail at a line that is none."""
    for line in text.splitlines():
        if line.startswith("# "):
            continue
        found = _LINE.fullmatch(line)
        assert found is not None, line
        labels = {
            name: re.sub(r"\\.", lambda one: _ESCAPED[one[0]], value) for name, value in _LABEL.findall(found["labels"])
        }
        yield Sample(found["name"], labels, float(found["value"]))


def by_name(text: str) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in samples(text):
        found.setdefault(sample.name, []).append(sample)
    return found


def complaints(text: str) -> str:
    """Return what promtool says of metrics."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
    return (done.stdout + done.stderr).decode()
