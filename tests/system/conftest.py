"""What the system tests share: an appliance in the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.appliance import Appliance, appliance_in


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    with appliance_in(tmp_path) as made:
        yield made
