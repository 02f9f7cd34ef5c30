"""Which kind a base URL is of, and what is asked for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums.adapters import ADAPTERS
from hived.errors import BadRequest
from hived.records.artifact import KINDS
from hived.records.sources import check_base_url, kind_of
from tests.clients.museums.museum import running_fetcher
from tests.clock import FakeClock

MET = "https://collectionapi.metmuseum.org/public/collection/v1"


async def test_each_kind_has_an_adapter_that_knows_its_name(clock: FakeClock) -> None:
    assert tuple(ADAPTERS) == KINDS
    async with running_fetcher(clock) as fetcher:
        for kind, make in ADAPTERS.items():
            assert make(fetcher).kind == kind


@pytest.mark.parametrize(
    ("url", "kind", "asked"),
    [
        (MET, "met", MET),
        (f"{MET}/", "met", MET),
        (f"{MET}/objects", "met", MET),
        ("https://www.metmuseum.org/", "met", MET),
        ("https://metmuseum.org", "met", MET),
        ("http://127.0.0.1:8181/public/collection/v1/", "met", "http://127.0.0.1:8181/public/collection/v1"),
        ("https://www.artic.edu/collection", "artic", "https://api.artic.edu/api/v1"),
        ("https://api.artic.edu/api/v1/artworks", "artic", "https://api.artic.edu/api/v1"),
        ("https://www.clevelandart.org/art/collection", "cleveland", "https://openaccess-api.clevelandart.org/api"),
        ("https://openaccess-api.clevelandart.org/api/", "cleveland", "https://openaccess-api.clevelandart.org/api"),
        ("https://www.rijksmuseum.nl/en", "rijksmuseum", "https://data.rijksmuseum.nl/oai"),
        (
            "https://data.rijksmuseum.nl/oai?set=261208&verb=x",
            "rijksmuseum",
            "https://data.rijksmuseum.nl/oai?set=261208",
        ),
        (
            "https://commons.wikimedia.org/wiki/Category:Old_maps",
            "commons",
            "https://commons.wikimedia.org/w/api.php?gcmtitle=Category%3AOld%20maps",
        ),
        (
            "https://commons.wikimedia.org/w/api.php?gsrsearch=old%20maps",
            "commons",
            "https://commons.wikimedia.org/w/api.php?gsrsearch=old%20maps",
        ),
        (
            "https://commons.wikimedia.org/",
            "commons",
            "https://commons.wikimedia.org/w/api.php?gcmtitle=Category%3ACC-PD-Mark",
        ),
        ("http://127.0.0.1:8181/commons/w/api.php", "commons", "http://127.0.0.1:8181/commons/w/api.php"),
        (
            "HTTPS://Museum.Example:443/objects/?b=2&utm_source=x&a=1#top",
            "web",
            "https://museum.example/objects/?a=1&b=2",
        ),
        ("https://museum.example/sitemap.xml", "web", "https://museum.example/sitemap.xml"),
        ("https://notmetmuseum.org/", "web", "https://notmetmuseum.org/"),
        ("https://metmuseum.org.example.com/", "web", "https://metmuseum.org.example.com/"),
        ("https://www.wikimedia.org/", "web", "https://www.wikimedia.org/"),
    ],
)
def test_the_kind_is_told_from_the_url_and_the_url_is_what_is_asked(url: str, kind: str, asked: str) -> None:
    assert kind_of(url) == kind
    assert check_base_url(kind, url) == asked
    assert check_base_url(kind, asked) == asked, "normalising twice changes nothing"
    assert kind_of(asked) == kind


def test_a_mirror_is_asked_as_it_is_given_when_the_kind_is() -> None:
    for kind, path in (("artic", "/artic/api/v1"), ("cleveland", "/cleveland/api"), ("rijksmuseum", "/rijks/oai")):
        assert check_base_url(kind, f"http://127.0.0.1:8181{path}/") == f"http://127.0.0.1:8181{path}"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("vam", "https://api.vam.ac.uk/v2"),
        ("", "https://x.example/"),
        ("web", "ftp://x.example/"),
        ("web", "x.example"),
        ("web", ""),
        ("web", "https://user:pw@x.example/"),
        ("web", "https://x.example/ y"),
        ("web", "https://"),
        ("web", "javascript:alert(1)"),
        ("web", "https://x.example/" + "x" * 600),
        ("web", "https://x.example:99999/"),
        ("met", f"{MET}?x=1"),
        ("commons", "https://commons.wikimedia.org/wiki/File:X.jpg"),
        ("commons", "https://commons.wikimedia.org/w/api.php?gcmtitle=X"),
        ("commons", "https://commons.wikimedia.org/w/api.php?gcmtitle=Category:X&gsrsearch=y"),
    ],
)
def test_a_url_that_is_no_source_is_refused_with_a_sentence(kind: str, url: str) -> None:
    with pytest.raises(BadRequest, match=r"\w"):
        check_base_url(kind, url)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), st.text(max_size=60) | st.text(max_size=40).map(lambda told: f"https://{told}"))
def test_no_text_gets_past_the_check(kind: str, url: str) -> None:
    kind_of(url)
    try:
        asked = check_base_url(kind, url)
    except BadRequest:
        return
    assert asked.startswith(("http://", "https://"))
