"""What of a model's answer is kept: what the record says, in whatever words, and nothing besides."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.ollama.parse import BadAnswer
from hived.records.artifact import CollectedObject
from hived.services.collecting.describe import prompt
from hived.services.collecting.describe.verify import Checked, check, sentences
from tests.services.collecting.describe.objects import AMULET, PAGE, QUAIL, answer

GOOD = "This work is described here with no fact at all, and at some length."

WOODCUT = CollectedObject(
    provider="rijksmuseum",
    object_id="2",
    url="https://www.rijksmuseum.nl/en/collection/2",
    title="The Rhinoceros",
    licence=None,
    makers=("Albrecht Dürer (German, Nürnberg 1471–1528 Nürnberg)",),
    date_text="1515, printed c. 1540-50",
    medium="Woodcut on laid paper, with letterpress",
    dimensions="Sheet: 23,5 × 29,8 cm; 1.250 g",
    place="Nürnberg",
    tags=("Rhinoceroses", "Men", "Indian rhinoceros"),
)
GLASS = CollectedObject(
    provider="cleveland",
    object_id="3",
    url="https://www.clevelandart.org/art/3",
    title="Scent Bottle",
    licence=None,
    date_text="1700s",
    medium="glass with enamel decoration",
    culture="Germany, 18th century",
)
LOUIS = CollectedObject(
    provider="met",
    object_id="4",
    url="https://www.metmuseum.org/art/collection/search/4",
    title="I Want You for U.S. Army",
    licence=None,
    makers=("James Montgomery Flagg", "J. M. W. Turner"),
    date_text="second half of the nineteenth century",
    medium="Two panels with a rare blue dye",
    classification="Prints",
    department="Drawings of King Louis XIV",
)


def judged(obj: CollectedObject, sentence: str) -> str | None:
    """Return why a sentence about an object is dropped, None when it is kept."""
    kept = check(answer(f"{GOOD} {sentence}", title=obj.title), prompt.build(obj))
    if kept.summary == f"{GOOD} {sentence}":
        assert kept.dropped == ()
        return None
    assert kept.summary == GOOD
    (why,) = kept.dropped
    return why.partition(":")[0]


@pytest.mark.parametrize(
    ("obj", "sentence"),
    [
        (QUAIL, "Painted in ink and color on silk, this Japanese hanging scroll shows quails."),
        (QUAIL, "Kiyohara Yukinobu painted it between 1667 and 1682."),
        (QUAIL, "The scroll dates to the late seventeenth century."),
        (QUAIL, "It belongs to the 17th-century painting of Japan."),
        (QUAIL, "It was made in the 1600s."),
        (QUAIL, "It was made in the 1670s or 1680s."),
        (QUAIL, "Yukinobu's scroll measures 118.4 by 47.6 centimeters."),
        (QUAIL, "The bird in the painting stands beside millet."),
        (QUAIL, "It is 118,40 cm high."),
        (AMULET, "The amulet was made in Egypt between 664 and 525 BCE."),
        (AMULET, "It dates to the 7th or 6th century B.C. and is of Egyptian faience."),
        (AMULET, "It belongs to the 26th Dynasty of the Late Period."),
        (WOODCUT, "Durer made this woodcut in 1515 in Nurnberg."),
        (WOODCUT, "Albrecht Dürer lived from 1471 to 1528."),
        (WOODCUT, "This sheet was printed around 1540 to 1550, in the sixteenth century."),
        (WOODCUT, "The sheet is 23.5 cm high and 29.8 cm wide and weighs 1250 g."),
        (WOODCUT, "It shows an Indian Rhinoceros and a man."),
        (WOODCUT, "It was printed ca. 1540 in Nürnberg, Germany's old town of paper."),
        (GLASS, "It was made in the eighteenth century, between 1700 and 1800."),
        (GLASS, "This German bottle of the 18th century is glass with enamel."),
        (LOUIS, "It was made by J. M. W. Turner in the 19th century."),
        (LOUIS, "The title is I Want You for U.S. Army."),
        (LOUIS, "The rare dye is blue, and there are 2 panels."),
        (LOUIS, "It belongs to the drawings of Louis XIV."),
        (PAGE, "Mary Ann Storr carved the boat from Whitby in 1891."),
        (PAGE, "There are three figures, and the sail is linen."),
    ],
)
def test_what_the_record_says_is_kept_in_other_words(obj: CollectedObject, sentence: str) -> None:
    assert judged(obj, sentence) is None


@pytest.mark.parametrize(
    ("obj", "sentence", "why"),
    [
        (QUAIL, "It was painted in 1668.", "not in the record (1668)"),
        (QUAIL, "It was painted in the 18th century.", "not in the record (18. century)"),
        (QUAIL, "It was painted in the sixteenth or seventeenth century.", "not in the record (16. century)"),
        (QUAIL, "It was painted in the 1690s.", "not in the record (1690s)"),
        (QUAIL, "It was painted in the 1800s.", "not in the record (1800s)"),
        (QUAIL, "It is 119.4 cm high.", "not in the record (119.4)"),
        (QUAIL, "There are 3 birds.", "not in the record (3)"),
        (QUAIL, "There are seven birds.", "not in the record (seven)"),
        (QUAIL, "It is the 9th of a set.", "not in the record (9th)"),
        (QUAIL, "It was painted by Katsushika Hokusai.", "another maker than in the record (Katsushika)"),
        (QUAIL, "Hokusai painted it.", "not in the record (Hokusai)"),
        (QUAIL, "It was painted in Kyoto.", "not in the record (Kyoto)"),
        (QUAIL, "It is a Chinese scroll.", "not in the record (Chinese)"),
        (QUAIL, "It is oil on canvas.", "not in the record (oil)"),
        (QUAIL, "It is a rare and beautiful scroll.", "a judgement (rare)"),
        (QUAIL, "It was made in 1667 B.C. on silk.", "not in the record (before the era)"),
        (QUAIL, "It was hung in the", "unfinished"),
        (QUAIL, "We see a bird.", "speaks as or to somebody"),
        (QUAIL, "Do you see the bird?", "speaks as or to somebody"),
        (QUAIL, "The record does not say who owned it.", "tells of the record, not of the object"),
        (AMULET, "It was made in the 7th century.", "the record says before the era"),
        (AMULET, "It was made between 664 and 525 AD.", "the record says before the era"),
        (AMULET, "It is of the 7th Dynasty.", "not in the record (7th)"),
        (WOODCUT, "It was made in 1516.", "not in the record (1516)"),
        (WOODCUT, "It is 1.251 g.", "not in the record (1.251)"),
        (GLASS, "It was made in 1800.", "not in the record (1800)"),
        (GLASS, "It was made in 1750.", "not in the record (1750)"),
        (GLASS, "It was made in the 17th century.", "not in the record (17. century)"),
        (LOUIS, "It was made for Louis XV.", "not in the record (XV)"),
        (LOUIS, "It has three panels.", "not in the record (three)"),
        (LOUIS, "I Want You for U.S. Army wants you.", "speaks as or to somebody"),
        (PAGE, "It was carved in 1892.", "not in the record (1892)"),
        (PAGE, "It was carved in Hull.", "not in the record (Hull)"),
    ],
)
def test_what_the_record_does_not_say_costs_the_sentence(obj: CollectedObject, sentence: str, why: str) -> None:
    assert judged(obj, sentence) == why


def test_a_page_has_no_say_where_the_fields_name_year_and_maker() -> None:
    obj = replace(QUAIL, text="A note by Rembrandt of 1999 on the 3rd century speaks of a Bullfinch and 44 eggs.")
    assert judged(obj, "It was made by Rembrandt.") == "another maker than in the record (Rembrandt)"
    assert judged(obj, "It was made in 1999.") == "not in the record (1999)"
    assert judged(obj, "It was made in the 3rd century.") == "not in the record (3. century)"
    assert judged(obj, "It shows a Bullfinch and 44 eggs.") is None


def test_long_stretches_of_a_page_are_not_copied() -> None:
    text = "it stands in the hall of the old house where the light of the day comes in from the court and the garden."
    obj = replace(PAGE, text=text)
    assert judged(obj, text.capitalize()) == "copied from the page"
    assert judged(obj, "It stands in the hall of the old house.") is None


def kept(**answered: object) -> Checked:
    return check(answer(**answered), prompt.build(QUAIL))  # type: ignore[arg-type]  # the tests give strange ones


def test_title_period_and_tags_are_held_to_the_record_too() -> None:
    good = kept(title="Quail and Millet, a scroll", period="Late 17th century", tags=["birds", "Silk", "Japanese silk"])
    assert (good.title, good.period) == ("Quail and Millet, a scroll", "Late 17th century")
    assert good.tags == ("birds", "Silk", "Japanese silk")
    bad = kept(title="The Great Wave", period="Edo period", tags=["birds", "Birds", "waves", "1831", "!"])
    assert (bad.title, bad.period, bad.tags) == ("Quail and Millet", None, ("birds",))
    assert len(bad.dropped) == 5
    assert kept(period="").period is None


def test_a_title_that_cannot_be_shown_is_never_the_last_resort() -> None:
    evil = replace(QUAIL, title="Bowl from www.evil.example")
    text = answer("It is a work by Kiyohara Yukinobu from Japan.", title="Bowl")
    assert check(text, prompt.build(evil)).title == "Paintings"
    assert check(text, replace(prompt.build(evil), facts={**prompt.build(QUAIL).facts, "title": evil.title})).title == (
        "Paintings"
    )
    with pytest.raises(BadAnswer, match="title") as caught:
        check(text, prompt.build(replace(evil, classification=None)))
    assert caught.value.reason == "title"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "shape"),
        ("no JSON", "shape"),
        ("[]", "shape"),
        ("null", "shape"),
        ("[" * 100_000, "shape"),
        ('{"title": "Quail", "summary": "It is', "shape"),
        ('{"title": "Quail", "summary": "It is a scroll.", "period": null, "tags": []}', "shape"),
        ('{"title": "\\ud800", "summary": "It is a scroll.", "period": "", "tags": []}', "shape"),
        (answer(tags=["x"] * 9), "shape"),
        (answer("x" * 701), "shape"),
        (answer(title=5), "shape"),
        (answer(verdict="fine"), "shape"),
        (answer("It is a bowl."), "too_short"),
        (answer("Het is een schilderij van Kiyohara Yukinobu uit Japan met vogels."), "too_short"),
        (answer("It was painted in 1850 by Monet. It hung in Paris for years."), "too_short"),
        (answer("Quail and Millet is een schilderij van Kiyohara Yukinobu uit Japan met vogels."), "language"),
        (answer("Quail millet hanging scroll ink color silk birds Japan painting scroll millet quail."), "language"),
        (answer("It is a scroll\u0007 by Kiyohara Yukinobu from Japan, on silk."), "hidden"),
        (answer("It is a scroll <|im_end|> by Kiyohara Yukinobu from Japan."), "hidden"),
        (answer("It is a **scroll** by Kiyohara Yukinobu from Japan, on silk."), "markup"),
        (answer("As an AI, this work by Kiyohara Yukinobu is from Japan, on silk."), "orders"),
        (answer(tags=["https://evil.example"]), "link"),
        (answer(title="Visit our shop"), "readers"),
        (answer(period="call 0800 555 0199 44"), "phone"),
    ],
)
def test_an_answer_beyond_repair_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        check(text, prompt.build(QUAIL))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "summary",
    [
        "The visit of the Magi is the subject of this scroll by Kiyohara Yukinobu.",
        "The print is by Kiyohara Yukinobu, and only silk is used for it.",
        "This system of signs stands in the scroll by Kiyohara Yukinobu.",
        "It is a call to the birds, a return to the old order of things in Japan.",
        "The workshop assistant of Kiyohara Yukinobu put color on the silk.",
        "Below the bird, the text of a poem begins; it tells of the birds and of millet.",
        "The bird looks at the millet; the artist took ink and color for that.",
    ],
)
def test_harmless_words_that_attacks_use_too_spoil_nothing(summary: str) -> None:
    done = check(answer(summary), prompt.build(replace(QUAIL, tags=("Birds", "Magi"))))
    assert done.summary == summary


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It was made ca. 1500. It is small.", 2),
        ("It shows St. Mark by J. M. W. Turner. It is of the 3rd c. B.C. It is red.", 2),
        ("It is 18 3/4 in. (47.6 cm) wide. “Who is it?” It is a saint.", 3),
        ("No end", 1),
        ("", 0),
        ("One! Two? Three.", 3),
    ],
)
def test_sentences_end_where_a_reader_sees_it(text: str, count: int) -> None:
    assert len(list(sentences(text))) == count


@given(st.text(max_size=300), st.text(max_size=130), st.text(max_size=90), st.lists(st.text(max_size=45), max_size=9))
def test_any_answer_is_checked_or_refused(summary: str, title: str, period: str, tags: list[str]) -> None:
    text = json.dumps({"title": title, "summary": summary, "period": period, "tags": tags})
    with contextlib.suppress(BadAnswer):
        assert check(text, prompt.build(QUAIL)).summary in " ".join(summary.split())


@given(st.text(max_size=300))
def test_any_text_is_refused_that_is_no_answer(text: str) -> None:
    with pytest.raises(BadAnswer):
        check(text, prompt.build(QUAIL))


@pytest.mark.parametrize(
    "piece",
    ["a" * 700, "1" * 700, "(" * 700, "by A" * 175, "a." * 350, "1-" * 350, " I" * 350, "a b-" * 175, "&a" * 350],
)
def test_no_text_takes_long_to_judge(piece: str) -> None:
    """A pattern that goes back and forth over a text would stand still for seconds, and the daemon with it."""
    began = time.process_time()
    asked = prompt.build(replace(QUAIL, text=f"{piece * 20} {piece * 10}", title=piece, tags=(piece,) * 12))
    with contextlib.suppress(BadAnswer):
        check(answer(piece), replace(asked, page=piece * 20))
    assert time.process_time() - began < 1.0
