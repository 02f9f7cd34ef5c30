"""The kinds of channels: which URLs of apprise may be used, and what may stand in them. What is not here is refused.

Left out is whatever reads or writes files of this host, runs programs, or talks to its desktop, buses and serial ports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from hived.errors import BadRequest
from hived.records.outgoing import MAX_URL

_URL = re.compile(r"([a-z]{2,12})://(\S+)")
_COMMON = frozenset({"overflow"})


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One service of apprise: its module and class, the schemas that name it, and the parameters that it takes.

    A parameter "+" stands for HTTP headers of one's own (?+Name=value).
    """

    title: str
    schemas: tuple[str, ...]
    place: str
    """The module and the class in apprise.plugins."""
    example: str
    params: frozenset[str]
    hosted: bool = False
    """Whether the URL names the server; the others have one address for all the world."""

    def takes(self, name: str) -> bool:
        """Tell whether a parameter of a URL may be used."""
        return name in self.params or name in _COMMON or (name.startswith("+") and "+" in self.params)


def _kind(title: str, schemas: str, place: str, example: str, params: str = "", *, hosted: bool = False) -> ChannelKind:
    return ChannelKind(title, tuple(schemas.split()), place, example, frozenset(params.split()), hosted)


KINDS = (
    _kind("Mail", "mailtos mailto", "email:NotifyEmail",
          "mailtos://user:password@example.com?smtp=mail.example.com&to=me@example.com",
          "to from cc bcc reply name smtp mode", hosted=True),
    _kind("Webhook (JSON)", "jsons json", "custom_json:NotifyJSON", "jsons://example.com/path", "+", hosted=True),
    _kind("ntfy", "ntfys ntfy", "ntfy:NotifyNtfy", "ntfys://ntfy.sh/topic", "to auth token mode priority xtags",
          hosted=True),
    _kind("Gotify", "gotifys gotify", "gotify:NotifyGotify", "gotifys://gotify.example.com/token", "priority",
          hosted=True),
    _kind("Slack", "slack", "slack:NotifySlack", "slack://T00000000/B00000000/tokentokentokentokentok1/%23channel",
          "to token mode footer"),
    _kind("Discord", "discord", "discord:NotifyDiscord", "discord://webhook_id/token", "thread ping"),
    _kind("Telegram", "tgram", "telegram:NotifyTelegram",
          "tgram://123456789:AAFdummyTokenOfTheBotFatherForYou12/12315544", "to topic thread silent"),
    _kind("Pushover", "pover", "pushover:NotifyPushover", "pover://user@token", "to priority sound expire interval"),
    _kind("Pushbullet", "pbul", "pushbullet:NotifyPushBullet", "pbul://access_token", "to"),
    _kind("Matrix", "matrixs matrix", "matrix:NotifyMatrix", "matrixs://user:password@matrix.example.com/%23room",
          "to mode token msgtype version", hosted=True),
    _kind("Microsoft Teams", "workflows workflow", "workflows:NotifyWorkflows",
          "workflows://host:443/workflow/signature", "id sig ver wrap api-version pa powerautomate route routeid",
          hosted=True),
    _kind("Google Chat", "gchat", "google_chat:NotifyGoogleChat", "gchat://workspace/key/token",
          "workspace key token thread"),
    _kind("Mattermost", "mmosts mmost", "mattermost:NotifyMattermost", "mmosts://mattermost.example.com/token",
          "to channel channels botname mode team", hosted=True),
    _kind("Rocket.Chat", "rockets rocket", "rocketchat:NotifyRocketChat",
          "rockets://user:password@chat.example.com/%23channel", "to mode webhook", hosted=True),
    _kind("Signal (signal-cli)", "signals signal", "signal_api:NotifySignalAPI",
          "signals://signal.example.com:8080/15555550100/15555550101", "to from status", hosted=True),
    _kind("Zulip", "zulip", "zulip:NotifyZulip",
          "zulip://bot@organisation/a8b7c6d5e4f3a8b7c6d5e4f3a8b7c6d5/stream", "to token"),
    _kind("PagerDuty", "pagerduty", "pagerduty:NotifyPagerDuty", "pagerduty://integration_key@routing_key",
          "severity region group class dedup"),
    _kind("Home Assistant", "hassios hassio", "home_assistant:NotifyHomeAssistant",
          "hassios://homeassistant.example.com/token", "to token nid prefix batch", hosted=True),
)  # fmt: skip
BY_SCHEMA: Mapping[str, ChannelKind] = {schema: kind for kind in KINDS for schema in kind.schemas}


def kind_of(url: str) -> ChannelKind:
    """Return the kind of a channel's URL; BadRequest, without a word of the URL, for one that may not be used."""
    found = _URL.fullmatch(url) if len(url) <= MAX_URL and url.isprintable() else None
    if found is None:
        raise BadRequest(f"a channel is a URL of at most {MAX_URL} characters, such as {KINDS[0].example}")
    if found[1] not in BY_SCHEMA:
        raise BadRequest(f"a channel cannot be {found[1]}://; what can be: {', '.join(BY_SCHEMA)}")
    return BY_SCHEMA[found[1]]


def masked(url: str) -> str:
    """Return a URL as it may be shown: its kind and, where it names one, its server."""
    schema = url.partition("://")[0] if _URL.fullmatch(url) else "?"
    kind, host = BY_SCHEMA.get(schema), ""
    if kind is not None and kind.hosted:
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
    # A word without a dot may be a topic or a token instead of a host.
    return f"{schema}://{host}/***" if "." in host or ":" in host or host == "localhost" else f"{schema}://***"
