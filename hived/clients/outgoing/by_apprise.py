"""Messages by apprise: the one plugin that a channel's URL is for, without its files, redirects and retries."""

from __future__ import annotations

import logging
import os
import smtplib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from hived.clients.outgoing.kinds import kind_of
from hived.clients.outgoing.limits import MAX_ANSWER, TIMEOUT_S
from hived.clients.outgoing.said import secrets_of, shown, why
from hived.errors import BadRequest
from hived.records.outgoing import Answered

_TONES = {"bad": "failure", "warn": "warning", "good": "success", "idle": "info"}
_SMTP_BYE = 221
_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"


def notify(task: dict[str, Any]) -> Iterator[Answered]:
    """Send a message: `url`, `title`, `body`, `tone`."""
    heard = _Heard(secrets_of(task["url"]))
    heard.listen()
    try:
        plugin = _plugin(task["url"], task.get("ca"), configured=task["configured"])
    except BadRequest as err:
        yield Answered(False, None, shown(str(err), heard.secrets))
        return
    from apprise import NotifyFormat, NotifyType

    done = plugin.notify(
        title=task["title"], body=task["body"], notify_type=NotifyType(_TONES[task["tone"]]),
        body_format=NotifyFormat.TEXT,
    )  # fmt: skip
    yield heard.outcome(bool(done))


def check(task: dict[str, Any]) -> Iterator[Answered]:
    """Tell whether a channel's URL can be used, without going anywhere."""
    heard = _Heard(secrets_of(task["url"]))
    heard.listen()
    try:
        _plugin(task["url"], None, configured=task["configured"])
    except BadRequest as err:
        yield Answered(False, None, shown(str(err), heard.secrets))
    else:
        yield Answered(True)


def _plugin(url: str, ca: str | None, *, configured: bool) -> Any:
    """Return the plugin for a URL; BadRequest with what is wrong with it. `configured`: its certificate may be any."""
    kind = kind_of(url)
    module, _, name = kind.place.partition(":")
    if ca is not None or os.path.exists(_SYSTEM_CA):  # noqa: PTH110 - no pathlib in a process that lives so short
        os.environ["REQUESTS_CA_BUNDLE"] = ca or _SYSTEM_CA  # what this host trusts, a site's own authority included
    if ca is not None:
        os.environ["SSL_CERT_FILE"] = ca
    from apprise import AppriseAsset, exception

    asset = AppriseAsset(
        app_id="hived", app_desc="hived", app_url="", image_url_mask="", image_url_logo="", image_path_mask=False,
        http_redirects=False, pgp_autogen=False, pem_autogen=False, default_service_retry=0, allow_templates=False,
    )  # fmt: skip
    plugin: Any = getattr(import_module(f"apprise.plugins.{module}"), name)
    parts = plugin.parse_url(url)
    if not parts:
        raise BadRequest(f"this is no URL of {kind.title}")
    for word in parts.get("qsd", {}):
        if not (kind.takes(word) or (configured and word == "verify")):
            taken = ", ".join(sorted(kind.params)).replace("+", "+Header")
            raise BadRequest(f"{kind.title} takes no {word[:20]!r} here; it takes: {taken or 'nothing'}")
    parts |= {"asset": asset, "tag": set(), "format": "text", "e2ee": False, "cto": TIMEOUT_S, "rto": TIMEOUT_S}
    try:
        return plugin(**parts)
    except (exception.AppriseException, TypeError, ValueError) as err:
        raise BadRequest(f"this is no URL of {kind.title}: {err}") from None


class _Heard:
    """What was said to it on the way: apprise itself only tells whether it worked."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self.secrets = secrets
        self._answers: list[tuple[int, bytes]] = []
        self._failed: BaseException | None = None
        self._complaints: list[str] = []

    def listen(self) -> None:
        """Note every answer of HTTP and SMTP, of which no more is read than is needed, and what is complained of."""
        import requests
        from requests.adapters import HTTPAdapter

        send, getreply = HTTPAdapter.send, smtplib.SMTP.getreply

        def send_and_note(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                response = send(adapter, request, *args, **{**kwargs, "stream": True})
                body = response.raw.read(MAX_ANSWER, decode_content=True)
                response.close()
            except (requests.RequestException, OSError, ValueError) as err:
                self._failed = err
                raise
            response._content, response._content_consumed = body, True  # noqa: SLF001 - it reads all there is by itself
            response.headers.pop("location", None)  # whatever a plugin thinks of redirects
            self._answers.append((response.status_code, body))
            return response

        def getreply_and_note(server: smtplib.SMTP) -> tuple[int, bytes]:
            code, text = getreply(server)
            if code != _SMTP_BYE:
                self._answers.append((code, text))
            return code, text

        setattr(HTTPAdapter, "send", send_and_note)  # noqa: B010 - as the type checker has no word for it
        setattr(smtplib.SMTP, "getreply", getreply_and_note)  # noqa: B010
        logging.getLogger("apprise").addHandler(_Complaints(self._complaints))

    def outcome(self, done: bool) -> Answered:
        """Return what to say of it: the answer that refused it, or the last one."""
        answers = [answer for answer in self._answers if done or answer[0] >= 300] or self._answers
        if self._failed is not None and not done:
            return Answered(False, None, why(self._failed))
        if not answers:
            return Answered(done, None, shown(self._complaints[-1] if self._complaints else "", self.secrets))
        status, body = answers[-1]
        return Answered(done, status, shown(body, self.secrets))


class _Complaints(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record.getMessage()[:500])
