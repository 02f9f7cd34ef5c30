"""Judge what a model said of an object. Pure: text in; what may be kept, with what was left out and why, or BadAnswer.

Two kinds of faults. What only a disturbed model writes (addresses, markup, orders, our own instructions) spoils the
whole answer. What the record does not say costs the sentence that says it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from hived.clients.ollama.parse import BadAnswer
from hived.services.collecting.describe import word_lists as words
from hived.services.collecting.describe.evidence import (
    BEFORE_ERA,
    DECADE,
    NUMBER,
    ORDINAL,
    WORD,
    Evidence,
    centuries_in,
    plain,
)
from hived.services.collecting.describe.prompt import ModelAnswer, Prompt, clean

MIN_CHARS, MIN_WORDS = 40, 6  # "It is a bowl." is no description
COPIED_INSTRUCTIONS = 8  # words in a row that are also in our instructions
COPIED_PAGE = 20  # words in a row that are also on the page: its own wording may not be free
MIN_ENGLISH = 0.12  # share of the commonest words; catalogue English has 0.25 to 0.45
MIN_LATIN = 0.8  # share of letters; names in other scripts are fine


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of an answer. `dropped`: each removed piece with its reason."""

    title: str
    summary: str
    period: str | None
    tags: tuple[str, ...]
    dropped: tuple[str, ...]


def check(text: str, prompt: Prompt) -> Checked:
    """Return what may be kept of a model's answer to `prompt`. Raises BadAnswer."""
    answer = read(text)
    whole = "\n".join((answer.title, answer.summary, answer.period, *answer.tags))
    _refuse_leaks(whole, prompt)
    for part in (answer.title, answer.summary, answer.period, *answer.tags):
        _refuse_disturbed(part)
    evidence = Evidence(prompt)
    dropped: list[str] = []
    kept = [one for one in sentences(answer.summary) if _keep(one, _fault(one, prompt, evidence), dropped)]
    summary = " ".join(kept)
    if len(summary) < MIN_CHARS or len(WORD.findall(summary)) < MIN_WORDS:
        why = f": {dropped[0]}" if dropped else ""
        raise BadAnswer(f"too little is left of the answer{why}", "too_short")
    _refuse_other_languages(summary)
    return Checked(
        title=_title(answer.title, prompt, evidence, dropped),
        summary=summary,
        period=_period(answer.period, evidence, dropped),
        tags=_tags(answer.tags, evidence, dropped),
        dropped=tuple(dropped),
    )


def read(text: str) -> ModelAnswer:
    """Return the answer in the shape that was asked for, its texts on one line and without lookalikes.

    Raises BadAnswer for any other shape and for characters that hide something.
    """
    try:
        answer = ModelAnswer.model_validate_json(text)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the answer"
        raise BadAnswer(f"the answer has not the shape that was asked for: {where}: {first['msg']}", "shape") from None
    except (ValueError, RecursionError):
        raise BadAnswer("the answer is not JSON", "shape") from None
    return ModelAnswer.model_construct(
        title=_readable(answer.title),
        summary=_readable(answer.summary),
        period=_readable(answer.period),
        tags=[_readable(tag) for tag in answer.tags],
    )


def _readable(text: str) -> str:
    line = " ".join(text.split())
    if any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn") for char in line) or clean(line) != (
        unicodedata.normalize("NFC", line)
    ):
        raise BadAnswer("the answer has hidden characters or tokens of a chat template", "hidden", suspicious=True)
    return unicodedata.normalize("NFC", line)


# -- what spoils an answer -----------------------------------------------------------------------------------------


def _refuse_leaks(whole: str, prompt: Prompt) -> None:
    """Refuse an answer with our control word or marker, also spaced out or backwards, or with our instructions."""
    letters = "".join(char for char in whole.casefold() if char.isalnum())
    for secret in (prompt.canary.casefold(), prompt.marker.casefold()):
        if secret in letters or secret in letters[::-1]:
            raise BadAnswer("the answer tells our control word", "canary", suspicious=True)
    if _run_in_common(whole, prompt.system, COPIED_INSTRUCTIONS):
        raise BadAnswer("the answer repeats our instructions", "instructions", suspicious=True)


