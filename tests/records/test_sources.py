"""A source is told from its base URL, the same by API, by command and by those who ask it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.museums import adapters
from hived.errors import BadRequest
from hived.records.artifact import KINDS
from hived.records.sources import check_base_url, kind_of, new_source, presets

URLS = (
    *(one.base_url for one in presets()),
    "https://www.metmuseum.org/art/collection/search/436535", "https://metmuseum.org", "http://127.21.0.1:8181/x/",
    "http://127.21.0.1:8181/public/collection/v1/objects", "http://127.21.0.1:8181/artic/api/v1/artworks/",
    "http://127.21.0.1:8181/rijks/oai?set=1&verb=x", "http://127.21.0.1:8181/commons/w/api.php",
    "https://commons.wikimedia.org/wiki/Category:Vases_of_Attica", "https://commons.wikimedia.org/wiki/Main_Page",
    "https://commons.wikimedia.org/w/api.php?gsrsearch=vase", "https://api.artic.edu/api/v1?q=x", "https://[::1]/",
    "https://metmuseum.org.evil.example/", "https://example.org/metmuseum.org", "ftp://metmuseum.org/", "", "http://[",
)  # fmt: skip


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("kind", [*KINDS, "louvre"])
def test_what_is_stored_is_what_is_asked(url: str, kind: str) -> None:
    try:
        asked = check_base_url(kind, url)
    except BadRequest:
        return
    assert check_base_url(kind, asked) == asked


def test_every_kind_has_an_adapter() -> None:
    assert set(adapters.ADAPTERS) == set(KINDS)


def test_a_foreign_host_is_no_museum_because_its_name_is_in_the_url() -> None:
    for url in (
        "https://metmuseum.org.evil.example/",
        "https://example.org/metmuseum.org",
        "https://notmetmuseum.org/",
    ):
        assert kind_of(url) == "web"
        assert new_source("x", url).base_url == url


def test_a_source_is_checked_as_a_whole() -> None:
    made = new_source(" The Met ", "https://www.metmuseum.org/")
    assert (made.name, made.kind) == ("The Met", "met")
    assert made.base_url == "https://collectionapi.metmuseum.org/public/collection/v1"
    for name, url, kind, said in (
        ("", "https://example.org/", None, "name: "), ("a\x1bb", "https://example.org/", None, "name: "),
        ("x" * 201, "https://example.org/", None, "name: "), ("x", "example.org", None, "base_url: "),
        ("x", "https://example.org/", "louvre", "kind: expected one of met, artic"),
        ("x", "https://example.org/" + "y" * 500, "web", "base_url: "),
    ):  # fmt: skip
        with pytest.raises(BadRequest, match=said):
            new_source(name, url, kind)


def test_every_preset_can_be_added_as_it_stands() -> None:
    for one in presets():
        assert new_source(one.name, one.base_url) == one


@given(st.text(max_size=80), st.sampled_from(["https://", "http://commons.wikimedia.org/wiki/", ""]))
def test_no_text_is_too_strange_to_be_refused_in_a_sentence(text: str, before: str) -> None:
    for kind in (None, *KINDS):
        try:
            made = new_source("x", before + text, kind)
        except BadRequest:
            continue
        assert made.base_url.startswith(("http://", "https://"))
        assert new_source("x", made.base_url, made.kind) == made
