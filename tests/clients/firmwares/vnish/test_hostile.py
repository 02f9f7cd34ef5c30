"""Whatever a network sends: a parser gives its record, or Unreadable, or NotThisFirmware, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hived.clients.firmwares.vnish import parse, parse_boards, parse_summary
from hived.errors import NotThisFirmware, Unreadable
from tests.clients.firmwares.vnish.expected import EXPECTED
from tests.clients.firmwares.vnish.test_parse import OLD_CHIPS, capture

PARSERS: list[Callable[[bytes], Any]] = [
    parse.identity,
    parse.model,
    parse_summary.summary,
    parse.perf_summary,
    parse_boards.boards,
    parse.presets,
    parse.settings,
    parse.token,
    parse.api_keys,
    parse.auth_check,
    parse.key_status,
    parse.unlock_timeout,
    parse.error_text,
]

NAMES = sorted({word for name in EXPECTED for word in capture(name).decode().split('"') if word.isidentifier()})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1763482448])
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["0:00:14", "1 days, 17:02", "2500 watt ~ 92 TH", "mining", "\ud800", "\u202e", "a" * 500])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=25,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())


def assert_storable(value: Any) -> None:
    """Fail on text that no database takes, NaN, or numbers beyond 64 bits anywhere in a record."""

    def members(item: Any) -> dict[str, Any]:
        return {name: getattr(item, name) for name in item.__slots__}

    plain = json.dumps(value, allow_nan=False, ensure_ascii=False, default=members)
    plain.encode()  # half a surrogate pair cannot be stored
    assert not [number for number in _integers(json.loads(plain)) if abs(number) >= 2**63]


def _integers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _integers(item)]
    if isinstance(value, list):
        return [number for item in value for number in _integers(item)]
    return [value] if isinstance(value, int) else []


def read(parser: Callable[[bytes], Any], body: bytes) -> None:
    try:
        found = parser(body)
    except Unreadable as err:
        reason = str(err)
    except NotThisFirmware as err:
        reason = str(err) if parser is parse.identity else ""
    else:
        if parser is not parse.error_text:  # its text is cleaned where it is shown
            assert_storable(found)
        return
    assert 0 < len(reason) < 200


@settings(max_examples=60, deadline=None)
@given(body=BODIES)
def test_any_bytes_and_any_json_are_read_or_refused(body: bytes) -> None:
    for parser in PARSERS:
        read(parser, body)


def _places(doc: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a document."""
    if isinstance(doc, dict):
        return [place for key in doc for place in [(doc, key), *_places(doc[key])]]
    if isinstance(doc, list):
        return [place for key in range(min(len(doc), 8)) for place in [(doc, key), *_places(doc[key])]]
    return []


def _shortened(value: Any) -> Any:
    """Cut all lists to four elements: a damaged place in 76 equal chips shows no more than one in four."""
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return [_shortened(item) for item in value[:4]] if isinstance(value, list) else value


CASES = [(parser, json.dumps(_shortened(json.loads(capture(name))))) for name, (parser, _) in EXPECTED.items()]
CASES.append((parse_boards.boards, OLD_CHIPS.decode()))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), case=st.sampled_from(CASES))
def test_a_capture_with_damaged_places_is_read_or_refused(
    data: st.DataObject, case: tuple[Callable[[bytes], Any], str]
) -> None:
    parser, body = case
    doc = json.loads(body)
    for _ in range(data.draw(st.integers(1, 4))):
        places = _places(doc)
        if not places:
            break
        container, key = data.draw(st.sampled_from(places))
        if data.draw(st.booleans()) and isinstance(container, dict):
            del container[key]
        else:
            container[key] = data.draw(JSON)
    read(parser, json.dumps(doc).encode())


@settings(max_examples=150, deadline=None)
@given(data=st.data(), case=st.sampled_from(CASES))
def test_a_cut_or_overwritten_capture_is_read_or_refused(
    data: st.DataObject, case: tuple[Callable[[bytes], Any], str]
) -> None:
    parser, whole = case
    body = bytearray(whole.encode())
    at = data.draw(st.integers(0, len(body) - 1))
    tail = data.draw(st.binary(max_size=8))
    read(parser, bytes(body[:at]) + tail)
    body[at : at + len(tail)] = tail
    read(parser, bytes(body))


OBJECT_PARSERS = [parser for parser in PARSERS if parser not in (parse.unlock_timeout, parse.error_text)]


@pytest.mark.parametrize("parser", OBJECT_PARSERS, ids=lambda parser: parser.__name__)
@pytest.mark.parametrize(
    "inner",
    [b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5000, b'"\xff"', b"[1, 2", b'"cut'],
    ids=["deep-lists", "deep-objects", "endless-number", "bad-utf8", "cut", "cut-text"],
)
def test_a_body_that_json_cannot_read_is_unreadable(parser: Callable[[bytes], Any], inner: bytes) -> None:
    with pytest.raises(Unreadable):
        parser(b'{"fw_name": "Vnish", "fw_version": ' + inner)


def test_a_hostile_megabyte_is_read_in_bounded_records() -> None:
    rows = b"{}," * 340_000
    for parser in (parse.presets, parse.api_keys, parse_boards.boards):
        assert len(parser(b"[" + rows + b"{}]")) <= 256
