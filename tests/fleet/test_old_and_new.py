"""The short form of `python -m tests.fleet.old_and_new`, and that it can tell when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet import old_and_new
from tests.fleet.old_and_new import NoHistory, Verdict


@pytest.mark.system
@pytest.mark.timeout(240)
@pytest.mark.parametrize("old_node", [True, False], ids=["old node", "old master"])
async def test_nothing_is_lost_between_0_1_0_and_today(tmp_path: Path, old_node: bool) -> None:
    try:
        tree = old_and_new.release(tmp_path / "0.1.0")
    except NoHistory as err:
        pytest.skip(str(err))
    verdict = await old_and_new.run(
        tmp_path, tree, old_node=old_node, miners=3, contributions=4, slots=3, patience_s=200.0
    )
    assert verdict.wrong == [], verdict.text()
    assert verdict.rows == {"miners": 3, "models": 3, "rollups": 9, "events": 4, "contributions": 4}


def test_the_verdict_names_every_value_that_differs() -> None:
    verdict = Verdict("0.1.0", "today")
    own = {"miners": {"a": {"id": 1, "power": 7, "boards": [{"rate": 1.5}, {"rate": 2}]}, "b": {}}}
    seen = {"miners": {"a": {"id": 2, "power": 8, "boards": [{"rate": 1.5}, {"rate": None}], "newer": 1}}}
    old_and_new._compare(verdict, own, seen)
    assert verdict.wrong == [
        "miners: b is not at both", "miners a.boards[1].rate: 2 at the node, None at the master",
        "miners a.power: 7 at the node, 8 at the master",
    ]  # fmt: skip
    old_and_new._compare_rows(verdict, "events", [(1, "x"), (2, "y")], [(2, "y"), (3, "z")])
    assert verdict.wrong[3:] == ["events: (1, 'x') is at the node alone", "events: (3, 'z') is at the master alone"]
    assert "5 WRONG" in verdict.text()


def test_without_the_history_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_and_new, "REPOSITORY", tmp_path)
    with pytest.raises(NoHistory, match=r"commit 6e9096a \(0\.1\.0\) is not here .*: git fetch --unshallow"):
        old_and_new.release(tmp_path)
