"""Requests by plain HTTP: what a webhook and a heartbeat need. No redirect is followed, no proxy is known."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from hived.clients.outgoing.limits import MAX_ANSWER, TIMEOUT_S
from hived.clients.outgoing.said import secrets_of, shown, why
from hived.records.outgoing import Answered


def request(task: dict[str, Any]) -> Iterator[Answered]:
    """Send one request after the other to a URL, and stop at the first that fails: they have an order."""
    url = urlsplit(task["url"])
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    secrets = secrets_of(task["url"])
    for job in task["jobs"]:
        connection = _connection(url.scheme, url.hostname or "", url.port, task.get("ca"))
        answered = _one(connection, job["method"], path, job["body"], job["headers"] | {"Connection": "close"}, secrets)
        yield answered
        if not answered.ok:
            return


def _connection(scheme: str, host: str, port: int | None, ca: str | None) -> HTTPConnection:
    # Without a port, an IPv6 address would be taken apart at its last colon.
    if scheme != "https":
        return HTTPConnection(host, port or 80, timeout=TIMEOUT_S)
    return HTTPSConnection(host, port or 443, timeout=TIMEOUT_S, context=ssl.create_default_context(cafile=ca))


def _one(
    connection: HTTPConnection, method: str, path: str, body: str, headers: dict[str, str], secrets: frozenset[str]
) -> Answered:
    try:
        connection.request(method, path, body.encode(), headers)
        response = connection.getresponse()
        text = response.read(MAX_ANSWER)
    except (OSError, HTTPException, ValueError) as err:
        return Answered(False, None, why(err))
    finally:
        connection.close()
    return Answered(200 <= response.status < 300, response.status, shown(text, secrets))
