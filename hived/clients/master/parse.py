"""What a master answers, checked: every value has the promised type and a bound, whoever it was that answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hived.clients.museums import values
from hived.errors import Unreadable
from hived.records import times
from hived.records.streams import CONTRIBUTIONS, STREAMS, Limits
from hived.records.uplink import Contact, Hello, Ingested, JoinAnswer, Order

MAX_ORDERS = 64  # of one contact; the others come with the next one
MAX_REASON = 300
MAX_RETRY_AFTER_S = 3600.0  # a master that is away for longer is asked again all the same
MAX_ARGS_BYTES = 16 * 1024
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_HEX = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_PHRASE = re.compile(r"[a-z]{5}(-[a-z]{5}){1,7}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def hello(body: bytes) -> Hello:
    """Return who answers. Unreadable when it is no master of ours."""
    doc = values.top_object(body)
    if doc.get("product") != "hived" or doc.get("role") != "master":
        raise Unreadable("what answers is not a hived master")
    node_id, name = _who(doc)
    pin = doc.get("pin")
    return Hello(node_id, name, _words(doc.get("version"), 64), pin if isinstance(pin, str) and _hex(pin) else None)


def join_answer(body: bytes) -> JoinAnswer:
    """Return what the master says to a node that asks to join."""
    doc = values.top_object(body)
    status, phrase = doc.get("status"), doc.get("phrase")
    if status not in ("pending", "approved"):
        raise Unreadable("the master's answer says neither pending nor approved")
    master_id, name = _who(values.table(doc.get("master")))
    known = phrase if isinstance(phrase, str) and _PHRASE.fullmatch(phrase) else None
    return JoinAnswer(status == "approved", known, master_id, name)


def contact(body: bytes) -> Contact:
    """Return what the master answers to a contact; orders that make no sense are left out."""
    doc = values.top_object(body)
    node_id, name = _who(doc)
    held = {stream: _seq(values.table(doc.get("held")).get(stream)) for stream in STREAMS}
    orders = [_order(one) for one in values.tables(doc.get("orders"), MAX_ORDERS)]
    at = _time(doc.get("at"))
    return Contact(at, node_id, name, held, [one for one in orders if one is not None], limits(doc.get("limits")))


def limits(value: object) -> Limits:
    """Return what one request may hold: as the master says, but never more than our own bounds."""
    doc, own = values.table(value), Limits()

    def lower(name: str, least: int, most: int) -> int:
        told = values.integer(doc.get(name), 1, values.MAX_ID)
        return most if told is None else max(least, min(told, most))

    known = values.items(doc.get("encodings"), 16)
    return Limits(
        items=lower("items", 1, own.items),
        contribution_items=lower("contribution_items", 1, own.contribution_items),
        body_bytes=lower("body_bytes", 4096, own.body_bytes),
        encodings=tuple(name for name in ("zstd", "gzip") if name in known),
    )


def ingested(body: bytes, stream: str) -> Ingested:
    """Return what came of a batch of a stream."""
    doc = values.top_object(body)
    seq = values.integer(doc.get("seq"), 0, values.MAX_ID)
    if seq is None:
        raise Unreadable("the master does not say what it holds")
    gap, most = doc.get("outcome") == "gap", Limits().items
    if stream == CONTRIBUTIONS:
        verdicts = values.tables(doc.get("results"), most)
        return Ingested(
            seq, gap, [(str(one.get("id"))[:64], _reason(one)) for one in verdicts if one.get("outcome") == "rejected"]
        )
    refused = values.tables(doc.get("rejected"), most)
    return Ingested(
        seq, gap, [(one["seq"], _reason(one)) for one in refused if values.integer(one.get("seq"), 0, values.MAX_ID)]
    )


def complaint(body: bytes) -> str:
    """Return what an error answer says, in one line; "" when it says nothing that can be read."""
    try:
        doc = values.top_object(body)
    except Unreadable:
        return ""
    return _words(doc.get("error") or doc.get("detail"), MAX_REASON) or ""


def error_limits(body: bytes) -> Limits | None:
    """Return the limits that a 413 names, None when it names none."""
    try:
        doc = values.top_object(body)
    except Unreadable:
        return None
    return limits(doc["limits"]) if isinstance(doc.get("limits"), dict) else None


def retry_after(text: str | None) -> float | None:
    """Return the seconds of a Retry-After, bounded; None when there is none that counts seconds."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 9:
        return None
    return min(float(text), MAX_RETRY_AFTER_S)


def _who(doc: Mapping[str, Any]) -> tuple[str, str]:
    node_id = doc.get("node_id")
    if not isinstance(node_id, str) or not _ID.fullmatch(node_id):
        raise Unreadable("the master does not say who it is")
    return node_id, _words(doc.get("name"), 100) or node_id


def _order(doc: dict[str, Any]) -> Order | None:
    number, daemon, verb = values.integer(doc.get("id"), 1, values.MAX_ID), doc.get("daemon"), doc.get("verb")
    args = doc.get("args", {})
    words = isinstance(daemon, str) and isinstance(verb, str) and _WORD.fullmatch(daemon) and _WORD.fullmatch(verb)
    if number is None or not words or not isinstance(args, dict) or len(repr(args)) > MAX_ARGS_BYTES:
        return None
    return Order(number, str(daemon), str(verb), args)


def _seq(value: object) -> int:
    return values.integer(value, 0, values.MAX_ID) or 0


def _time(value: object) -> float:
    try:
        return times.from_text(value)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        raise Unreadable("the master does not say what time it is") from None


def _hex(text: str) -> bool:
    return _HEX.fullmatch(text) is not None


def _reason(doc: dict[str, Any]) -> str:
    return _words(doc.get("reason"), MAX_REASON) or "no reason given"


def _words(value: object, most: int) -> str | None:
    """A text from outside as one line: it gets into logs and onto terminals."""
    if not isinstance(value, str):
        return None
    return _CONTROL.sub(" ", value[: 2 * most].encode("utf-8", "replace").decode()).strip()[:most] or None
