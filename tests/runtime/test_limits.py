"""The limit of open files is raised as far as is sensible and allowed."""

from __future__ import annotations

import resource
from unittest.mock import patch

import pytest

from hived.runtime import limits

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "granted"),
    [
        (1024, 524_288, 65_536),
        (1024, 4096, 4096),
        (1024, INFINITY, 65_536),
        (65_536, 524_288, 65_536),
        (100_000, 524_288, 100_000),
        (INFINITY, INFINITY, 65_536),
    ],
)
def test_the_soft_limit_follows_the_hard_one_up_to_a_bound(soft: int, hard: int, granted: int) -> None:
    with (
        patch.object(resource, "getrlimit", return_value=(soft, hard)),
        patch.object(resource, "setrlimit") as setrlimit,
    ):
        assert limits.raise_file_limit() == granted
    if 0 <= soft < granted:
        setrlimit.assert_called_once_with(resource.RLIMIT_NOFILE, (granted, hard))
    else:
        setrlimit.assert_not_called()


def test_what_is_forbidden_is_done_without() -> None:
    with (
        patch.object(resource, "getrlimit", return_value=(256, 4096)),
        patch.object(resource, "setrlimit", side_effect=PermissionError),
    ):
        assert limits.raise_file_limit() == 256


def test_the_real_limit_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
        granted = limits.raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == granted > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
