"""`hivectl legend`: the words and their meanings, as the API has them."""

from __future__ import annotations

import json

import pytest

from hived.documents.fleet import legend
from hived.records.condition import MARKS
from hived.records.losses import REASONS
from tests.cli.site import Site


def test_every_word_is_explained(site: Site) -> None:
    assert json.loads(site.run("legend", "--json").out) == legend()
    words = " ".join(site.run("legend").out.split())
    for mark in MARKS.values():
        assert f"{mark.words} {mark.meaning}" in words
    for reason, meaning in REASONS.items():
        assert f"{reason} {meaning}" in words


@pytest.mark.parametrize("word", ["failing", "failure", "silent", "offline", "stopped", "unreadable", "unseen"])
def test_a_word_that_status_counts_is_one_of_them(word: str) -> None:
    assert word in MARKS
