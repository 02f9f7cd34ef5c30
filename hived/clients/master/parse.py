"""What a master answers, checked: every value has the promised type and a bound, whatever machine answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hived.errors import BadRequest, Unreadable
from hived.records import untrusted, values
from hived.records.bubbles import KINDS
from hived.records.canonical import canonical
from hived.records.joining import NODE_ID
from hived.records.lending import AT_ONCE, LEASE_S, LONGEST_S, Lent, readable
from hived.records.node import Order
from hived.records.streams import STREAMS, WIRE, Limits
from hived.records.untrusted import BadValue
from hived.records.uplink import Contact, Hello, Ingested, JoinAnswer, Loan

MAX_ORDERS = 64  # of one contact; the others come with the next one
MAX_REASON = 300
MAX_URL = 4096
MAX_UNREAD = 64  # names of fields in one answer
MAX_ARGS_BYTES = 16 * 1024
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_PHRASE = re.compile(r"[a-z]{5}(-[a-z]{5}){1,7}")


def hello(body: bytes) -> Hello:
    """Return who answers. Unreadable when it is no master of ours."""
    doc = values.top_object(body)
    if doc.get("product") != "hived" or doc.get("role") != "master":
        raise Unreadable("what answers is not a hived master")
    node_id, name = _who(doc)
    pin, proof = (values.matching(doc.get(field), values.SHA256) for field in ("pin", "proof"))
    return Hello(node_id, name, values.text(doc.get("version"), 64), pin, "proof" in doc, proof)


def join_answer(body: bytes) -> JoinAnswer:
    """Return what the master says to a node that asks to join."""
    doc = values.top_object(body)
    status = doc.get("status")
    if status not in ("pending", "approved"):
        raise Unreadable("the master's answer says neither pending nor approved")
    master_id, name = _who(values.table(doc.get("master")))
    return JoinAnswer(status == "approved", values.matching(doc.get("phrase"), _PHRASE), master_id, name)


def contact(body: bytes) -> Contact:
    """Return what the master answers to a contact; orders that make no sense are left out."""
    doc = values.top_object(body)
    node_id, name = _who(doc)
    held = {stream: _seq(values.table(doc.get("held")).get(stream)) for stream in STREAMS}
    orders = [_order(order) for order in values.tables(doc.get("orders"), MAX_ORDERS)]
    at = _time(doc.get("at"))
    return Contact(at, node_id, name, held, [order for order in orders if order is not None], limits(doc.get("limits")))


def limits(value: object) -> Limits:
    """Return what one request may hold: as the master says, but never more than our own bounds."""
    doc, own = values.table(value), Limits()

    def lower(name: str, least: int, most: int) -> int:
        limit = values.integer(doc.get(name), 1)
        return most if limit is None else max(least, min(limit, most))

    known = values.items(doc.get("encodings"), 16)
    return Limits(
        items=lower("items", 1, own.items),
        contribution_items=lower("contribution_items", 1, own.contribution_items),
        body_bytes=lower("body_bytes", 4096, own.body_bytes),
        encodings=tuple(name for name in ("zstd", "gzip") if name in known),
        wire=min(values.integer(doc.get("wire"), 1) or 1, WIRE),
        lends=min(values.integer(doc.get("lends")) or 0, AT_ONCE),
    )


def ingested(body: bytes, stream: str) -> Ingested:
    """Return what came of a batch of a stream."""
    doc = values.top_object(body)
    seq = values.integer(doc.get("seq"))
    if seq is None:
        raise Unreadable("the master does not say what it holds")
    gap, most = doc.get("outcome") == "gap", Limits().items
    unread = tuple(values.text(name, MAX_REASON) or "?" for name in [*values.table(doc.get("unread"))][:MAX_UNREAD])
    full = tuple(values.text(code, 64) or "?" for code in values.items(doc.get("full"), 16))
    if stream in KINDS:
        verdicts = values.tables(doc.get("results"), most)
        refused = [(str(row.get("id"))[:64], _reason(row)) for row in verdicts if row.get("outcome") == "rejected"]
        return Ingested(seq, gap, refused, unread, full)
    rows = ((values.integer(row.get("seq"), 1), row) for row in values.tables(doc.get("rejected"), most))
    return Ingested(seq, gap, [(number, _reason(row)) for number, row in rows if number is not None], unread, full)


def loan(body: bytes) -> Loan:
    """Return what a master lends; an object that cannot be read is left out."""
    doc = values.top_object(body)
    found = (_lent(row) for row in values.tables(doc.get("objects"), AT_ONCE))
    taken = [url for url in values.items(doc.get("taken"), AT_ONCE) if isinstance(url, str)]
    seconds = values.number(doc.get("seconds"), 1.0, LONGEST_S) or LEASE_S
    return Loan([one for one in found if one is not None], [url for url in taken if _spelling(url)], seconds)


def _lent(doc: Mapping[str, Any]) -> Lent | None:
    url, state = _spelling(doc.get("url")), values.text(doc.get("input_hash"), 128)
    if url is None or state is None:
        return None
    try:
        return Lent(url, state, readable(url, doc.get("title"), doc.get("facts")))
    except BadValue:
        return None


def _spelling(url: Any) -> str | None:
    try:
        return canonical(url) if isinstance(url, str) and len(url) <= MAX_URL else None
    except BadRequest:
        return None


def complaint(body: bytes) -> str:
    """Return what an error answer says, in one line; "" when it says nothing that can be read."""
    try:
        doc = values.top_object(body)
    except Unreadable:
        return ""
    return values.text(doc.get("error") or doc.get("detail"), MAX_REASON) or ""


def error_limits(body: bytes) -> Limits | None:
    """Return the limits that a 413 names, None when it names none."""
    try:
        doc = values.top_object(body)
    except Unreadable:
        return None
    return limits(doc["limits"]) if isinstance(doc.get("limits"), dict) else None


def _who(doc: Mapping[str, Any]) -> tuple[str, str]:
    node_id = values.matching(doc.get("node_id"), NODE_ID)
    if node_id is None:
        raise Unreadable("the master does not say who it is")
    return node_id, values.text(doc.get("name"), 100) or node_id


def _order(doc: dict[str, Any]) -> Order | None:
    number, args = values.integer(doc.get("id"), 1), doc.get("args", {})
    daemon, verb = (values.matching(doc.get(name), _WORD) for name in ("daemon", "verb"))
    if number is None or daemon is None or verb is None:
        return None
    if not isinstance(args, dict) or len(repr(args)) > MAX_ARGS_BYTES:
        return None
    return Order(number, daemon, verb, args)


def _seq(value: object) -> int:
    return values.integer(value) or 0


def _time(value: object) -> float:
    try:
        return untrusted.time(value, "at")
    except BadValue:
        raise Unreadable("the master does not say what time it is") from None


def _reason(doc: dict[str, Any]) -> str:
    return values.text(doc.get("reason"), MAX_REASON) or "no reason given"
