"""What a channel may be, what may stand in its URL, and what is shown of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hived.clients.outgoing.kinds import BY_SCHEMA, KINDS, kind_of, masked
from hived.clients.outgoing.sender import Sender
from hived.errors import BadRequest

ROOT = Path(__file__).parents[3]
REFUSED = (
    "file:///etc/passwd", "exec://x", "syslog://x", "dbus://", "apprise://host/x", "growl://x", "irc://x", "rsyslog://x",
    "mqtt://x/y", "smpp://x", "macosx://", "windows://", "gnome://", "vapid://x", "https://x.example/", "http://x",
    "form://x", "xml://x", "", "json", "json://", "json:// x", "JSON://x.example", "json://x\n", "json://" + "x" * 1000,
)  # fmt: skip


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: url[:20])
def test_what_is_not_in_the_table_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        kind_of(url)


PROGRAM = """
import json, sys
from hived.clients.outgoing import by_apprise
for url in json.load(sys.stdin):
    (answered,) = by_apprise.check({"url": url, "configured": False})
    print(json.dumps(answered.said))
"""


def checked(urls: Sequence[str]) -> dict[str, str]:
    """Return what is said of each URL, by one process, as apprise takes its time to load; nothing: it is good."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(urls), capture_output=True, text=True, check=True, timeout=60
    )
    return dict(zip(urls, map(json.loads, ran.stdout.splitlines()), strict=True))


def test_every_example_is_what_apprise_takes() -> None:
    said = checked([kind.example for kind in KINDS])
    assert {url: words for url, words in said.items() if words} == {}


# A word of the URL would let it read a file, follow a redirect, look for keys elsewhere or send something else.
WORDS = (
    "mailto://a:b@c.example?pgp=yes", "mailto://a:b@c.example?pgppub=/etc/passwd", "mailto://a:b@c.example?wkd=yes",
    "mailto://a:b@c.example?+X-Header=a", "json://c.example/?method=DELETE", "json://c.example/?redirect=yes",
    "json://c.example/?verify=no", "json://c.example/?:message=x", "json://c.example/?-q=1",
    "json://c.example/?attach=/etc/passwd", "slack://T00000000/B00000000/tokentokentokentokentok1?template=/etc/passwd",
    "ntfy://c.example/x?attach=http://10.0.0.1/", "json://c.example/?retry=9", "json://c.example/?REDIRECT=yes",
    "json://c.example/?a=1;redirect=yes", "matrix://a:b@c.example/x?path=/x", "json://c.example/?store=yes",
)  # fmt: skip


def test_no_other_parameter_is_taken() -> None:
    assert [url for url, words in checked(WORDS).items() if " takes no " not in words] == []


async def test_what_is_wrong_is_said_without_the_secret() -> None:
    answered = await Sender().check("slack://geheimnis/auchgeheim")
    assert not answered.ok
    assert answered.said.startswith("this is no URL of Slack: An invalid Slack")
    assert "geheim" not in answered.said


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mailtos://user:pa%2Fss@mail.example.com?to=a@b.example", "mailtos://mail.example.com/***"),
        ("ntfys://ntfy.example.com/topic", "ntfys://ntfy.example.com/***"),
        ("ntfys://secrettopic", "ntfys://***"),
        ("json://10.1.2.3:8080/secret?+K=secret", "json://10.1.2.3/***"),
        ("json://[fd00::1]:8080/secret", "json://fd00::1/***"),
        ("slack://T0.0/B0.0/se.cret", "slack://***"),
        ("tgram://12345:se.cret/1", "tgram://***"),
        ("discord://1.2/secret", "discord://***"),
        ("json://[::1/secret", "json://***"),
        ("no url", "?://***"),
        ("exec://rm.rf/secret", "exec://***"),
    ],
)
def test_of_a_url_its_kind_and_its_server_are_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_every_schema_is_of_one_kind() -> None:
    assert len(BY_SCHEMA) == sum(len(kind.schemas) for kind in KINDS)


def test_the_documentation_has_every_kind_with_its_parameters() -> None:
    text = (ROOT / "docs/alerts.md").read_text()
    for kind in KINDS:
        params = ", ".join(f"`{'+Header' if name == '+' else name}`" for name in sorted(kind.params))
        assert f"| {kind.title} | `{kind.example}` | {params} |" in text
