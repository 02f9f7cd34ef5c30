"""What receivers get, byte for byte, and what comes back: over real connections, from a real child process."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from hived.clients.outgoing.egress import Egress
from hived.clients.outgoing.sender import Sender
from hived.errors import Blocked
from hived.records.hosts import OwnHosts
from hived.records.outgoing import Answered, Message
from hived.services.appliance.certificates import own
from tests.clients.outgoing.receivers import OK, mail_server, web

ALERT = Message("12 miners offline", "All of group hall-2.\nSince 12:00.", "bad")
HEAD = "Accept-Encoding: gzip, deflate, zstd\r\nAccept: */*\r\nConnection: keep-alive\r\n"


def request(path: str, host: str, body: str, head: str = "") -> bytes:
    """Return a request as requests writes it."""
    lines = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: hived\r\n{HEAD}{head}"
    return f"{lines}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def test_a_webhook_gets_this() -> None:
    async with web() as hook:
        answered = await Sender().notify("json://hook.example.com:8081/a/b?+X-Key=k1", ALERT, hook)
    body = (
        '{"version": "1.0", "title": "12 miners offline", "message": "All of group hall-2.\\nSince 12:00.",'
        ' "attachments": [], "type": "failure"}'
    )
    plain = request("/a/b", "hook.example.com:8081", body)
    assert hook.got == [plain.replace(b"Content-Length", b"X-Key: k1\r\nContent-Length")]
    assert hook.asked == [("hook.example.com", 8081)], "looked up once"
    assert answered == Answered(True, 200, "fine!")


async def test_ntfy_gets_this() -> None:
    async with web() as ntfy:
        answered = await Sender().notify("ntfy://ntfy.example.com/hive", ALERT, ntfy)
    body = '{"topic": "hive", "title": "12 miners offline", "message": "All of group hall-2.\\nSince 12:00."}'
    assert ntfy.got == [request("/", "ntfy.example.com", body)]
    assert answered.words == "200: fine!"


def trusted(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return a certificate for a name, and what serves with it."""
    cert, key = own(folder, [name], [], time.time())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


async def test_slack_gets_this_over_tls(tmp_path: Path) -> None:
    cert, context = trusted(tmp_path, "hooks.slack.com")
    url = "slack://T00000000/B00000000/tokentokentokentokentok1/%23ops"
    async with web(OK.replace(b"5\r\n\r\nfine!", b"2\r\n\r\nok"), tls=context) as slack:
        answered = await Sender(ca=cert).notify(url, ALERT, slack)
    (got,) = slack.got
    body = (
        '{"mrkdwn": false, "attachments": [{"title": "12 miners offline",'
        ' "text": "All of group hall-2.\\nSince 12:00.", "color": "#A32037", "footer": "hived", "ts": TIME}],'
        ' "channel": "#ops"}'
    )
    said = got.partition(b"\r\n\r\n")[2]
    assert re.sub(r'"ts": [0-9.]+', '"ts": TIME', said.decode()) == body
    path = "/services/T00000000/B00000000/tokentokentokentokentok1"
    like_others = request(path, "hooks.slack.com", said.decode()).replace(b"*/*", b"application/json", 1)
    assert got == like_others.replace(b"application/json\r\nContent-L", b"application/json; charset=utf-8\r\nContent-L")
    assert slack.asked == [("hooks.slack.com", 443)]
    assert answered == Answered(True, 200, "ok")


async def test_a_mailbox_gets_this() -> None:
    url = "mailto://hive@site.example?smtp=mail.site.example&to=eva@x.example"
    async with mail_server() as mail:
        answered = await Sender().notify(url, Message("1 miner too hot: Größe", "Chip at 97 °C.", "warn"), mail)
    ((sender, to, content),) = mail.got
    assert (sender, to) == ("hive@site.example", ["eva@x.example"])
    undated = re.sub(r"(?<=Message-ID: <)[0-9.]+(?=@)|(?<=Date: ).*(?=\r\n)", "*", content.decode())
    assert undated.split("\r\n") == [
        'Content-Type: text/plain; charset="utf-8"', "MIME-Version: 1.0", "Content-Transfer-Encoding: quoted-printable",
        "X-Application: hived", "Subject: =?utf-8?q?1_miner_too_hot=3A_Gr=C3=B6=C3=9Fe?=",
        "From: hived <hive@site.example>", "To: eva@x.example", "Message-ID: <*@mail.site.example>", "Date: *", "",
        "Chip at 97 =C2=B0C.", "",
    ]  # fmt: skip
    assert answered == Answered(True, 250, "OK queued as 77")


async def test_a_mail_that_is_refused_says_so() -> None:
    async with mail_server("550 5.7.1 who are you") as mail:
        answered = await Sender().notify("mailto://a@site.example?smtp=mx.site.example&to=b@x.example", ALERT, mail)
    assert answered == Answered(False, 550, "5.7.1 who are you")


async def test_a_redirect_leads_nowhere() -> None:
    async with web() as miner, web() as hook:
        stop = f"http://127.0.0.1:{miner.port}/api/v1/mining/stop"
        hook.answer = f"HTTP/1.1 307 Go\r\nLocation: {stop}\r\nContent-Length: 0\r\n\r\n".encode()
        by_apprise = await Sender().notify("json://hook.example.com/", ALERT, hook)
        (by_http,) = await Sender().request("http://hook.example.com/", [JOB], hook)
    assert len(hook.got) == 2
    assert miner.got == []
    assert (by_apprise.ok, by_apprise.status, by_http.ok, by_http.status) == (False, 307, False, 307)


JOB = {"method": "POST", "body": '{"a": 1}', "headers": {"X-Id": "7"}}


