"""Which of a record's identifiers is the number by which the museum keeps the object."""

from __future__ import annotations

import pytest

from hived.clients.museums import accession


@pytest.mark.parametrize(
    "number",
    [
        "36.100.45", "SK-C-5", "1916.586.a", "1889/12/3", "EA10470", "RP-P-OB-1234", "1947-15", "Inv. 12 B",
        "BK-NM-1010-A", "2001.12.1a, b", "M.2004.57.1a-b", "Ж-12", "29.100.113–29.100.115", "X 88 A (12)", "WA1845.17",
    ],
)  # fmt: skip
def test_a_number_as_museums_write_it_is_one_wherever_it_stands(number: str) -> None:
    assert accession.likely([None, "https://museum.example/x", number, "1.2.3"]) == number
    assert accession.stated([number]) == number


@pytest.mark.parametrize(
    "told",
    [
        "https://museum.example/12", "http://n2t.net/ark:/65/m31", "urn:nbn:nl:ui:1", "doi:10.1234/x", "Q29910832",
        "10.1234/museum.5", "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e", "ISBN 0-306",
        "oai:museum.example:12", "info:eu-repo/x", "", "  ", None, 45734, ["1.2"], "1." + "2" * 60, "www.m.example/1.2",
    ],
)  # fmt: skip
def test_a_name_in_another_system_is_none(told: object) -> None:
    assert accession.stated([told]) is None
    assert accession.likely([told]) is None


@pytest.mark.parametrize("told", ["45734", "painting", "the night watch", "node", "7", "object_45734", "object-45734"])
def test_what_may_be_the_row_of_a_database_counts_only_where_the_field_says_so(told: str) -> None:
    assert accession.likely([told]) is None
    assert accession.stated([told]) == told
