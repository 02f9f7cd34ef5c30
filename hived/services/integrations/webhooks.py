"""Webhooks: who is told of events, as an admin said. Their URLs and secrets are shown to nobody."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from hived.errors import BadRequest, Blocked
from hived.records import untrusted
from hived.records.access import By
from hived.records.events import EVENTS
from hived.records.hosts import authority
from hived.records.outgoing import MAX_URL, Answered
from hived.records.times import rfc3339
from hived.records.webhooks import Webhook, key_of, new_secret, signed
from hived.services.alerts.outgoing import Outgoing
from hived.store import Database, Store, audit
from hived.store.integrations import webhooks

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def listing(db: Database) -> list[Webhook]:
    """Return all by name, as they may be shown: of the URL its host, of the secret nothing."""
    return [shown(one) for one in webhooks.listing(db)]


def shown(webhook: Webhook) -> Webhook:
    """Return one as it may be shown."""
    return replace(webhook, url=None if webhook.url is None else masked(webhook.url), secret=None)


def masked(url: str) -> str:
    """Return a URL as it may be shown."""
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/***"


def add(db: Database, name: str, url: str, by: By, kinds: Sequence[str] = (), secret: str | None = None) -> Webhook:
    """Add a webhook and return it with its secret, which is shown this once. BadRequest, Conflict.

    It gets what happens from now on. `kinds`: of events; none: all. `secret`: None makes one.
    """
    if not NAME.fullmatch(name):
        raise BadRequest("the name of a webhook has small letters, digits, - and _, at most 32")
    _require_url(url)
    _require_kinds(kinds)
    if secret is not None:
        key_of(secret)
    webhook = Webhook(name, url, secret or new_secret(), tuple(dict.fromkeys(kinds)), created_at=by["at"], by=by["who"])
    webhooks.add(db, webhook)
    audit.note(db, **by, action="webhook.add", target=name, after={"url": masked(url), "kinds": list(webhook.kinds)})
    return replace(webhook, url=masked(url))


def change(db: Database, name: str, by: By, kinds: Sequence[str] | None = None, enabled: bool | None = None) -> Webhook:
    """Change what it gets; return it as it may be shown. One that is switched on again gets what happens from then on.

    NotFound, BadRequest.
    """
    before = webhooks.one(db, name)
    _require_kinds(kinds or ())
    wanted = before.enabled if enabled is None else enabled
    chosen = before.kinds if kinds is None else tuple(dict.fromkeys(kinds))
    if (wanted, chosen) != (before.enabled, before.kinds):
        fields = {"enabled": wanted, "kinds": json.dumps(chosen)}
        if wanted and not before.enabled:
            fields |= {"after": webhooks.newest(db), "failures": 0, "next_try": None}
        webhooks.save(db, name, **fields)
        audit.note(
            db, **by, action="webhook.change", target=name,
            before={"kinds": list(before.kinds), "enabled": before.enabled},
            after={"kinds": list(chosen), "enabled": wanted},
        )  # fmt: skip
    return shown(webhooks.one(db, name))


def remove(db: Database, name: str, by: By) -> None:
    """Forget a webhook. NotFound."""
    webhooks.remove(db, name)
    audit.note(db, **by, action="webhook.remove", target=name)


async def test(store: Store, outgoing: Outgoing, name: str, by: By) -> Answered:
    """Send a signed test now and return what was answered. NotFound; Transient: no process to send with."""
    webhook = await store.read(webhooks.one, name)
    body = json.dumps({"type": "test", "timestamp": rfc3339(by["at"]), "data": {"by": by["who"]}})
    number = f"test-{secrets.token_hex(8)}"
    if webhook.url is None or webhook.secret is None:
        return Answered(False, None, "its URL or secret cannot be opened with this key")
    jobs = [request(signed(webhook.secret, number, by["at"], body), body)]
    (answered,) = await outgoing.sender.request(webhook.url, jobs, await outgoing.egress(store))
    after = {"ok": answered.ok, "status": answered.status}
    await store.write(audit.note, **by, action="webhook.test", target=name, after=after)
    return answered


def request(headers: dict[str, str], body: str) -> dict[str, object]:
    """Return what is sent."""
    common = {"Content-Type": "application/json", "User-Agent": "hived"}
    return {"method": "POST", "body": body, "headers": common | headers}


def _require_url(url: str) -> None:
    if untrusted.link(url, MAX_URL) is None:
        raise BadRequest("a webhook is a URL such as https://example.com/hook, without a user name")
    try:
        authority(urlsplit(url).netloc)
    except Blocked as err:
        raise BadRequest(f"this is no URL of a webhook: {err}") from None


def _require_kinds(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if kind not in EVENTS:
            raise BadRequest(f"{kind[:40]!r} is no kind of event: GET /api/v1/events/kinds lists them")