async def test_a_request_is_sent_as_it_is_and_the_first_failure_ends_a_row_of_them() -> None:
    heard: list[Answered] = []

    async def hear(answered: Answered) -> None:
        heard.append(answered)
        if len(heard) == 2:
            hook.answer = b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"

    async with web() as hook:
        answers = await Sender().request("http://hook.example.com:8000/x?y=z", [JOB] * 5, hook, hear)
    assert hook.got[0] == (
        b"POST /x?y=z HTTP/1.1\r\nHost: hook.example.com:8000\r\nAccept-Encoding: identity\r\nContent-Length: 8\r\n"
        b'X-Id: 7\r\nConnection: close\r\n\r\n{"a": 1}'
    )
    assert [answer.words for answer in answers] == ["200: fine!", "200: fine!", "503: busy"]
    assert heard == answers
    assert hook.asked == [("hook.example.com", 8000)]


async def test_an_answer_is_shown_without_what_was_secret_and_never_whole() -> None:
    said = b'{"error": "token geheimnis123 of user-password is bad"} \x1b[2J' + b"x" * 3_000_000
    async with web(b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)) as hook:
        for answered in (
            await Sender().notify("gotify://hook.example.com/geheimnis123?priority=high", ALERT, hook),
            (await Sender().request("http://hook.example.com/geheimnis123?k=user-password", [JOB], hook))[0],
        ):
            assert answered.status == 403
            assert "geheimnis123" not in answered.said
            assert answered.said.startswith('{"error": "token *** of ')
            assert len(answered.said) == 200
            assert answered.said.isprintable()


@pytest.mark.parametrize("by", ["apprise", "http"])
async def test_who_never_answers_costs_a_bounded_time(by: str) -> None:
    async with web(hangs=True) as hook:
        sender = Sender(job_s=1.5)
        if by == "apprise":
            answered = await sender.notify("json://hook.example.com/", ALERT, hook)
        else:
            (answered,) = await sender.request("http://hook.example.com/", [JOB], hook)
    assert len(hook.got) == 1
    assert answered == Answered(False, None, "no answer in time")


@pytest.mark.parametrize("by", ["apprise", "http"])
async def test_an_answer_without_an_end_is_not_read_to_it(by: str) -> None:
    async with web(b"HTTP/1.1 200 OK\r\n\r\nfine!") as hook:
        hook.floods = True
        if by == "apprise":
            answered = await Sender().notify("json://hook.example.com/", ALERT, hook)
        else:
            (answered,) = await Sender().request("http://hook.example.com/", [JOB], hook)
    assert (answered.ok, answered.said) == (True, "fine!" + "x" * 195)


async def test_what_must_not_be_reached_gets_not_one_byte() -> None:
    async with web() as miner, mail_server() as mail:
        egress, sender = Egress(), Sender()
        urls = (
            f"json://127.0.0.1:{miner.port}/api/v1/mining/stop", f"json://localhost:{miner.port}/",
            f"ntfy://[::1]:{miner.port}/x", f"mailto://a@b.example:{mail.port}?smtp=127.0.0.1&to=c@d.example",
        )  # fmt: skip
        blocked = await asyncio.gather(*(sender.notify(url, ALERT, egress) for url in urls))
        hosts = ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0")
        for host in hosts:
            blocked += await sender.request(f"http://{host}:{miner.port}/", [JOB], egress)
    assert miner.got == []
    assert mail.got == []
    assert not any(answered.ok for answered in blocked)
    assert [answered.said for answered in blocked if "alerts.allow_hosts" not in answered.said] == []


async def test_what_the_configuration_names_is_reached() -> None:
    async with web() as hook:
        egress = Egress(allowed=OwnHosts.of([f"127.0.0.1:{hook.port}"]))
        assert (await Sender().notify(f"json://127.0.0.1:{hook.port}/", ALERT, egress)).ok
        assert (await Sender().notify(f"json://localhost:{hook.port}/", ALERT, Egress(named=True))).ok
        assert not (await Sender().notify("json://127.0.0.1:1/", ALERT, egress)).ok


async def test_a_name_that_changes_its_answer_is_asked_once_and_its_first_answer_counts() -> None:
    async with web() as hook:
        asked: list[str] = []

        async def places(host: str, _port: int) -> Sequence[tuple[str, int]]:
            asked.append(host)
            if len(asked) > 1:
                raise Blocked("it is a miner now")
            return [("127.0.0.1", hook.port)]

        answers = await Sender().request("http://hook.example.com/", [JOB] * 3, places)
    assert asked == ["hook.example.com"]
    assert [answer.ok for answer in answers] == [True] * 3


async def test_a_certificate_that_nobody_vouches_for_ends_it_unless_the_configuration_says_otherwise(
    tmp_path: Path,
) -> None:
    cert, context = trusted(tmp_path, "other.example.com")
    async with web(tls=context) as hook:
        sender = Sender(ca=cert)
        answered = await sender.notify("jsons://hook.example.com/secretpath", ALERT, hook)
        assert answered.said.startswith("its certificate is not trusted: Hostname mismatch")
        (answered,) = await sender.request("https://hook.example.com/secretpath", [JOB], hook)
        assert answered.said.startswith("its certificate is not trusted: Hostname mismatch")
        assert not (await sender.notify("jsons://hook.example.com/?verify=no", ALERT, hook)).ok
        assert hook.got == []
        assert (await sender.notify("jsons://hook.example.com/?verify=no", ALERT, hook, configured=True)).ok


async def test_nothing_of_apprise_stays_in_this_process() -> None:
    async with web() as hook:
        assert (await Sender().notify("json://hook.example.com/", ALERT, hook)).ok
    assert "apprise" not in sys.modules
