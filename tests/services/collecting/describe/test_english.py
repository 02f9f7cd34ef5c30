"""How facts read in English: values as the record has them, in sentences that a museum could print."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.services.collecting.describe import english, plan
from tests.services.collecting.describe.objects import QUAIL


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("makers", ["Kiyohara Yukinobu"], "Made by Kiyohara Yukinobu."),
        ("makers", ["Pieter Gerritsz. van Roestraeten"], "Made by Pieter Gerritsz. van Roestraeten."),
        ("makers", ["Ben Rose", "Ben Rose, Inc."], "Made by Ben Rose and Ben Rose, Inc."),
        ("makers", ["Ana Berg", "Jo Lind", "Émile Gallé"], "Made by Ana Berg, Jo Lind and Émile Gallé."),
        ("makers", ["Ana Berg", "Lind & Son, Inc.", "Jo Lind"], "Made by Ana Berg; Lind & Son, Inc.; Jo Lind."),
        ("makers", ["Simon and Halbig", "Jo Lind"], "Made by Simon and Halbig; Jo Lind."),
        ("makers", ["Albrecht Dürer (German, 1471–1528)"], "Made by Albrecht Dürer (German, 1471–1528)."),
        ("makers", ["Ancient Roman"], "Maker: Ancient Roman."),
        ("makers", ["Kuba"], "Maker: Kuba."),
        ("makers", ["Greek, Attic"], "Maker: Greek, Attic."),
        ("makers", ["India (Rajasthan)"], "Maker: India (Rajasthan)."),
        ("makers", ["unknown (Korea)"], "Maker: unknown (Korea)."),
        ("makers", ["After Rembrandt van Rijn"], "Maker: After Rembrandt van Rijn."),
        ("makers", ["Attributed to Jo Lind"], "Maker: Attributed to Jo Lind."),
        ("makers", ["Li Qin (Publisher)"], "Maker: Li Qin (Publisher)."),
        ("makers", ["In the style of Jo Lind"], "Maker: In the style of Jo Lind."),
        ("makers", ["Jo Lind", "Unidentified artist"], "Maker: Jo Lind and Unidentified artist."),
        ("date", ["late 17th century"], "Dated late 17th century."),
        ("date", ["ca. 1500"], "Dated ca. 1500."),
        ("date", ["c. 1859"], "Dated c. 1859."),
        ("date", ["664–525 B.C."], "Dated 664–525 B.C."),
        ("date", ["1642?"], "Dated 1642?"),
        ("date", ["dated 1798"], "Date: dated 1798."),
        ("date", ["Edo period (1615–1868)"], "Date: Edo period (1615–1868)."),
        ("date", ["Possibly 1890"], "Date: Possibly 1890."),
        ("date", ["n.d."], "Date: n.d."),
        ("medium", ["Oil on canvas"], "Oil on canvas."),
        ("medium", ["Silver;"], "Silver."),
        ("medium", ["oil on canvas"], "Medium: oil on canvas."),
        ("medium", ["émail on copper"], "Medium: émail on copper."),
        ("dimensions", ["65.4 × 75.6 cm (25 3/4 in.)"], "Measures 65.4 × 75.6 cm (25 3/4 in.)."),
        ("dimensions", ["5 in."], "Measures 5 in."),
        ("dimensions", ["Diam.: 60.3 cm"], "Diam.: 60.3 cm."),
        ("dimensions", ["height 4.8 cm"], "Dimensions: height 4.8 cm."),
        ("place", ["Gangjin, Korea"], "Place: Gangjin, Korea."),
        ("tags", ["Birds", "Men", "weaving - printed"], "Tagged Birds, Men and weaving - printed."),
        ("classification", ["print, {0} etched"], "Classified as print, {0} etched."),
        ("department", ['The "Wing."'], 'Department: The "Wing."'),
    ],
)
def test_a_fact_is_told_in_one_sentence(name: str, values: list[str], told: str) -> None:
    assert english.sentence(name, values) == told


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (1667, 1682, "between 1667 and 1682"),
        (1798, 1798, "1798"),
        (-664, -525, "between 664 BCE and 525 BCE"),
        (-30, 14, "between 30 BCE and 14"),
        (1700, None, "1700 or later"),
        (None, 1800, "1800 or earlier"),
        (None, None, None),
    ],
)
def test_years_are_told_as_a_span(first: int | None, last: int | None, told: str | None) -> None:
    assert english.years(first, last) == told


def test_years_stand_in_for_a_date_that_the_record_does_not_have() -> None:
    undated = replace(QUAIL, date_text=None)
    assert plan.summary(plan.facts_of(undated), ["date"]) == "Dated between 1667 and 1682."


@given(st.sampled_from(list(english.TEMPLATES)), st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=4))
def test_values_are_told_unchanged_and_no_sentence_ends_twice(name: str, values: list[str]) -> None:
    told = english.sentence(name, values)
    assert all(value.rstrip(" ;,:") in told for value in values)
    end = values[-1].rstrip(" ;,:")
    assert told.endswith(end if end.endswith((".", "!", "?", "…")) else f"{end}." if end[-1:] not in "\"'”’»" else "")
