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
    # RFC 3986 6.2.2: case, percent encoding, path segments
    ("eXAMPLE://a/./b/../b/%63/%7bfoo%7d".replace("eXAMPLE", "http"), "http://a/b/c/%7Bfoo%7D"),
    ("HTTP://www.EXAMPLE.com/", "http://www.example.com/"),
    ("http://example.org/a%c2%b1b", "http://example.org/a%C2%B1b"),
    ("http://example.org/%2D%2E%5F%7E", "http://example.org/-._~"),
    ("http://example.org/%3a%40", "http://example.org/%3A%40"),
    ("http://example.org/a/b/c/./../../g", "http://example.org/a/g"),
    ("http://example.org/mid/content=5/../6", "http://example.org/mid/6"),
    ("http://example.org/..", "http://example.org/"),
    ("http://example.org/.", "http://example.org/"),
    ("http://example.org/./", "http://example.org/"),
    ("http://example.org/a/..", "http://example.org/"),
    ("http://example.org/a/%2E/b", "http://example.org/a/b"),
    ("http://example.org/a/.%2e/b", "http://example.org/b"),
    ("http://example.org/...", "http://example.org/..."),
    ("http://example.org/.a/..b", "http://example.org/.a/..b"),
    ("http://example.org//", "http://example.org//"),
    ("http://example.org//a/../b", "http://example.org//b"),
    # RFC 3986 6.2.3: ports and empty parts
    ("http://example.org?a=1", "http://example.org/?a=1"),
    ("http://example.org#a", "http://example.org/"),
    ("https://example.org:0443/", "https://example.org/"),
    ("http://example.org:443/", "http://example.org:443/"),
    ("hTtPs://example.org:00443/x", "https://example.org/x"),
    # percent signs
    ("http://example.org/%", "http://example.org/%25"),
    ("http://example.org/%%41", "http://example.org/%25A"),
    ("http://example.org/%%34%31", "http://example.org/%2541"),
    ("http://example.org/%25%34%31", "http://example.org/%2541"),
    ("http://example.org/%2541", "http://example.org/%2541"),
    ("http://example.org/%e2%82%ac", "http://example.org/%E2%82%AC"),
    ("http://example.org/€", "http://example.org/%E2%82%AC"),
    ("http://example.org/%ff", "http://example.org/%FF"),
    ("http://example.org/%00", "http://example.org/%00"),
    ("http://example.org/a%0d%0ab", "http://example.org/a%0D%0Ab"),
    ("http://example.org/?a=%", "http://example.org/?a=%25"),
    ("http://example.org/?a%20b=c%20d", "http://example.org/?a%20b=c%20d"),
    ("http://example.org/?é=ü", "http://example.org/?%C3%A9=%C3%BC"),
    ("http://example.org/\u202eevil", "http://example.org/%E2%80%AEevil"),
    ("http://example.org/\u00a0", "http://example.org/%C2%A0"),
    ('http://example.org/"<>^`{|}', "http://example.org/%22%3C%3E%5E%60%7B%7C%7D"),
    ("http://example.org/!$&'()*+,;=:@", "http://example.org/!$&'()*+,;=:@"),
    # hosts
    ("http://EXAMPLE.org../a", "http://example.org/a"),
    ("http://example.org\u3002/a", "http://example.org/a"),
    ("http://example\uff0eorg/a", "http://example.org/a"),
    ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
    ("http://straße.example/", "http://strasse.example/"),
    ("http://пример.испытание/", "http://xn--e1afmkfd.xn--80akhbyknj4f/"),
    ("http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"),
    ("http://my_host.example/", "http://my_host.example/"),
    ("http://localhost/", "http://localhost/"),
    ("http://192.0.2.1/a", "http://192.0.2.1/a"),
    ("http://[2001:0DB8:0:0:0:0:0:1]/a", "http://[2001:db8::1]/a"),
    # tracking and sessions
    ("http://example.org/?%75tm_source=x&id=3", "http://example.org/?id=3"),
    ("http://example.org/?utm_source", "http://example.org/"),
    ("http://example.org/?_ga=1.2&_gl=3&id=3", "http://example.org/?id=3"),
    ("http://example.org/?yclid=1&igshid=2&dclid=3&gbraid=4&wbraid=5", "http://example.org/"),
    ("http://example.org/?ref_src=twsrc&ref=7", "http://example.org/?ref=7"),
    ("http://example.org/?sid=1&side=2", "http://example.org/?side=2"),
    ("http://example.org/?ASPSESSIONIDABC=1&x=2", "http://example.org/?x=2"),
    ("http://example.org/objects/7;jsessionid=0A1B?x=1", "http://example.org/objects/7?x=1"),
    ("http://example.org/objects/7;JSESSIONID=0A1B/info", "http://example.org/objects/7/info"),
    ("http://example.org/objects/7;v=2", "http://example.org/objects/7;v=2"),
    ("http://example.org/?CFID=1&CFTOKEN=2", "http://example.org/"),
    ("http://example.org/?b&a", "http://example.org/?a&b"),
    ("http://example.org/?a=1&a=1", "http://example.org/?a=1&a=1"),
    ("http://example.org/?a=1&A=1", "http://example.org/?A=1&a=1"),
    ("http://example.org/?=1", "http://example.org/?=1"),
    # museums as they are
    ("https://www.metmuseum.org/art/collection/search/436535?searchField=All&sortBy=Relevance&ft=van+gogh&pos=1",
     "https://www.metmuseum.org/art/collection/search/436535?ft=van+gogh&pos=1&searchField=All&sortBy=Relevance"),
    ("https://collectionapi.metmuseum.org/public/collection/v1/objects/436535",
     "https://collectionapi.metmuseum.org/public/collection/v1/objects/436535"),
    ("https://www.artic.edu/artworks/27992/a-sunday-on-la-grande-jatte-1884#description",
     "https://www.artic.edu/artworks/27992/a-sunday-on-la-grande-jatte-1884"),
    ("https://api.artic.edu/api/v1/artworks/27992?fields=id,title,image_id",
     "https://api.artic.edu/api/v1/artworks/27992?fields=id,title,image_id"),
    ("https://www.clevelandart.org/art/1958.31?utm_campaign=x", "https://www.clevelandart.org/art/1958.31"),
    ("https://clevelandart.org/art/1916.1047.a", "https://clevelandart.org/art/1916.1047.a"),
    ("https://www.rijksmuseum.nl/nl/collectie/SK-C-5", "https://www.rijksmuseum.nl/nl/collectie/SK-C-5"),
    ("https://www.rijksmuseum.nl/en/collection/SK-A-2860?tab=data", "https://www.rijksmuseum.nl/en/collection/SK-A-2860?tab=data"),
    ("https://id.rijksmuseum.nl/200107928", "https://id.rijksmuseum.nl/200107928"),
    ("http://hdl.handle.net/10934/RM0001.COLLECT.5216", "http://hdl.handle.net/10934/RM0001.COLLECT.5216"),
    ("https://commons.wikimedia.org/wiki/File:Van_Gogh_-_Starry_Night.jpg",
     "https://commons.wikimedia.org/wiki/File:Van_Gogh_-_Starry_Night.jpg"),
    ("https://commons.wikimedia.org/wiki/File%3AVan%20Gogh.jpg", "https://commons.wikimedia.org/wiki/File%3AVan%20Gogh.jpg"),
    ("https://commons.wikimedia.org/wiki/File:Dürer_Hase.jpg",
     "https://commons.wikimedia.org/wiki/File:D%C3%BCrer_Hase.jpg"),
    ("https://commons.wikimedia.org/w/index.php?title=File:A.jpg&oldid=7",
     "https://commons.wikimedia.org/w/index.php?oldid=7&title=File:A.jpg"),
    ("https://collections.vam.ac.uk/item/O9138/tippoos-tiger-tiger/?carousel-image=2006AH4168",
     "https://collections.vam.ac.uk/item/O9138/tippoos-tiger-tiger/?carousel-image=2006AH4168"),
    ("https://www.britishmuseum.org/collection/object/Y_EA24", "https://www.britishmuseum.org/collection/object/Y_EA24"),
    ("https://www.si.edu/object/1903-wright-flyer%3Anasm_A19610048000",
     "https://www.si.edu/object/1903-wright-flyer%3Anasm_A19610048000"),
    ("https://www.europeana.eu/item/90402/SK_A_3262?utm_source=api&utm_medium=api&utm_campaign=key",
     "https://www.europeana.eu/item/90402/SK_A_3262"),
    ("https://www.metmuseum.org/art/collection/search/45734?ft=*&pos=1", "https://www.metmuseum.org/art/collection/search/45734?ft=*&pos=1"),
]  # fmt: skip

