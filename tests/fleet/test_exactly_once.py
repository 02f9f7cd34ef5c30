"""The short form of `python -m tests.fleet.exactly_once`, and that it can tell when something is wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fleet import exactly_once


@pytest.mark.system
@pytest.mark.timeout(240)
async def test_every_contribution_arrives_once_while_all_is_killed_and_cut(
    tmp_path: Path, master_url: str | None
) -> None:
    verdict = await exactly_once.run(
        tmp_path, contributions=1200, nodes=4, seed=4, master_url=master_url, apids=1 if master_url is None else 2,
        pause_s=0.4, least_faults=12, patience_s=200.0,
    )  # fmt: skip
    assert verdict.wrong == [], verdict.text()
    assert set(verdict.faults) == {"kill node", "kill master", "link"}


def test_the_verdict_names_what_is_missing_there_twice_or_too_many() -> None:
    expected = {("a", "n1", "x"), ("a", "n2", "y"), ("b", "n1", "z")}
    right = Counter(expected)
    assert exactly_once._compare((Counter("ab"), right), expected) == []
    missing = Counter(dict.fromkeys(expected - {("b", "n1", "z")}, 1))
    assert exactly_once._compare((Counter("a"), missing), expected) == [
        "artifact b is missing", "bubble ('b', 'n1', 'z') is missing",
    ]  # fmt: skip
    twice = right + Counter([("a", "n1", "x")])
    assert exactly_once._compare((Counter("aab"), twice), expected) == [
        "artifact a is there 2 times", "bubble ('a', 'n1', 'x') is there 2 times",
    ]  # fmt: skip
    strange = right + Counter([("c", "n9", "?")])
    assert exactly_once._compare((Counter("abc"), strange), expected) == [
        "artifact c was never described", "bubble ('c', 'n9', '?') is too many",
    ]  # fmt: skip


def test_a_fifth_of_each_nodes_objects_is_shared_with_all() -> None:
    shares = exactly_once.shares(1000, 4)
    assert [len(share) for share in shares] == [250] * 4
    assert len(set.intersection(*map(set, shares))) == 50
    assert len(set.union(*map(set, shares))) == 50 + 4 * 200
