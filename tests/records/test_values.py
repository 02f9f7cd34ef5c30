"""One kit of readers for JSON from outside, in two manners: nothing, or BadValue."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums import dates
from hived.errors import Unreadable
from hived.records import untrusted, values
from hived.records.untrusted import BadValue

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**53, -1, 0, 1e308, -0.0, 3.0])
    | st.floats()
    | st.text(max_size=300)
    | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs", "Mn"]), max_size=30)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@given(JSON)
def test_an_optional_value_is_of_its_type_and_range_or_nothing(value: Any) -> None:
    whole, number, text = values.integer(value, -5, 5), values.number(value, -5, 5), values.text(value, 10)
    assert whole is None or (type(whole) is int and -5 <= whole <= 5)
    assert number is None or (type(number) is float and math.isfinite(number) and -5 <= number <= 5)
    assert values.flag(value) in (None, value)
    if text is not None:
        assert 0 < len(text) <= 10
        assert text == " ".join(text.split())
        text.encode()
    assert isinstance(values.table(value), dict)
    assert len(values.tables(value, 2)) <= len(values.items(value, 2)) <= 2


@given(JSON)
def test_a_required_value_is_right_where_the_optional_one_is_there(value: Any) -> None:
    pairs: list[tuple[Callable[[], object], object]] = [
        (lambda: untrusted.whole(value, "x", -5, 5), values.integer(value, -5, 5)),
        (lambda: untrusted.flag(value, "x"), values.flag(value)),
        (lambda: untrusted.digest(value, "x"), values.matching(value, values.SHA256)),
    ]
    if value is not None:
        pairs.append((lambda: untrusted.number(value, "x", -5, 5), values.number(value, -5, 5)))
    for required, optional in pairs:
        if optional is None:
            with pytest.raises(BadValue, match="x"):
                required()
        else:
            assert required() == optional


@pytest.mark.parametrize("value", [True, False, math.nan, math.inf, -math.inf, 10**400, "1", None, [1], 2.5])
def test_what_is_no_whole_number(value: Any) -> None:
    assert values.integer(value) is None


def test_a_whole_number_may_be_written_as_javascript_or_a_float_does() -> None:
    assert values.integer(json.loads("3.0")) == 3
    assert type(values.integer(3.0)) is int
    assert values.integer(2**53 - 1) == values.MAX_WHOLE
    assert values.integer(2**53) is None


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("a\x1b[2Jb\x00c\x9f", "a [2Jb c"),
        ("one\r\n two\tthree\u2028four\u00a0five", "one two three four five"),
        ("e\u202evil\u2066\u200b\u00ad\ufeff", "evil"),
        ("\U000e0069\U000e0067hidden tags\U000e007f", "hidden tags"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # a joiner that the script needs
        ("👩\u200d🔧", "👩\u200d🔧"),
        (" \n\u202e ", None),
        ("", None),
        (b"bytes", None),
    ],
)
def test_a_text_is_one_clean_line(raw: Any, clean: str | None) -> None:
    assert values.text(raw, 100) == clean


@given(st.text(max_size=200))
def test_a_clean_text_stays_as_it_is(text: str) -> None:
    clean = values.clean(text)
    assert values.clean(clean) == clean
    clean.encode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", clean)


@pytest.mark.parametrize("body", [b'{"a": "b', b'{"a": 1', b"x", b'{"a": "\\u12'])
def test_where_an_answer_is_cut_is_told_in_good_english(body: bytes) -> None:
    with pytest.raises(Unreadable, match=r"cut short \(.*[^t] at character [0-9]+\)$"):
        values.top_object(body)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"  ", b"\xff", b'{"a": 1', b"{", b"[1,]", b"nul", b"\x00", b"\xff\xfe"),
        *(b"[" * 200_000, b'{"a":' * 200_000, '{"a": 1}'.encode("utf-16")),
    ],
    ids=lambda body: ascii(body[:10]),
)
def test_what_is_no_json_says_why(body: bytes) -> None:
    with pytest.raises(Unreadable, match="the answer"):
        values.document(body)


def test_json_that_python_alone_knows_is_nothing() -> None:
    assert values.document(b"[NaN, Infinity, -Infinity, 1e999, -1e999, 1.5, 7]") == [None] * 5 + [1.5, 7]
    assert values.document('\ufeff{"a": "ä"}'.encode()) == {"a": "ä"}
    for body in (b"[]", b"1", b"null", b'"{}"'):
        with pytest.raises(Unreadable, match="object"):
            values.top_object(body)


@pytest.mark.parametrize("word", ["nan", "-nan", "NAN", "Nan", "inf", "-INF", "+inf", "infinity", "-nan(0x8)", "NaN"])
def test_what_is_no_number_in_any_writing_is_nothing(word: str) -> None:
    body = f'{{"rate": {word}, "list": [{word},1,{word}], "text": "{word}, \\" {word}"}}'
    assert values.document(body) == {"rate": None, "list": [None, 1, None], "text": f'{word}, " {word}'}


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (b"M\xfcnchen-1", "M\ufffdnchen-1"),
        (b"cut \xe2\x82", "cut \ufffd"),
        (b"f\xe9rme.1", "f\ufffdrme.1"),
        (b"two\nlines\tand \x00", "two\nlines\tand \0"),
        (rb"C:\xyz \u12 \\x", r"C:\xyz \u12 \x"),
    ],
)
def test_a_spoilt_text_costs_itself_alone(told: bytes, read: str) -> None:
    assert values.document(b'{"name": "' + told + b'", "rate": 1.5}') == {"name": read, "rate": 1.5}


@given(st.binary(max_size=30), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_bytes_a_text_holds_its_neighbours_are_read(told: bytes, rate: float) -> None:
    told = told.replace(b'"', b"").replace(b"\\", b"")
    found = values.document(b'[{"name": "' + told + b'", "bad": -nan, "rate": ' + str(rate).encode() + b"}]\n\0\0")
    assert found[0]["rate"] == rate
    assert isinstance(found[0]["name"], str)


def test_a_number_of_a_thousand_digits_costs_itself_alone() -> None:
    body = b'{"shares": ' + b"9" * 5000 + b', "rate": 7, "bad": '
    assert (
        values.document(body + b"null}") == values.document(body + b"nan}") == {"shares": None, "rate": 7, "bad": None}
    )


@pytest.mark.parametrize(
    "body", ['"' + r"\"" * 300_000, "[" + "nan," * 200_000, '["' + "\\" * 599_999, '"a"' * 200_000]
)
def test_a_hostile_body_is_refused_in_one_look(body: str) -> None:
    with pytest.raises(Unreadable):
        values.document(body)


@given(st.binary(max_size=60))
def test_bytes_are_json_or_unreadable(body: bytes) -> None:
    try:
        values.document(body)
    except Unreadable:
        assert True


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("0", 0.0), ("30", 30.0), (" 1.5 ", 1.5), ("999999999", 3600.0)),
        *(("-1", None), ("soon", None), ("", None), (None, None), ("1e9", None), ("٣٠", None), ("9" * 400, None)),
    ],
)
def test_retry_after_is_bounded(header: str | None, seconds: float | None) -> None:
    assert values.retry_after(header, 3600.0) == seconds


def test_a_span_of_years_does_not_run_backwards() -> None:
    assert dates.years(-300, -250) == (-300, -250)
    assert dates.years(1700, 1600) == (None, None)
    assert dates.years(1700, None) == (1700, None)
    assert dates.years(True, 1700.0) == (None, 1700)
    assert dates.years(9999, "1700") == (None, None)