DIFFERENT = [
    ("http://example.org/a", "https://example.org/a"),
    ("http://example.org/a", "http://www.example.org/a"),
    ("http://example.org/a", "http://example.org/A"),
    ("http://example.org/a", "http://example.org/a/"),
    ("http://example.org/a", "http://example.org//a"),
    ("http://example.org/a/b", "http://example.org/a%2Fb"),
    ("http://example.org/?a=b+c", "http://example.org/?a=b%2Bc"),
    ("http://example.org/?a=b+c", "http://example.org/?a=b%20c"),
    ("http://example.org/?a", "http://example.org/?a="),
    ("http://example.org/?a=1", "http://example.org/?a=1&a=1"),
    ("http://example.org/", "http://example.org:8080/"),
    ("http://example.org/%2541", "http://example.org/A"),
    ("http://example.org/?id=1", "http://example.org/?id=2"),
    ("http://example.org/?a=b&c", "http://example.org/?a=b%26c"),
    ("http://example.org/a;v=1", "http://example.org/a;v=2"),
    ("http://example.org/caf\u00e9", "http://example.org/cafe\u0301"),
    ("https://www.rijksmuseum.nl/nl/collectie/SK-C-5", "https://www.rijksmuseum.nl/en/collection/SK-C-5"),
]

