"""Webhooks as JSON."""

from __future__ import annotations

from typing import TypedDict

from hived.records.times import rfc3339
from hived.records.webhooks import Webhook


class WebhookDocument(TypedDict):
    """A program that is told of events. `url` is masked; `kinds` of events, none: all; `passed_over`: it never got."""

    name: str
    url: str | None
    kinds: list[str]
    enabled: bool
    created_at: str | None
    by: str
    after: int
    failures: int
    next_try_at: str | None
    sent_at: str | None
    said: str | None
    passed_over: int


class NewWebhookDocument(WebhookDocument):
    """A new one; its secret is shown this once."""

    secret: str | None


def webhook(told: Webhook) -> WebhookDocument:
    """Return a webhook whose URL is masked already."""
    return {
        "name": told.name, "url": told.url, "kinds": list(told.kinds), "enabled": told.enabled,
        "created_at": rfc3339(told.created_at), "by": told.by, "after": told.after, "failures": told.failures,
        "next_try_at": rfc3339(told.next_try), "sent_at": rfc3339(told.sent_at), "said": told.said,
        "passed_over": told.passed_over,
    }  # fmt: skip
