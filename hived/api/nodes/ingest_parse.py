"""Batches of nodes, bytes to records: what cannot be understood is refused with a reason, the rest is taken.

A broken envelope (no node, no numbers, too many items) is refused as a whole. A broken item costs itself alone: the
node learns its number and a code that never changes, and so will not send it again.

Times. What happened or was said "in the future" was so at the latest when it arrived: a node whose clock is ahead
loses nothing. A rollup is known by its time, so one of a stretch that has not begun here is refused: it would be the
newest of its miner until then, for years perhaps. Nothing is corrected by the node's skew here: numbers and times of
history must come out the same each time they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hived.api.nodes import ingest_status
from hived.errors import BadRequest
from hived.records import untrusted, values, wire
from hived.records.artifact import OPEN_LICENCES, Licence
from hived.records.bubbles import (
    DESCRIPTION,
    FACTS,
    KINDS,
    content_hash,
    contribution_id,
    facts_content,
    hash_of,
)
from hived.records.canonical import canonical, key_of
from hived.records.fields import Fields, Unread
from hived.records.ingest import (
    MAX_CONTENT_BYTES,
    MAX_CONTRIBUTIONS,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_METADATA_BYTES,
    MAX_MODELS,
    MAX_TITLE,
    Batch,
    Rejected,
    SentContribution,
    SentEvent,
    SentMiner,
    SentModel,
)
from hived.records.streams import EVENTS, FLEET, MINERS, STATUS, STREAMS
from hived.records.untrusted import BadValue

MAX_DETAIL_BYTES = 4096
MAX_PRESETS = 200
MAX_TOPOLOGY = 64  # rows, and chips of one: the largest boards have 30
SCOPES = ("work", "image", "record")
_TOO_LONG = 4096


class BadEnvelope(BadRequest):
    """A batch that cannot be read as one; the text says what was expected."""


def batch(document: Mapping[str, Any], node_id: str, now: float) -> Batch:
    """Return the batch that a node sent. BadEnvelope when it is none."""
    unread = Unread()
    envelope = Fields(document, unread)
    envelope.get("node_id")  # the caller has looked at it
    stream = envelope.get("stream")
    if not isinstance(stream, str) or stream not in STREAMS:
        raise BadEnvelope(f"stream: expected one of {', '.join(STREAMS)}")
    try:
        epoch = untrusted.epoch(envelope.get("epoch"))
    except BadValue:
        raise BadEnvelope("epoch: expected letters and digits") from None
    first, last = (_number(envelope, name) for name in ("first_seq", "last_seq"))
    if first > last:
        raise BadEnvelope("first_seq: is after last_seq")
    raw = _list(envelope, "items", MAX_CONTRIBUTIONS if stream in KINDS else MAX_ITEMS)
    latest = _list(envelope, "latest", MAX_ITEMS) if stream == STATUS else []
    models = _list(envelope, "models", MAX_MODELS) if stream == MINERS else []
    again = _list(envelope, "again", MAX_ITEMS) if stream in (STATUS, EVENTS) else []
    spoken = envelope.take("wire", untrusted.whole, 1, 1)
    if spoken == 1:
        latest = [wire.from_0_1_0(one) for one in latest]
    read = _READERS.get(stream) or partial(_contribution, node_id=node_id, kind=KINDS[stream])
    items: list[Any] = []
    rejected: list[Rejected] = []
    for value in raw:
        one = Fields(value, unread, "items.")
        seq = one.get("seq")
        try:
            if not isinstance(value, Mapping):
                raise BadValue("item")
            untrusted.whole(seq, "seq", max(first, 1), last)
            items.append(read(one, now))
            one.end()
        except BadValue as err:
            own_id = one.get("id")
            known_id = own_id[:64] if isinstance(own_id, str) else None
            rejected.append(Rejected(values.integer(seq), str(err), known_id))
    items.sort(key=lambda item: item.seq)
    envelope.end()
    states = Fields({"latest": latest, "models": models, "again": again}, unread)
    return Batch(
        stream, epoch, first, last, tuple(items), tuple(rejected),
        tuple(states.take_parts("latest", ingest_status.latest, MAX_ITEMS)),
        tuple(states.take_parts("models", _model, MAX_MODELS)),
        tuple(states.take_parts("again", partial(_before, read=read, now=now), MAX_ITEMS)), spoken, unread.counts,
    )  # fmt: skip


def _before(one: Fields, read: Callable[[Fields, float], Any], now: float) -> Any:
    untrusted.whole(one.get("seq"), "seq", 1)
    return read(one, now)


def legacy(document: Mapping[str, Any], node_id: str, now: float) -> SentContribution:
    """Return what a collector that is not ours sent: {url, content}, content a text or a JSON document in a string.

    BadRequest when it is not to be had.
    """
    try:
        return _legacy(document, node_id, now)
    except BadValue as err:
        raise BadRequest(f"{err}: cannot be taken") from None


def _legacy(document: Mapping[str, Any], node_id: str, now: float) -> SentContribution:
    content = ingest_status.unpacked(document["content"])
    words = content if isinstance(content, dict) else {}
    given = words.get("title")
    title = untrusted.text(given[: 4 * MAX_TITLE], "title", 4 * MAX_TITLE) if isinstance(given, str) else None
    url = str(document["url"])
    metadata = words.get("metadata")
    artifact = {
        "title": (title or url)[:MAX_TITLE], "provider": "other", "object_id": url[:_TOO_LONG],
        "source_name": words.get("source") if isinstance(words.get("source"), str) else None,
        "licence": None, "facts": metadata if isinstance(metadata, dict) else {},
        "image_url": words.get("imageUrl") or words.get("image_url"),
    }  # fmt: skip
    whole = {"seq": 1, "id": "", "url": url, "kind": DESCRIPTION, "content": content, "artifact": artifact}
    return _contribution_of(Fields(whole, Unread()), now, node_id, now)


def _contribution(one: Fields, now: float, node_id: str, kind: str = DESCRIPTION) -> SentContribution:
    untrusted.word(one.get("id"), "id", 64)
    return _contribution_of(one, now, node_id, untrusted.time(one.get("collected_at"), "collected_at", now), kind)


def _contribution_of(
    one: Fields, now: float, node_id: str, collected_at: float, kind: str = DESCRIPTION
) -> SentContribution:
    spelling, key = url_of(one.get("url"))
    if one.get("kind") != kind:
        raise BadValue("kind")  # a word that this version does not know how to show
    about = one.part("artifact", partial(_artifact, now=now))
    if about is None or (kind == FACTS and about["licence"] is None):
        raise BadValue("artifact")
    if kind == DESCRIPTION:
        told = words_in(one, key, node_id)
    else:
        content = facts_content(about, about["licence"].uri)
        hashed = hash_of(content)
        told = dict.fromkeys(("input_hash", "model", "model_digest", "prompt_version")) | {
            "id": contribution_id(key, node_id, FACTS, None, hashed), "content": content, "content_hash": hashed,
        }  # fmt: skip
    return SentContribution(
        seq=int(one.get("seq")), told_id=one.get("id"), url=spelling, url_key=key, kind=kind, collected_at=collected_at,
        facts_at=about["licence"].read_at if about["licence"] else collected_at, **told, **about,
    )  # fmt: skip


def words_in(one: Fields, key: str, node_id: str) -> dict[str, Any]:
    """Return what a model said, from an item, as the fields of `SentWords`; `key`: of the URL it is about."""
    sent = one.get("content")
    hashed = content_hash(sent)  # of what was sent: the node counts the same
    version = one.get("prompt_version")
    if version is not None:
        version = untrusted.whole(version, "prompt_version", 0, 1_000_000)
    one.get("content_hash")  # counted here, of the same content
    return {
        "id": contribution_id(key, node_id, DESCRIPTION, version, hashed), "content": _content(sent),
        "content_hash": hashed, "input_hash": untrusted.text(one.get("input_hash"), "input_hash", 128),
        "model": untrusted.text(one.get("model"), "model"),
        "model_digest": untrusted.text(one.get("model_digest"), "model_digest"), "prompt_version": version,
    }  # fmt: skip


def _artifact(about: Fields, now: float) -> dict[str, Any]:
    facts = untrusted.document(about.get("facts") or {}, "facts", most_bytes=MAX_METADATA_BYTES, depth=MAX_DEPTH)
    facts.pop("text", None)  # of a page, which nodes before 0.2.0 keep for the prompt
    return {
        "title": untrusted.word(about.get("title"), "title", MAX_TITLE),
        "provider": untrusted.word(about.get("provider"), "provider", 100),
        "object_id": untrusted.word(about.get("object_id"), "object_id", _TOO_LONG)[:2048],
        "source_name": untrusted.text(about.get("source_name"), "source_name", 400),
        "licence": about.part("licence", partial(_licence, now=now)), "facts": facts,
        "image_url": untrusted.link(about.get("image_url")),
    }  # fmt: skip


def url_of(value: Any) -> tuple[str, str]:
    """Return the canonical spelling of a URL and its key."""
    if not isinstance(value, str) or len(value) > _TOO_LONG:
        raise BadValue("url")
    try:
        spelling = canonical(value)
    except BadRequest:
        raise BadValue("url") from None
    return spelling, key_of(spelling)


def _content(value: Any) -> Any:
    """Return what is said, cleaned. A text keeps its lines."""
    if isinstance(value, str):
        value = values.clean(value).strip()
        if not value:
            raise BadValue("content")
        untrusted.bounded(value, "content", MAX_CONTENT_BYTES)
        return value
    if not isinstance(value, Mapping) or not value:
        raise BadValue("content")
    return untrusted.document(value, "content", most_bytes=MAX_CONTENT_BYTES, depth=MAX_DEPTH + 1)


def _licence(value: Fields, now: float) -> Licence:
    uri, scope = value.get("uri"), value.get("scope")
    if not (isinstance(uri, str) and uri in OPEN_LICENCES and isinstance(scope, str) and scope in SCOPES):
        raise BadValue("licence")  # only what is openly licensed is stored, here as on the node
    field = untrusted.word(value.get("field"), "licence")
    return Licence(uri, field, untrusted.time(value.get("read_at"), "licence", now), scope)


def _miner(one: Fields, now: float) -> SentMiner:
    texts = {
        name: untrusted.text(one.get(name), name)
        for name in (
            "model_alias", "model_name", "hostname", "firmware", "firmware_version", "features", "platform", "serial",
        )
    }  # fmt: skip
    former = one.get("former_mac")
    return SentMiner(
        seq=int(one.get("seq")), mac=untrusted.mac(one.get("mac")), ip=untrusted.ip(one.get("ip")),
        last_ip=untrusted.ip(one.get("last_ip")), former_mac=None if former is None else untrusted.mac(former),
        doubted_ip=untrusted.ip(one.get("doubted_ip")),
        online=untrusted.flag(one.get("online"), "online"),
        managed=untrusted.flag(one.get("managed"), "managed"),
        has_key=untrusted.flag(one.get("has_key"), "has_key"),
        created_at=untrusted.time(one.get("created_at"), "created_at", now),
        updated_at=untrusted.time(one.get("updated_at"), "updated_at", now), **texts,
    )  # fmt: skip


def _event(one: Fields, now: float) -> SentEvent:
    mac = one.get("mac")
    return SentEvent(
        seq=int(one.get("seq")), at=untrusted.time(one.get("at"), "at", now),
        mac=None if mac is None else untrusted.mac(mac), kind=untrusted.name(one.get("kind"), "kind"),
        detail=untrusted.document(one.get("detail"), "detail", most_bytes=MAX_DETAIL_BYTES, depth=MAX_DEPTH),
    )  # fmt: skip


def _model(one: Fields) -> SentModel:
    count = partial(untrusted.whole, most=10_000)
    return SentModel(
        alias=untrusted.word(one.get("alias"), "alias", 100), name=one.take("name", untrusted.text, None),
        presets=tuple(one.take_parts("presets", _preset, MAX_PRESETS)),
        topology=one.take("topology", _topology, None), series=one.take("series", untrusted.text, None),
        chips_per_chain=one.take("chips_per_chain", count, None), chains=one.take("chains", count, None),
    )  # fmt: skip


def _preset(one: Fields) -> dict[str, Any]:
    return {
        "name": untrusted.word(one.get("name"), "presets", 100),
        "power_w": one.take("power_w", untrusted.number, None, 0, 1e6),
        "hashrate_hs": one.take("hashrate_hs", untrusted.number, None, 0, 1e18),
        "modded_psu_required": one.take("modded_psu_required", untrusted.flag, None),
    }


def _topology(value: Any, code: str) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, list) or len(value) > MAX_TOPOLOGY:
        raise BadValue(code)
    for line in value:
        if not isinstance(line, list) or len(line) > MAX_TOPOLOGY:
            raise BadValue(code)
    return tuple(tuple(untrusted.whole(chip, code, -1, 10_000) for chip in line) for line in value)


def _number(envelope: Fields, name: str) -> int:
    try:
        return untrusted.whole(envelope.get(name), name)
    except BadValue:
        raise BadEnvelope(f"{name}: expected a whole number from 0 to {values.MAX_WHOLE}") from None


def _list(envelope: Fields, name: str, most: int) -> list[Any]:
    value = envelope.get(name)
    if value is None:
        value = []
    if not isinstance(value, list) or len(value) > most:
        raise BadEnvelope(f"{name}: expected a list of at most {most}")
    return value


_READERS: dict[str, Callable[[Fields, float], Any]] = {
    MINERS: _miner,
    STATUS: ingest_status.rollup,
    EVENTS: _event,
    FLEET: ingest_status.fleet_sums,
}
