"""Batches of nodes, bytes to records: what cannot be understood is refused with a reason, the rest is taken.

A broken envelope (no node, no numbers, too many items) is refused as a whole. A broken item costs itself alone: the
node learns its number and a code that never changes, and so will not send it again.

Times. What happened or was said "in the future" was so at the latest when it arrived: a node whose clock is ahead
loses nothing. A rollup is known by its time, so one more than an hour ahead of us is refused: it would be the newest
of its miner for years. Nothing is corrected by the node's skew here: numbers and times of history must come out the
same each time they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from hived.api.nodes import ingest_status
from hived.errors import BadRequest
from hived.records import untrusted, values
from hived.records.artifact import OPEN_LICENCES, Licence
from hived.records.bubbles import DESCRIPTION, content_hash, contribution_id
from hived.records.canonical import canonical, key_of
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
from hived.records.streams import CONTRIBUTIONS, EVENTS, MINERS, STATUS, STREAMS
from hived.records.untrusted import BadValue

T = TypeVar("T")

MAX_DETAIL_BYTES = 4096
MAX_PRESETS = 200
MAX_TOPOLOGY = 64  # rows, and chips of one: the largest boards have 30
SCOPES = ("work", "image", "record")
_EPOCH = 64
_TOO_LONG = 4096


class BadEnvelope(BadRequest):
    """A batch that cannot be read as one; the text says what was expected."""


def batch(document: Mapping[str, Any], node_id: str, now: float) -> Batch:
    """Return the batch that a node sent. BadEnvelope when it is none."""
    stream = document.get("stream")
    if not isinstance(stream, str) or stream not in STREAMS:
        raise BadEnvelope(f"stream: expected one of {', '.join(STREAMS)}")
    epoch = document.get("epoch")
    if not isinstance(epoch, str) or not 0 < len(epoch) <= _EPOCH or not epoch.isalnum() or not epoch.isascii():
        raise BadEnvelope("epoch: expected letters and digits")
    first, last = (_number(document, name) for name in ("first_seq", "last_seq"))
    if first > last:
        raise BadEnvelope("first_seq: is after last_seq")
    raw = _list(document, "items", MAX_CONTRIBUTIONS if stream == CONTRIBUTIONS else MAX_ITEMS)
    latest = _list(document, "latest", MAX_ITEMS) if stream == STATUS else []
    models = _list(document, "models", MAX_MODELS) if stream == MINERS else []
    read = partial(_contribution, node_id=node_id) if stream == CONTRIBUTIONS else _READERS[stream]
    items: list[Any] = []
    rejected: list[Rejected] = []
    for one in raw:
        seq = one.get("seq") if isinstance(one, Mapping) else None
        try:
            if not isinstance(one, Mapping):
                raise BadValue("item")
            untrusted.whole(seq, "seq", max(first, 1), last)
            items.append(read(one, now))
        except BadValue as err:
            told = one.get("id") if isinstance(one, Mapping) else None
            rejected.append(Rejected(_shown(seq), str(err), told[:64] if isinstance(told, str) else None))
    items.sort(key=lambda item: item.seq)
    return Batch(
        stream, epoch, first, last, tuple(items), tuple(rejected),
        tuple(_understood(ingest_status.latest, latest)), tuple(_understood(_model, models)),
    )  # fmt: skip


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
    return _contribution_of(whole, now, node_id, now)


def _contribution(one: Mapping[str, Any], now: float, node_id: str) -> SentContribution:
    untrusted.word(one.get("id"), "id", 64)
    return _contribution_of(one, now, node_id, untrusted.time(one.get("collected_at"), "collected_at", now))


def _contribution_of(one: Mapping[str, Any], now: float, node_id: str, collected_at: float) -> SentContribution:
    spelling, key = _url(one.get("url"))
    if one.get("kind") != DESCRIPTION:
        raise BadValue("kind")  # a word that this version does not know how to show
    told = one.get("content")
    content = _content(told)
    hashed = content_hash(told)  # of what was sent: the node counts the same
    version = one.get("prompt_version")
    if version is not None:
        version = untrusted.whole(version, "prompt_version", 0, 1_000_000)
    about = one.get("artifact")
    if not isinstance(about, Mapping):
        raise BadValue("artifact")
    licence = _licence(about.get("licence"), now)
    facts = untrusted.document(about.get("facts") or {}, "facts", most_bytes=MAX_METADATA_BYTES, depth=MAX_DEPTH)
    facts.pop("text", None)  # for a prompt, never shown as fact
    return SentContribution(
        seq=one["seq"], told_id=one["id"], id=contribution_id(key, node_id, DESCRIPTION, version, hashed),
        url=spelling, url_key=key, title=untrusted.word(about.get("title"), "title", MAX_TITLE),
        provider=untrusted.word(about.get("provider"), "provider", 100),
        object_id=untrusted.word(about.get("object_id"), "object_id", _TOO_LONG)[:2048],
        source_name=untrusted.text(about.get("source_name"), "source_name", 400), licence=licence, facts=facts,
        facts_at=licence.read_at if licence else collected_at, image_url=untrusted.link(about.get("image_url")),
        kind=DESCRIPTION, content=content, content_hash=hashed,
        input_hash=untrusted.text(one.get("input_hash"), "input_hash", 128),
        model=untrusted.text(one.get("model"), "model"),
        model_digest=untrusted.text(one.get("model_digest"), "model_digest"),
        prompt_version=version, collected_at=collected_at,
    )  # fmt: skip


def _url(value: Any) -> tuple[str, str]:
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


def _licence(value: Any, now: float) -> Licence | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise BadValue("licence")
    uri, scope = value.get("uri"), value.get("scope")
    if not (isinstance(uri, str) and uri in OPEN_LICENCES and isinstance(scope, str) and scope in SCOPES):
        raise BadValue("licence")  # only what is openly licensed is stored, here as on the node
    field = untrusted.word(value.get("field"), "licence")
    return Licence(uri, field, untrusted.time(value.get("read_at"), "licence", now), scope)


def _miner(one: Mapping[str, Any], now: float) -> SentMiner:
    texts = {
        name: untrusted.text(one.get(name), name)
        for name in (
            "model_alias", "model_name", "hostname", "firmware", "firmware_version", "features", "platform", "serial",
        )
    }  # fmt: skip
    return SentMiner(
        seq=one["seq"], mac=untrusted.mac(one.get("mac")), ip=untrusted.ip(one.get("ip")),
        online=untrusted.flag(one.get("online"), "online"), managed=untrusted.flag(one.get("managed"), "managed"),
        has_key=untrusted.flag(one.get("has_key"), "has_key"),
        created_at=untrusted.time(one.get("created_at"), "created_at", now),
        updated_at=untrusted.time(one.get("updated_at"), "updated_at", now), **texts,
    )  # fmt: skip


def _event(one: Mapping[str, Any], now: float) -> SentEvent:
    told = one.get("mac")
    return SentEvent(
        seq=one["seq"], at=untrusted.time(one.get("at"), "at", now), mac=None if told is None else untrusted.mac(told),
        kind=untrusted.name(one.get("kind"), "kind"),
        detail=untrusted.document(one.get("detail"), "detail", most_bytes=MAX_DETAIL_BYTES, depth=MAX_DEPTH),
    )  # fmt: skip


def _model(one: Mapping[str, Any]) -> SentModel:
    count = {
        name: None if one.get(name) is None else untrusted.whole(one[name], name, 0, 10_000)
        for name in ("chips_per_chain", "chains")
    }
    presets = one.get("presets")
    if not isinstance(presets, list) or len(presets) > MAX_PRESETS:
        raise BadValue("presets")
    return SentModel(
        alias=untrusted.word(one.get("alias"), "alias", 100), name=untrusted.text(one.get("name"), "name"),
        presets=tuple(_preset(preset) for preset in presets), topology=_topology(one.get("topology")),
        series=untrusted.text(one.get("series"), "series"), **count,
    )  # fmt: skip


def _preset(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadValue("presets")
    modded = value.get("modded_psu_required")
    return {
        "name": untrusted.word(value.get("name"), "presets", 100),
        "power_w": untrusted.number(value.get("power_w"), "presets", 0, 1e6),
        "hashrate_hs": untrusted.number(value.get("hashrate_hs"), "presets", 0, 1e18),
        "modded_psu_required": None if modded is None else untrusted.flag(modded, "presets"),
    }


def _topology(value: Any) -> tuple[tuple[int, ...], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_TOPOLOGY:
        raise BadValue("topology")
    for line in value:
        if not isinstance(line, list) or len(line) > MAX_TOPOLOGY:
            raise BadValue("topology")
    return tuple(tuple(untrusted.whole(chip, "topology", -1, 10_000) for chip in line) for line in value)


def _number(document: Mapping[str, Any], name: str) -> int:
    try:
        return untrusted.whole(document.get(name), name)
    except BadValue:
        raise BadEnvelope(f"{name}: expected a whole number from 0 to {values.MAX_WHOLE}") from None


def _list(document: Mapping[str, Any], name: str, most: int) -> list[Any]:
    value = document.get(name)
    if value is None:
        value = []
    if not isinstance(value, list) or len(value) > most:
        raise BadEnvelope(f"{name}: expected a list of at most {most}")
    return value


def _understood(read: Callable[[Mapping[str, Any]], T], raw: list[Any]) -> list[T]:
    """Return what could be understood of a list of states: what is lost comes again with the next round."""
    found: list[T] = []
    for one in raw:
        if isinstance(one, Mapping):
            try:
                found.append(read(one))
            except BadValue:
                continue
    return found


def _shown(seq: Any) -> int | None:
    return values.integer(seq)


_READERS: dict[str, Callable[[Mapping[str, Any], float], Any]] = {
    MINERS: _miner,
    STATUS: ingest_status.rollup,
    EVENTS: _event,
}
