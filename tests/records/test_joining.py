"""Keys, phrases, numbers and times are the same on both sides, and stay so."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.records import joining, times
from hived.records.streams import CONTRIBUTIONS, EVENTS, Limits, rollup_key, rollup_seq

SECRET = "5e" * 32


# Both sides compute these, in whatever version: a change of them is a change of the protocol.
@pytest.mark.parametrize(
    ("node_id", "pin", "expected"),
    [
        ("node-1", None, "fonuv-juron-fanuj-kikuk"),
        ("node-1", "ab" * 32, "duhur-rogar-polad-kivon"),
        ("node-2", "ab" * 32, "kotur-mosaz-hinip-halob"),
    ],
)
def test_the_phrase_of_a_node_a_key_and_a_master_is_known(node_id: str, pin: str | None, expected: str) -> None:
    assert joining.phrase(node_id, joining.hash_of(SECRET), pin) == expected


def test_the_phrase_differs_with_whatever_it_is_made_of() -> None:
    told = {
        joining.phrase(node, joining.hash_of(secret), pin)
        for node in ("a", "b") for secret in ("x", "y") for pin in (None, "ab" * 32, "cd" * 32)
    }  # fmt: skip
    assert len(told) == 12


@given(st.binary(min_size=8, max_size=8))
def test_a_phrase_is_four_words_that_hold_64_bits(bits: bytes) -> None:
    phrase = joining.phrase("n", bits.hex(), None)
    words = phrase.split("-")
    assert [len(word) for word in words] == [5] * 4
    digest = hashlib.sha256(f"hived join\0n\0{bits.hex()}\0".encode()).digest()
    assert b"".join(_bits(word).to_bytes(2) for word in words) == digest[:8]


def _bits(word: str) -> int:
    consonants, vowels = "bdfghjklmnprstvz", "aiou"
    c1, v1, c2, v2, c3 = list(word)
    return (
        consonants.index(c1) << 12 | vowels.index(v1) << 10 | consonants.index(c2) << 6 | vowels.index(v2) << 4
        | consonants.index(c3)
    )  # fmt: skip


def test_a_key_is_read_back_and_shows_its_secret_to_nobody() -> None:
    key = joining.new_key()
    assert joining.read_key(key.text) == key
    assert key.secret not in repr(key)
    assert key.secret_hash == hashlib.sha256(key.secret.encode()).hexdigest()
    assert joining.new_key() != key


@pytest.mark.parametrize("text", ["", "hive_", "hive_0011223344556677_", f"hive_{'0' * 16}_{'0' * 63}",
                                  f"HIVE_{'0' * 16}_{'0' * 64}", f"hive_{'g' * 16}_{'0' * 64}",
                                  f"hive_{'0' * 16}_{'0' * 64}\n"])  # fmt: skip
def test_what_is_no_key_is_none(text: str) -> None:
    assert joining.read_key(text) is None


@given(st.integers(0, 2**33), st.integers(0, 2**20 - 1))
def test_a_rollup_number_leads_back_to_its_row_and_is_exact_in_javascript(slot: int, num: int) -> None:
    seq = rollup_seq(slot * 300.0, num)
    assert rollup_key(seq) == (slot * 300.0, num)
    assert slot > 8_000_000 or int(float(json.loads(json.dumps(seq)))) == seq < 2**53


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_rollup_numbers_grow_as_their_rows_do(slot_a: int, slot_b: int, num_a: int, num_b: int) -> None:
    a, b = (slot_a * 300.0, num_a), (slot_b * 300.0, num_b)
    assert (a < b) == (rollup_seq(*a) < rollup_seq(*b))


@given(st.integers(0, 32_503_680_000_000_000))
def test_a_time_goes_there_and_back_to_the_microsecond(microseconds: int) -> None:
    at = microseconds / 1e6
    assert abs(times.from_text(times.to_text(at)) - at) < 1e-5  # a double has 4 µs in the year 3000
    text = times.to_text(at)
    assert times.to_text(times.from_text(text)) == text or at > 4e9


@given(st.floats(0, 4e9))
def test_what_we_wrote_is_read_as_we_wrote_it(at: float) -> None:
    text = times.to_text(at)
    assert text.endswith("Z")
    assert times.to_text(times.from_text(text)) == text


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-15T08:00:00Z", 1_800_000_000.0), ("2027-01-15T09:00:00+01:00", 1_800_000_000.0),
        ("2027-01-15T08:00:00.000001Z", 1_800_000_000.000001), ("1970-01-01T00:00:00Z", 0.0),
    ],
)  # fmt: skip
def test_times_of_others_are_read(text: str, at: float) -> None:
    assert times.from_text(text) == at


@pytest.mark.parametrize("text", ["", "now", "2027-01-15", "2027-01-15T08:00:00", "2027-13-15T08:00:00Z", "9" * 400])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        times.from_text(text)


def test_contributions_have_a_bound_of_their_own() -> None:
    assert (Limits().of(CONTRIBUTIONS), Limits().of(EVENTS)) == (100, 500)
