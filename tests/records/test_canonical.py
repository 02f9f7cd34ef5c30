"""Version 1 of the canonical URL: nodes must agree on it byte for byte, so these vectors never change."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.errors import BadRequest
from hived.records.canonical import canonical, url_key

VECTORS = [
    ("http://example.org", "http://example.org/"),
    ("HTTP://EXAMPLE.ORG/", "http://example.org/"),
    ("https://example.org:443/a", "https://example.org/a"),
    ("http://example.org:80/a", "http://example.org/a"),
    ("http://example.org:8080/a", "http://example.org:8080/a"),
    ("https://example.org:80/a", "https://example.org:80/a"),
    ("http://example.org:/a", "http://example.org/a"),
    ("http://example.org./a", "http://example.org/a"),
    ("http://example.org/a#part", "http://example.org/a"),
    ("http://example.org/a?#part", "http://example.org/a"),
    ("http://example.org/a/./b", "http://example.org/a/b"),
    ("http://example.org/a/../b", "http://example.org/b"),
    ("http://example.org/../../b", "http://example.org/b"),
    ("http://example.org/a/b/..", "http://example.org/a/"),
    ("http://example.org/a/b/.", "http://example.org/a/b/"),
    ("http://example.org/a/%2e%2e/b", "http://example.org/b"),
    ("http://example.org/a//b", "http://example.org/a//b"),
    ("http://example.org/a/", "http://example.org/a/"),
    ("http://example.org/a", "http://example.org/a"),
    ("http://example.org/%7Euser", "http://example.org/~user"),
    ("http://example.org/%41%42", "http://example.org/AB"),
    ("http://example.org/a%2fb", "http://example.org/a%2Fb"),
    ("http://example.org/a%20b", "http://example.org/a%20b"),
    ("http://example.org/a%c3%a9", "http://example.org/a%C3%A9"),
    ("http://example.org/é", "http://example.org/%C3%A9"),
    ("http://example.org/100%", "http://example.org/100%25"),
    ("http://example.org/100%zz", "http://example.org/100%25zz"),
    ("http://example.org/a;b=c", "http://example.org/a;b=c"),
    ("http://example.org/a,b", "http://example.org/a,b"),
    ("http://example.org/a[b]", "http://example.org/a%5Bb%5D"),
    ("http://example.org/a|b", "http://example.org/a%7Cb"),
    ("http://example.org/?b=2&a=1", "http://example.org/?a=1&b=2"),
    ("http://example.org/?a=2&a=1", "http://example.org/?a=1&a=2"),
    ("http://example.org/?a=", "http://example.org/?a="),
    ("http://example.org/?a", "http://example.org/?a"),
    ("http://example.org/?&&a=1&", "http://example.org/?a=1"),
    ("http://example.org/?", "http://example.org/"),
    ("http://example.org/?a=%41", "http://example.org/?a=A"),
    ("http://example.org/?a=b%26c", "http://example.org/?a=b%26c"),
    ("http://example.org/?a=b+c", "http://example.org/?a=b+c"),
    ("http://example.org/?a=b%2bc", "http://example.org/?a=b%2Bc"),
    ("http://example.org/?q=a=b", "http://example.org/?q=a=b"),
    ("http://example.org/?utm_source=x&id=3", "http://example.org/?id=3"),
    ("http://example.org/?id=3&UTM_Medium=x", "http://example.org/?id=3"),
    ("http://example.org/?fbclid=x", "http://example.org/"),
    ("http://example.org/?gclid=x&a=1&msclkid=2", "http://example.org/?a=1"),
    ("http://example.org/?PHPSESSID=abc&a=1", "http://example.org/?a=1"),
    ("http://example.org/?jsessionid=abc", "http://example.org/"),
    ("http://example.org/?mc_cid=1&mc_eid=2&mc_x=3", "http://example.org/?mc_x=3"),
    ("http://example.org/?reference=1", "http://example.org/?reference=1"),
    ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ("http://XN--BCHER-KVA.example/", "http://xn--bcher-kva.example/"),
    ("http://[2001:DB8::1]/a", "http://[2001:db8::1]/a"),
    ("http://[2001:db8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
    ("https://www.metmuseum.org/art/collection/search/45734", "https://www.metmuseum.org/art/collection/search/45734"),
    ("https://www.metmuseum.org/art/collection/search/45734?ft=*&pos=1", "https://www.metmuseum.org/art/collection/search/45734?ft=*&pos=1"),
]  # fmt: skip

REFUSED = [
    "", "example.org/a", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x",
    "http://", "http:///a", "http://user@example.org/", "http://user:pw@example.org/", "http://example.org:99999/",
    "http://example.org:port/", "http://exa mple.org/", "http://example.org/a b", "http://example.org/\n",
    "http://example.org\\@evil.example/", "http://[::1/", "http://" + "a" * 70 + ".example/",
    "http://example.org/" + "a" * 2048, "\x00http://example.org/",
]  # fmt: skip


@pytest.mark.parametrize(("url", "spelling"), VECTORS)
def test_each_url_has_one_spelling(url: str, spelling: str) -> None:
    assert canonical(url) == spelling


@pytest.mark.parametrize("url", REFUSED)
def test_what_no_artifact_can_have_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        canonical(url)


@given(st.text(max_size=60).map(lambda tail: "http://example.org/" + tail))
def test_a_canonical_url_is_its_own_canonical_form(url: str) -> None:
    try:
        once = canonical(url)
    except BadRequest:
        return
    assert canonical(once) == once
    assert url_key(once) == url_key(url)


@given(st.text(max_size=80))
def test_no_text_raises_past_the_function(url: str) -> None:
    with contextlib.suppress(BadRequest):
        canonical(url)
