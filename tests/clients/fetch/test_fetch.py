"""What get() returns and raises, what it sends, and how it follows redirects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from hived.clients.fetch import JSON, BadStatus, Fetcher
from hived.clients.fetch.fetch import Kind
from hived.clients.fetch.reply import PAGES, XML
from hived.errors import HivedError, Refused, Throttled, Transient, Unreadable
from hived.records.artifact import Validators
from tests.clients.fetch.outside import CONTACT, VERSION, Outside, running_site, sent_headers, tls_contexts
from tests.clients.peer import reply

ETAG = '"a1:b2"'
STAMP = "Wed, 21 Oct 2026 07:28:00 GMT"


async def test_a_page_comes_with_its_url_headers_and_text(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/page", 200, "Blüte".encode("latin-1"), Content_Type="Text/HTML; Charset=ISO-8859-1", X_A="b")
    got = await fetcher.get(outside.url("/page?q=1#part"))
    assert (got.url, got.status, got.content_type) == (outside.url("/page?q=1"), 200, "text/html")
    assert got.headers["x-a"] == "b"
    assert got.text() == "Blüte"
    assert outside.gate.admitted == [("/page", "page")]
    assert outside.gate.noted == [("/page", 200, None)]


async def test_every_request_says_who_asks_and_nothing_about_anything_else(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/", 200, b"x", Set_Cookie="id=1; Path=/")
    await fetcher.get(outside.url("/"))
    await fetcher.get(outside.url("/"), accept=(*JSON, "text/html"))
    assert dict(sent_headers(outside.site)) == {
        "host": outside.home,
        "user-agent": f"hive-minerd/{VERSION} (+{CONTACT})",
        "accept": "application/json, text/json, text/html",
        "accept-encoding": "gzip",
    }


async def test_additional_headers_go_to_the_first_host_only_and_replace_none_of_ours(
    outside: Outside, fetcher: Fetcher
) -> None:
    headers = {"AIC-User-Agent": fetcher.user_agent, "cookie": "id=1", "User-agent": "other", "HOST": "other"}
    async with running_site() as other, outside.fetcher(allow_hosts=["127.0.0.1"]) as wide:
        outside.redirects("/", f"http://127.0.0.1:{other.port}/")
        other.answers["GET /"] = reply(200, b"x", Content_Type="text/html")
        await wide.get(outside.url("/"), headers=headers)
        first, second = sent_headers(outside.site), sent_headers(other)
    assert first["aic-user-agent"] == first["user-agent"] == fetcher.user_agent
    assert "cookie" not in first
    assert first["host"] == outside.home
    assert "aic-user-agent" not in second
    assert "referer" not in second


async def test_without_a_contact_only_own_hosts_are_asked(outside: Outside) -> None:
    outside.names.set("museum.test", ["127.0.0.1"])
    outside.says("/", 200, b"x")
    outside.redirects("/away", "http://museum.test/")
    async with outside.fetcher(contact=None) as fetcher:
        assert (await fetcher.get(outside.url("/"))).status == 200
        assert sent_headers(outside.site)["user-agent"] == f"hive-minerd/{VERSION}"
        for url in ("https://museum.test/", outside.url("/away")):
            with pytest.raises(Refused, match=r"set minerd\.contact"):
                await fetcher.get(url)
    assert outside.names.asked == []


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (400, {}, BadStatus),
        (401, {}, BadStatus),
        (403, {}, BadStatus),
        (451, {}, BadStatus),
        (408, {}, Transient),
        (429, {}, Throttled),
        (429, {"Retry_After": "7"}, Throttled),
        (500, {}, Transient),
        (503, {}, Transient),
        (503, {"Retry_After": "120"}, Throttled),
        (599, {}, Transient),
        (202, {}, Unreadable),  # a firewall's "prove that you are a browser"
        (204, {}, Unreadable),
        (206, {}, Unreadable),
        (300, {}, BadStatus),
        (304, {}, Unreadable),
        (301, {}, Unreadable),
    ],
)
async def test_a_status_that_is_no_answer_is_an_error(
    status: int, headers: Mapping[str, str], error: type[HivedError], outside: Outside, fetcher: Fetcher
) -> None:
    outside.says("/", status, b"" if status in (204, 304) else b"no", **headers)
    with pytest.raises(error) as raised:
        await fetcher.get(outside.url("/"))
    assert type(raised.value) is error
    wait_s = float(headers["Retry_After"]) if headers else None
    assert getattr(raised.value, "retry_after_s", None) == wait_s
    assert outside.gate.noted == [("/", status, wait_s)]
    if isinstance(raised.value, BadStatus):
        assert (raised.value.status, raised.value.content_type) == (status, "text/html")


async def test_what_is_gone_is_an_answer_with_what_the_host_says_about_it(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/a", 404, b'{"message": "Not a valid object"}', Content_Type="application/json")
    outside.says("/b", 410, b"x" * 100_000)
    gone = await fetcher.get(outside.url("/a"), kind="api", accept=JSON)
    assert (gone.status, gone.body) == (404, b'{"message": "Not a valid object"}')
    assert len((await fetcher.get(outside.url("/b"), accept=JSON)).body) == 64 * 1024


@pytest.mark.parametrize(
    ("kind", "accept", "content_type", "wait_s"),
    [
        ("api", JSON, "text/html", 60.0),
        ("api", (*JSON, "text/html"), "text/html", 60.0),  # an adapter may want to see the firewall's page
        ("api", JSON, "", 60.0),
        ("page", PAGES, "image/png", 60.0),
        ("api", JSON, "application/json", None),
        ("page", PAGES, "text/html", None),
    ],
)
async def test_a_403_that_nobody_asked_for_is_a_firewall_and_the_host_is_left_alone(
    kind: Kind, accept: tuple[str, ...], content_type: str, wait_s: float | None, outside: Outside, fetcher: Fetcher
) -> None:
    outside.says("/objects/1", 403, b"no", Content_Type=content_type)
    with pytest.raises(BadStatus if wait_s is None else Throttled) as raised:
        await fetcher.get(outside.url("/objects/1"), kind=kind, accept=accept)
    assert getattr(raised.value, "retry_after_s", None) == wait_s
    assert outside.gate.noted == [("/objects/1", 403, wait_s)]


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/xhtml+xml", "image/png", ""])
@pytest.mark.parametrize("accept", [JSON, XML])
async def test_a_200_of_a_type_that_an_api_never_sends_is_a_firewall(
    content_type: str, accept: tuple[str, ...], outside: Outside, fetcher: Fetcher
) -> None:
    outside.says("/objects/1", 200, b"Just a moment", Content_Type=content_type)
    with pytest.raises(Throttled) as raised:
        await fetcher.get(outside.url("/objects/1"), kind="api", accept=accept)
    assert raised.value.retry_after_s == 60.0
    assert outside.gate.noted == [("/objects/1", 200, 60.0)]


@pytest.mark.parametrize(
    ("status", "headers", "title"),
    [
        (200, {}, "Just a moment..."),
        (200, {}, "  Attention Required! | Cloudflare "),
        (200, {}, "Making sure you&#39;re not a bot!"),
        (200, {}, "Checking your browser before accessing museum.example"),
        (200, {}, "Un instant…"),
        (200, {"Cf-Mitigated": "challenge"}, "Museum"),
        (403, {"cf-mitigated": "challenge"}, "Museum"),
        (404, {"cf-mitigated": "challenge"}, "Museum"),
        (202, {"x-amzn-waf-action": "challenge"}, ""),
        (405, {"x-amzn-waf-action": "captcha"}, "Human Verification"),
    ],
)
async def test_a_challenge_for_browsers_is_a_pause_of_the_host_and_no_page(
    status: int, headers: dict[str, str], title: str, outside: Outside, fetcher: Fetcher
) -> None:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>x</body></html>".encode()
    outside.says("/o/1", status, body, Content_Type="text/html", **headers)
    with pytest.raises(Throttled, match="firewall"):
        await fetcher.get(outside.url("/o/1"))
    assert outside.gate.noted == [("/o/1", status, 60.0)]


@pytest.mark.parametrize(
    "title", ["Just a Moment in Time (1889)", "The Robot", "Portrait of a Man", "Einen Moment lang"]
)
async def test_a_page_about_a_work_is_no_challenge(title: str, outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/o/1", 200, f"<title>{title}</title>".encode(), Content_Type="text/html")
    assert (await fetcher.get(outside.url("/o/1"))).status == 200
    assert outside.gate.noted == [("/o/1", 200, None)]


@pytest.mark.parametrize(
    ("content_type", "accept", "taken"),
    [
        ("text/html", PAGES, True),
        ("TEXT/PLAIN;x", PAGES, True),
        ("application/ld+json", PAGES, True),
        ("application/vnd.museum+json", JSON, True),
        ("application/rss+xml", PAGES, True),
        ("image/svg+xml", PAGES, False),
        ("image/png", ("image/*",), True),
        ("image/png", ("*/*",), True),
        ("application/octet-stream", PAGES, False),
        ("application/pdf", PAGES, False),
        ("text/html", JSON, False),
        ("text/htmlx", PAGES, False),
        ("", PAGES, False),
        ("\x7f", PAGES, False),
    ],
)
async def test_only_types_that_were_asked_for_are_read(
    content_type: str, accept: tuple[str, ...], taken: bool, outside: Outside, fetcher: Fetcher
) -> None:
    outside.says("/", 200, b"x", Content_Type=content_type)
    if taken:
        assert (await fetcher.get(outside.url("/"), accept=accept)).body == b"x"
    else:
        with pytest.raises(Refused, match="not what is collected"):
            await fetcher.get(outside.url("/"), accept=accept)
    assert outside.gate.noted == [("/", 200, None)]


async def test_a_conditional_get_sends_validators_verbatim_and_takes_304(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/", 304, ETag='W/"new"')
    got = await fetcher.get(outside.url("/"), validators=Validators(ETAG, STAMP))
    assert (got.status, got.body) == (304, b"")
    assert got.validators == Validators('W/"new"', STAMP)
    assert sent_headers(outside.site)["if-none-match"] == ETAG
    assert sent_headers(outside.site)["if-modified-since"] == STAMP


async def test_validators_of_an_answer_are_kept_only_when_they_can_be_sent_back(
    outside: Outside, fetcher: Fetcher
) -> None:
    outside.says("/good", 200, b"x", ETag=ETAG, Last_Modified=STAMP)
    outside.says("/bad", 200, b"x", ETag='"' + "a" * 600 + '"', Last_Modified="\u00fc")
    old = Validators('"old"', STAMP)
    assert (await fetcher.get(outside.url("/good"))).validators == Validators(ETAG, STAMP)
    assert (await fetcher.get(outside.url("/bad"), validators=old)).validators == Validators()


@pytest.mark.parametrize("etag", ["a\r\nX-Evil: 1", "\ud800", "ü", "", "a" * 513])
async def test_a_validator_that_was_never_received_is_not_sent(etag: str, outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/", 200, b"x")
    await fetcher.get(outside.url("/"), validators=Validators(etag))
    assert "if-none-match" not in sent_headers(outside.site)
    assert "x-evil" not in sent_headers(outside.site)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("99999999", 86_400.0),
        ("+30 min", 1800.0),
        ("-30 min", 0.0),
        ("+40 days", 86_400.0),
        ("-5", None),
        ("soon", None),
        ("9" * 100, None),
        ("Mon, 99 Foo 99999 99:99:99", None),
        ("1e9", None),
        ("nan", None),
    ],
)
async def test_retry_after_is_read_as_seconds_or_date_and_bounded_to_a_day(
    value: str, seconds: float | None, outside: Outside, fetcher: Fetcher
) -> None:
    if value.endswith((" min", " days")):
        number, unit = value.split()
        when = datetime.fromtimestamp(outside.clock(), UTC)
        when += timedelta(minutes=int(number)) if unit == "min" else timedelta(days=int(number))
        value = format_datetime(when, usegmt=True)
    outside.says("/", 429, Retry_After=value)
    with pytest.raises(Throttled) as raised:
        await fetcher.get(outside.url("/"))
    assert raised.value.retry_after_s == seconds


async def test_a_certificate_of_somebody_else_is_not_trusted(outside: Outside) -> None:
    server, client = tls_contexts()
    outside.names.set("elsewhere.test", ["127.0.0.1"])
    async with running_site(tls=server) as secure:
        elsewhere = f"elsewhere.test:{secure.port}"
        async with outside.fetcher(allow_hosts=[elsewhere], tls=client) as fetcher:
            with pytest.raises(Transient, match="certificate"):
                await fetcher.get(f"https://{elsewhere}/")
        outside.names.set("a.museum.test", ["127.0.0.1"])
        async with outside.fetcher(allow_hosts=["127.0.0.1"]) as fetcher:  # the system knows no such authority
            with pytest.raises(Transient, match="certificate"):
                await fetcher.get(f"https://a.museum.test:{secure.port}/", stay_on=[f"a.museum.test:{secure.port}"])
        assert secure.asked == []


@pytest.mark.parametrize("status", [200, 204, 302, 401, 403, 404, 429, 500, 503])
async def test_for_robots_any_status_is_an_answer(status: int, outside: Outside, fetcher: Fetcher) -> None:
    headers = {"Retry_After": "9"} if status == 503 else {}
    outside.says("/robots.txt", status, b"" if status == 204 else b"Disallow:", Content_Type="image/png", **headers)
    if status == 302:
        outside.redirects("/robots.txt", "/robots.txt")
    got = await fetcher.get(outside.url("/robots.txt"), kind="robots")
    assert got.status == status
    assert got.body == (b"Disallow:" if status == 200 else b"")
    assert got.retry_after_s == (9.0 if status == 503 else None)
    assert set(outside.gate.admitted) == {("/robots.txt", "robots")}


async def test_a_robots_file_that_is_too_long_is_cut(outside: Outside, fetcher: Fetcher) -> None:
    outside.says("/robots.txt", 200, b"#" * 600_000, Content_Type="text/plain")
    assert len((await fetcher.get(outside.url("/robots.txt"), kind="robots")).body) == 500 * 1024


async def test_no_message_and_no_log_line_holds_a_query(
    outside: Outside, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    outside.redirects("/to", f"{outside.url('/500')}?wskey=SECRET")
    outside.redirects("/out", "http://10.0.0.1/?wskey=SECRET")
    outside.says("/429", 429)
    outside.says("/500", 500)
    outside.says("/403", 403)
    outside.says("/pdf", 200, Content_Type="application/pdf")
    outside.acts("/hup", lambda reader, writer: asyncio.sleep(0))
    outside.site.answers["GET /junk"] = b"SSH-2.0-OpenSSH\r\n"
    paths = ("to", "out", "429", "500", "403", "pdf", "hup", "junk")
    urls = [outside.url(f"/{path}?wskey=SECRET") for path in paths]
    for url in (*urls, "http://10.0.0.1/?wskey=SECRET", "http://u:SECRET@x.test/", "ftp://x.test/?wskey=SECRET"):
        with pytest.raises(HivedError) as raised:
            await fetcher.get(url)
        assert raised.value.__cause__ is None
        said.append(str(raised.value))
    assert len(said) == len(urls) + 3
    assert "SECRET" not in "\n".join([*said, caplog.text])
    assert "?..." in caplog.text