_DISTURBED: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("link", "an address", words.LINKS.search),
    ("phone", "a telephone number", words.PHONE.search),
    ("markup", "markup, code or signs of money", words.MARKUP.search),
    ("orders", "words to or of a model", words.ORDERS.search),
    ("orders", "words to or of a model", words.ORDERS_CASED.search),
    ("readers", "words to the reader", words.READERS.search),
)


def _disturbed(text: str) -> tuple[str, str] | None:
    for shape in (text, unicodedata.normalize("NFKC", text)):
        for reason, what, finds in _DISTURBED:
            if finds(shape):
                return reason, what
    if any(_is_mixed(word) for word in WORD.findall(text)):
        return "lookalike", "a word of two alphabets"
    return None


def _refuse_disturbed(text: str) -> None:
    found = _disturbed(text)
    if found:
        reason, what = found
        raise BadAnswer(f"the answer has {what}", reason, suspicious=True)


def _is_mixed(word: str) -> bool:
    """A word with Latin letters and those of another alphabet that look like them."""
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in word if char.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH"})


def _refuse_other_languages(summary: str) -> None:
    letters = [char for char in summary if char.isalpha()]
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in letters)
    told = [plain(word) for word in WORD.findall(summary)]
    english = sum(word in words.ENGLISH for word in told)
    others = max(sum(word in table - words.ENGLISH for word in told) for table in words.FOREIGN)
    if latin < MIN_LATIN * len(letters) or english < MIN_ENGLISH * len(told) or others > english:
        raise BadAnswer("the answer is not in English", "language")


# -- what costs a sentence -----------------------------------------------------------------------------------------

