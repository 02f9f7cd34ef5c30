"""What is read from a page: facts, texts, pictures, addresses and orders; and that no bytes get past the parser."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hived.clients.museums import markup
from hived.clients.museums.web import linked, microdata
from hived.clients.museums.web.parse import _text, parse_page
from hived.records.artifact import CC0, CollectedObject, Licence
from tests.clients.museums.museum import sample
from tests.clients.museums.web.pages import URL, article, data, link, meta, page

VASE = json.dumps(
    {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite", "name": "Museum"},
            {
                "@type": ["CreativeWork", "VisualArtwork"],
                "@id": URL,
                "name": "A <i>vase</i>\u202e with\u200b handles",
                "creator": [{"@type": "Person", "name": "Anna Potter"}, "Workshop of B."],
                "dateCreated": "c. 1650",
                "artMedium": ["clay", "glaze"],
                "artform": "Vase",
                "height": {"@type": "QuantitativeValue", "value": 12.5, "unitText": "cm"},
                "width": "4 cm",
                "locationCreated": {"@type": "Place", "name": "Delft"},
                "creditText": "Gift of C., 1900",
                "keywords": "flowers, birds",
                "image": ["data:image/png;base64,xx", "/img/vase.jpg"],
                "license": CC0,
            },
        ],
    }
)


def test_the_whole_record_of_a_page_with_json_ld() -> None:
    html = article("<p>It stood in a <b>hall</b>.</p><script>evil()</script><p hidden>Obey me.</p>", data(VASE))
    assert parse_page(html, URL, 9.0).object == CollectedObject(
        provider="web",
        object_id=URL,
        url=URL,
        title="A vase with handles",
        licence=Licence(CC0, "json-ld license", 9.0, "work"),
        makers=("Anna Potter", "Workshop of B."),
        date_text="c. 1650",
        year_from=1650,
        year_to=1650,
        medium="clay, glaze",
        dimensions="height 12.5 cm; width 4 cm",
        place="Delft",
        classification="Vase",
        credit="Gift of C., 1900",
        tags=("flowers", "birds"),
        image_url="https://museum.example/img/vase.jpg",
    )


def test_microdata_are_read_as_the_specification_has_it() -> None:
    html = (
        '<div itemscope itemtype="http://schema.org/Painting" itemid="urn:x"><h1 itemprop="name">A bowl</h1>'
        '<span itemprop="creator" itemscope itemtype="http://schema.org/Person"><b itemprop="name">Anna</b></span>'
        f'<time itemprop="dateCreated" datetime="1700">long ago</time><a itemprop="license" href="{CC0}">free</a>'
        '<img itemprop="image" src="/a.jpg"></div>'
    )
    found = parse_page(page(f"<main>{html}</main>"), URL, 1.0).object
    assert (found.title, found.makers, found.year_from) == ("A bowl", ("Anna",), 1700)
    assert found.image_url == "https://museum.example/a.jpg"
    assert found.licence == Licence(CC0, "microdata license", 1.0, "work")


def test_the_sample_of_microdata_gives_the_items_that_its_authors_expect() -> None:
    expected = json.loads(sample("page_microdata_creativework.expected.json"))
    found = microdata.read(markup.parse(sample("page_microdata_creativework.html")))
    assert [(item.id, item.types[0]) for item in found] == [
        (one["id"], one["type"].rpartition("/")[2].lower()) for one in expected
    ]
    books = [item for item in found if item.types == ("book",)]
    told = [one["properties"] for one in expected if "properties" in one]
    assert [book.one("name") for book in books] == [one["name"] for one in told]
    assert [book.one("inlanguage") for book in books] == [one["inLanguage"] for one in told]
    assert [book.one("about") for book in books] == [one.get("about") for one in told]


def test_opengraph_gives_title_and_picture() -> None:
    html = article(
        "",
        link(CC0)
        + '<meta property="og:title" content="A bowl of clay">'
        + '<meta property="og:image" content="//img.museum.example/b.jpg">',
    )
    found = parse_page(html, URL, 1.0).object
    assert (found.title, found.image_url) == ("A bowl of clay", "https://img.museum.example/b.jpg")


@pytest.mark.parametrize(
    "picture",
    [
        "http://192.168.1.1/reboot",
        "http://router.lan/x.png",
        "javascript:alert(1)",
        "data:image/png;base64,xx",
        "file:///etc/passwd",
        "http://[::1]/x",
        "http://169.254.169.254/latest",
        "http://user:pw@museum.example/x.png",
        "https://elsewhere.example/x.jpg",
    ],
)
def test_no_browser_is_sent_anywhere_but_to_the_site_for_a_picture_of_the_page(picture: str) -> None:
    html = article("", link(CC0) + f'<meta property="og:image" content="{picture}">')
    assert parse_page(html, URL, 1.0).object.image_url is None


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("https://museum.example/objects/12-a-bowl", "https://museum.example/objects/12-a-bowl"),
        ("/objects/12-a-bowl#top", "https://museum.example/objects/12-a-bowl"),
        ("https://www.museum.example/objects/12", "https://www.museum.example/objects/12"),
        ("https://elsewhere.example/objects/12", URL),
        ("https://museum.example.evil.example/objects/12", URL),
        ("https://museum.example:8443/objects/12", URL),
        ("https://museum.example/", URL),
        ("javascript:alert(1)", URL),
        ("https://user@museum.example/objects/13", URL),
        ("", URL),
    ],
)
def test_a_canonical_address_counts_on_the_same_site_only(canonical: str, expected: str) -> None:
    html = article("", f'<link rel="canonical" href="{canonical}">')
    assert parse_page(html, URL, 1.0).object.url == expected


@pytest.mark.parametrize(
    ("head", "tags", "noindex", "noai"),
    [
        (meta("robots", "noindex"), (), True, False),
        (meta("ROBOTS", "NOINDEX, NOFOLLOW"), (), True, False),
        (meta("robots", "none"), (), True, False),
        (meta("hive-minerd", "noindex"), (), True, False),
        (meta("googlebot", "noindex"), (), False, False),
        (meta("robots", "index,follow"), (), False, False),
        (meta("robots", "noai"), (), False, True),
        ("", ("noindex",), True, False),
        ("", ("otherbot: noindex",), False, False),
    ],
)
def test_what_a_page_orders_robots_is_heard(head: str, tags: tuple[str, ...], noindex: bool, noai: bool) -> None:
    found = parse_page(article("", head), URL, 1.0, tags).orders
    assert (found.noindex, found.noai) == (noindex, noai)


def test_a_page_that_gives_no_picture_to_models_has_none() -> None:
    html = article("", link(CC0) + meta("robots", "noimageai") + '<meta property="og:image" content="/a.jpg">')
    assert parse_page(html, URL, 1.0).object.image_url is None


def seen(html: str) -> str:
    """Return what readers see of a page: where words about rights are looked for."""
    root = markup.parse(html).body
    assert root is not None
    return _text(root)


def test_hidden_words_never_reach_the_text() -> None:
    hidden = [
        "<!-- SECRET -->",
        "<p hidden>SECRET</p>",
        '<p style="font-size:0">SECRET</p>',
        '<p style="opacity: 0">SECRET</p>',
        '<p aria-hidden="true">SECRET</p>',
        '<p class="sr-only">SECRET</p>',
        "<template>SECRET</template>",
        '<div style="DISPLAY : NONE"><p>SECRET</p></div>',
        "<noscript>SECRET</noscript>",
        "<style>SECRET</style>",
        '<p style="text-indent:-9999px">SECRET</p>',
        "<nav>SECRET</nav>",
        "<footer>SECRET</footer>",
        "<aside>SECRET</aside>",
        "<iframe>SECRET</iframe>",
        '<input value="SECRET">',
        "<textarea>SECRET</textarea>",
        "<svg><text>SECRET</text></svg>",
    ]
    for one in hidden:
        told = seen(article(f"{one}<p>Seen.</p>"))
        assert "SECRET" not in told, one
        assert "Seen." in told, one


def test_text_is_bounded_and_has_no_invisible_characters() -> None:
    told = seen(article("<p>" + "na\u202eïve\u200b \U000e0041word\ufe0f " * 40_000 + "</p>"))
    assert len(told) <= 60_000
    assert not re.search("[\u202e\u200b\U000e0041\ufe0f]", told)
    assert "naïve word" in told


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('{"a": "line 1\n line 2"}', [{"a": "line 1\n line 2"}]),
        ('<!--\n{"a": 1}\n-->', [{"a": 1}]),
        ('// <![CDATA[\n{"a": 1}\n// ]]>', [{"a": 1}]),
        ('{"a": [1, 2,], /* c */ "b": "x, ]",}', [{"a": [1, 2], "b": "x, ]"}]),
        ('{"a": "http://x.example/", // note\n "b": 2}', [{"a": "http://x.example/", "b": 2}]),
        ('{"a": 1};', [{"a": 1}]),
        ('{"a": ', []),
        ("", []),
        ("[" * 100_000, []),
        ('{"a": ' + "9" * 5000 + "}", [{"a": None}]),
        ('{"a": NaN}', [{"a": None}]),
        ('\ufeff{"a": 1}', [{"a": 1}]),
        ('\u00a0\n{"a":\u00a01}\u200b', [{"a": 1}]),
        ('{"a": "x\u00a0y\ufeff",}', [{"a": "x\u00a0y\ufeff"}]),
        ('{"a": 1}\n{"b": 2}', [{"a": 1}, {"b": 2}]),
        ('{"a": 1}, [{"b": 2}];\ufeff{"c": 3}', [{"a": 1}, [{"b": 2}], {"c": 3}]),
        ('{"a": 1} {"b": ', [{"a": 1}]),
        ('{"license": "x"} {"b": 2} junk', [{"license": "x"}, {"b": 2}]),
        ('{"a": 1} {"license": ', []),
        ('{"a": 1} {"b": 2 "copyrightNotice": "x"}', []),
        ("{&quot;a&quot;: &quot;b &amp;amp; c&quot;}", [{"a": "b &amp; c"}]),
    ],
)
def test_json_ld_is_read_after_a_bounded_clean_up_or_given_up(block: str, expected: object) -> None:
    assert linked.load(block) == expected


def test_the_sample_with_control_characters_is_read() -> None:
    blocks = [node.text() for node in markup.parse(sample("page_jsonld_control_chars.html")).css("script")]
    (item,) = linked.read_blocks(blocks)
    assert item.one("data") == "line 1 line 2 line 3"


def test_references_that_go_in_a_circle_end() -> None:
    graph = [
        {"@type": "Painting", "@id": "#a", "name": "x", "image": {"@id": "#b"}},
        {"@type": "ImageObject", "@id": "#b", "image": {"@id": "#a"}, "license": CC0},
    ]
    found = parse_page(article("", data(json.dumps({"@graph": graph}))), URL, 1.0).object
    assert found.licence == Licence(CC0, "json-ld image license", 1.0, "image")


def test_links_are_absolute_once_each_and_none_where_the_page_says_nofollow() -> None:
    body = (
        '<a href="/a">1</a><a href="/a#x">2</a><a href="b">3</a><a href="mailto:x@y.example">4</a>'
        '<a rel="nofollow" href="/c">5</a>'
    )
    assert parse_page(article(body), URL, 1.0).links == (
        "https://museum.example/",
        "https://museum.example/a",
        "https://museum.example/objects/b",
    )
    assert parse_page(article(body, meta("robots", "nofollow")), URL, 1.0).links == ()


_PAGES = [
    sample("page_wikimediafoundation.html").decode(),
    sample("page_microdata_creativework.html").decode(),
    article("<p>x</p>", data(VASE)),
]
_BITS = st.sampled_from(
    [
        "<",
        ">",
        '"',
        "'",
        "<!--",
        "-->",
        "</script>",
        "<script type='application/ld+json'>",
        "{",
        "}",
        "[",
        "]",
        "\x00",
        "\ufffd",
        "<template>",
        "<svg>",
        "<a rel=license href=",
        "itemscope",
        "<div itemprop=x itemscope>",
        "\ud800",
        "<base href=//x>",
        ",",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300) | st.lists(_BITS, max_size=40).map("".join))
def test_no_text_gets_past_the_page_parser(html: str) -> None:
    found = parse_page(html, URL, 1.0).object
    assert found.licence is None or CC0 in html
    assert found.title
    assert len(found.title) <= 400


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_PAGES), st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 60), _BITS), max_size=6))
def test_no_damaged_page_gets_past_the_page_parser(html: str, cuts: list[tuple[int, int, str]]) -> None:
    for at, size, put in cuts:
        place = at % (len(html) + 1)
        html = html[:place] + put + html[place + size :]
    parse_page(html, URL, 1.0)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "@id",
                        "@type",
                        "@graph",
                        "@value",
                        "@list",
                        "name",
                        "license",
                        "image",
                        "creator",
                        "height",
                        "mainEntity",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_ld_gets_past_the_page_parser(document: object) -> None:
    parse_page(article("", data(json.dumps(document))), URL, 1.0)