REFUSED = [
    "http://example.org/\ud800", "http://\ud800.example/", "http:example.org", "http:/example.org/", "//example.org/a",
    "http://@example.org/", "http://example.org:80:80/", "http://example.org:-1/", "http://example.org:+80/",
    "http://example.org:８０/", "http://./", "http://\u3002/", "http://a..b/", "http://ex%41mple.org/",
    "http://example.org%2f@evil.example/", "http://exa<mple.org/", "http://exa|mple.org/", "http://[v1.fe80::a]/",
    "http://[fe80::1%25eth0]/", "http://[::1]x/", "http://[::g]/", "http://[::ffff:192.0.2.1]/",
    "http://" + "a." * 127 + "example/",
    "http://example.org/\t", " http://example.org/", "http://example.org/ ", "http://\uff0fexample.org/",
    "https://example.org\\a", "gopher://example.org/", "mailto:a@example.org", "HTTP//example.org",
    "http://example.org/" + "é" * 400,
    "", "example.org/a", "ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x",
    "http://", "http:///a", "http://user@example.org/", "http://user:pw@example.org/", "http://example.org:99999/",
    "http://example.org:port/", "http://exa mple.org/", "http://example.org/a b", "http://example.org/\n",
    "http://example.org\\@evil.example/", "http://[::1/", "http://" + "a" * 70 + ".example/",
    "http://example.org/" + "a" * 2048, "\x00http://example.org/",
]  # fmt: skip


@pytest.mark.parametrize(("url", "spelling"), VECTORS)
def test_each_url_has_one_spelling(url: str, spelling: str) -> None:
    assert canonical(url) == spelling


@pytest.mark.parametrize(("url", "spelling"), VECTORS)
def test_the_spelling_is_spelled_like_itself(url: str, spelling: str) -> None:
    assert canonical(spelling) == spelling
    assert url_key(url) == url_key(spelling)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_may_be_something_else_stays_apart(one: str, other: str) -> None:
    assert url_key(one) != url_key(other)


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


@given(st.text(alphabet="%0123456789abcdefABCDEF./;=&?é", max_size=40))
def test_escapes_of_any_kind_come_out_the_same_twice(tail: str) -> None:
    once = canonical("http://example.org/" + tail)
    assert canonical(once) == once


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=12))
def test_a_host_of_any_kind_comes_out_the_same_twice_or_is_refused(host: str) -> None:
    with contextlib.suppress(BadRequest):
        once = canonical(f"http://{host}/")
        assert canonical(once) == once


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_no_text_raises_past_the_function(url: str) -> None:
    with contextlib.suppress(BadRequest):
        canonical(url)