_END = re.compile(r"[.!?]+[\"'”’)]*(?=\s+[\"'“‘(]?[^\Wa-z_])")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; "ca. 1500", "St. Mark" and "J. M. W. Turner" end none."""
    start = 0
    for match in _END.finditer(text):
        before = re.search(r"([\w.]+)$", text[start : match.start()])
        last = before[1] if before else ""
        if match[0].startswith(".") and (last.lower() in words.ABBREVIATIONS or re.fullmatch(r"(?:\w\.)*[A-Z]", last)):
            continue
        yield text[start : match.end()].strip()
        start = match.end()
    if text[start:].strip():
        yield text[start:].strip()


def _keep(sentence: str, fault: str | None, dropped: list[str]) -> bool:
    if fault is not None:
        dropped.append(f"{fault}: {sentence}")
    return fault is None


def _fault(sentence: str, prompt: Prompt, evidence: Evidence) -> str | None:
    """Return why a sentence cannot stay, None when it can."""
    if not sentence.rstrip("\"'”’)").endswith((".", "!", "?")):
        return "unfinished"
    if words.PERSONS.search(sentence) and not _quotes_title(sentence, prompt):
        return "speaks as or to somebody"
    if words.META.search(sentence):
        return "tells of the record, not of the object"
    if prompt.page and _run_in_common(sentence, prompt.page, COPIED_PAGE):
        return "copied from the page"
    return ungrounded(sentence, evidence)


def _quotes_title(sentence: str, prompt: Prompt) -> bool:
    """Leave a title such as "I Want You" alone, and look at the rest."""
    title = prompt.facts.get("title")
    return isinstance(title, str) and not words.PERSONS.search(sentence.replace(title, ""))


def ungrounded(text: str, evidence: Evidence) -> str | None:
    """Return what in a text the record does not say, None when all of it is there."""
    for find in (_wrong_claim, _wrong_time, _wrong_number, _wrong_maker, _wrong_name, _wrong_material):
        found = find(text, evidence)
        if found:
            return found
    return None


def _wrong_claim(text: str, evidence: Evidence) -> str | None:
    for match in words.CLAIMS.finditer(text):
        if plain(match[0]) not in evidence.fields.words:
            return f"a judgement ({match[0]})"
    return None


def _wrong_time(text: str, evidence: Evidence) -> str | None:
    told = frozenset(centuries_in(text))
    wrong = told - evidence.centuries
    if wrong:
        return f"not in the record ({min(wrong)}. century)"
    if BEFORE_ERA.search(text):
        return None if evidence.before_era else "not in the record (before the era)"
    if evidence.only_before_era and (told or any(str(year) in NUMBER.findall(text) for year in evidence.years)):
        return "the record says before the era"
    return None


def _wrong_number(text: str, evidence: Evidence) -> str | None:
    centuries = frozenset(centuries_in(text))
    for match in ORDINAL.finditer(text):
        if int(match[1]) not in centuries | evidence.everything.ordinals:
            return f"not in the record ({match[0]})"
    rest = ORDINAL.sub(" ", text)
    for match in DECADE.finditer(rest):
        if not evidence.knows_decade(int(match[1])):
            return f"not in the record ({match[0]})"
    for number in NUMBER.findall(DECADE.sub(" ", rest)):
        if not evidence.knows_number(number, text):
            return f"not in the record ({number})"
    for word in map(plain, WORD.findall(rest)):
        counted = words.NUMBERS.get(word) if word not in words.FREE_NUMBERS else None
        if counted is not None and not evidence.knows_word(word) and str(counted) not in evidence.everything.numbers:
            return f"not in the record ({word})"
    return None


_BY = re.compile(r"\b[Bb]y\s+((?:[A-Z][\w'’.-]*\s*)+)")


def _wrong_maker(text: str, evidence: Evidence) -> str | None:
    """Where the fields name the makers, a page cannot name another."""
    if not evidence.has_makers:
        return None
    for match in _BY.finditer(text):
        for word in WORD.findall(match[1]):
            if plain(word) not in evidence.fields.words and plain(word) not in words.STARTERS:
                return f"another maker than in the record ({word})"
    return None


def _wrong_name(text: str, evidence: Evidence) -> str | None:
    for token in WORD.findall(text):
        if token[0].isupper() and plain(token) not in words.STARTERS and not evidence.knows_word(token):
            return f"not in the record ({token})"
    return None


def _wrong_material(text: str, evidence: Evidence) -> str | None:
    for word in map(plain, WORD.findall(text)):
        if word in words.MATERIALS and not evidence.knows_word(word):
            return f"not in the record ({word})"
    return None


# -- the smaller parts ---------------------------------------------------------------------------------------------


def _title(title: str, prompt: Prompt, evidence: Evidence, dropped: list[str]) -> str:
    """Return the model's title, else the record's own, else what kind of thing it is. Raises BadAnswer for none."""
    fault = None if _title_is_of(title, evidence) else "not in the record"
    if _keep(title, fault or ungrounded(title, evidence), dropped):
        return title
    for own in (prompt.facts.get("title"), prompt.facts.get("classification")):
        if isinstance(own, str) and not _disturbed(own):
            return own
    raise BadAnswer("neither the answer nor the record has a title that can be shown", "title")


def _title_is_of(title: str, evidence: Evidence) -> bool:
    """A title is made of the record's words; small ones may come in between."""
    return all(evidence.knows_word(word) or plain(word) in words.STARTERS for word in WORD.findall(title))


def _period(period: str, evidence: Evidence, dropped: list[str]) -> str | None:
    if not period:
        return None
    fault = ungrounded(period, evidence) or (None if _title_is_of(period, evidence) else "not in the record")
    return period if _keep(period, fault, dropped) else None


def _tags(tags: list[str], evidence: Evidence, dropped: list[str]) -> tuple[str, ...]:
    """Return the tags whose every word is in the record, each once."""
    kept: dict[str, str] = {}
    for tag in tags:
        known = all(evidence.knows_word(word) for word in WORD.findall(tag))
        fault = ungrounded(tag, evidence) or (None if known and WORD.search(tag) else "not in the record")
        if _keep(tag, fault, dropped):
            kept.setdefault(tag.casefold(), tag)
    return tuple(kept.values())


def _run_in_common(text: str, source: str, length: int) -> bool:
    """Say whether so many words in a row of `text` stand in `source`, too."""
    told, given = [plain(word) for word in WORD.findall(text)], [plain(word) for word in WORD.findall(source)]
    runs = {tuple(given[at : at + length]) for at in range(len(given) - length + 1)}
    return any(tuple(told[at : at + length]) in runs for at in range(len(told) - length + 1))
