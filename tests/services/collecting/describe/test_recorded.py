"""What a real, very small model chose of the samples and the simulated museum, told again by the rules of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hived.records.artifact import CollectedObject, Description
from hived.services.collecting.describe import plan
from tests.samples import samples
from tests.services.collecting.describe.hostile import INJECTIONS, INVENTED
from tests.services.collecting.describe.objects import QUAIL
from tests.told import untold

ANSWERS = Path(__file__).parents[3] / "fixtures" / "answers"


def told(obj: CollectedObject, answer: str) -> Description:
    """Return the description that an answer about an object leads to."""
    facts = plan.facts_of(obj)
    return Description(obj.title, plan.summary(facts, plan.chosen(answer, facts)), tags=tuple(plan.tags_of(obj)))


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("*.json")), ids=lambda path: path.stem)
def test_each_answer_of_a_real_model_is_of_use_and_told_truly(path: Path) -> None:
    answers = json.loads(path.read_text())["answers"]
    assert len(answers) > 60
    for row in answers:
        facts: dict[str, Any] = {name: values[0] for name, values in row["facts"].items()}
        facts |= {name: tuple(row["facts"].get(name, ())) for name in ("makers", "tags")}
        facts["date_text"] = facts.pop("date", None)
        obj = CollectedObject("web", "1", "https://museum.example/1", row["title"], None, **facts)
        text = told(obj, row["answer"])
        assert text.summary
        assert untold(text, obj) == []


def test_every_sample_with_facts_is_told_truly_whatever_is_chosen() -> None:
    known = [obj for obj in samples() if plan.facts_of(obj)]
    assert len(known) >= 24
    for obj in known:
        assert untold(told(obj, json.dumps({"tell": list(plan.facts_of(obj))})), obj) == []


def test_the_look_at_what_is_told_finds_what_is_not_the_records() -> None:
    """Else the tests above would show nothing."""
    right = told(QUAIL, '{"tell": ["medium"]}')
    assert untold(right, QUAIL) == []
    for said in (*INVENTED, *INJECTIONS):
        assert untold(Description(QUAIL.title, f"{right.summary} {said}"), QUAIL), said
