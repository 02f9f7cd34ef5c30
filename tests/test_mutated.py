"""A case of the mutator is the same bytes whatever was made before it, and there is one for every number."""

from __future__ import annotations

from tests.mutated import Mutator
from tests.nodes import batch, said

GOOD = batch("n1", "contributions", 1, 1, [said(1, 1)])


def test_a_case_is_the_same_after_thousands_of_others() -> None:
    def made(number: int) -> bytes:
        return Mutator(f"case {number}", ("n2", 7)).body(GOOD)

    first = [made(number) for number in range(100)]
    others = {made(number) for number in range(100, 3000)}
    assert [made(number) for number in range(100)] == first
    assert len(others) > 2000
