"""The Cleveland Museum of Art's API over the simulated museum, in the field set of a real record."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from hived.simulator.collection.answers import Json, capture, conditional, json_reply, object_tag, whole_number
from hived.simulator.collection.met import DEPARTMENT_NAMES
from hived.simulator.collection.objects import OPEN, Catalogue, Work, iso, parse_day

PREFIX = "/cleveland/api"
MAX_LIMIT = 1000

_CAPTURED: Json = json.loads(capture("cleveland_artworks.json"))["data"][0]
FIELDS: tuple[str, ...] = tuple(_CAPTURED)
_BLANK: Json = {name: [] if isinstance(value, list) else None for name, value in _CAPTURED.items()}
_BLANK["exhibitions"] = {"current": [], "legacy": []}
_PICTURES = (("web", "jpg", 1), ("print", "jpg", 4), ("full", "tif", 8))


async def answer(catalogue: Catalogue, request: web.BaseRequest, tail: str) -> web.Response:
    """Answer one call; `tail` is what follows the prefix."""
    if not tail.startswith("/artworks"):
        return json_reply({"detail": "Not found."}, status=404)
    name = tail.removeprefix("/artworks").strip("/")
    return one_artwork(catalogue, request, name) if name else listing(catalogue, request)


def one_artwork(catalogue: Catalogue, request: web.BaseRequest, name: str) -> web.Response:
    known = name.isascii() and name.isdigit() and len(name) < 12 and catalogue.has_record(int(name))
    if not known:
        return json_reply({"detail": f"Artwork {name[:40]} was not found."}, status=404)
    object_id = int(name)
    return conditional(
        request,
        object_tag(catalogue, object_id, "cleveland"),
        catalogue.changed_at(object_id),
        lambda: json_reply({"data": record(catalogue, catalogue.work(object_id))}),
    )


def listing(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    query = request.query
    limit, skip = whole_number(query.get("limit"), 100), whole_number(query.get("skip"), 0)
    since_text = query.get("updated_after")
    since = parse_day(since_text) if since_text else None
    if limit is None or skip is None or limit > MAX_LIMIT or (since_text and since is None):
        return json_reply({"detail": "limit (at most 1000) and skip are numbers, updated_after is a day."}, status=400)
    only_open, pictured = "cc0" in query or "cc" in query, "has_image" in query

    def keep(object_id: int) -> bool:
        return (
            catalogue.has_record(object_id)
            and (since is None or catalogue.changed_at(object_id) >= since)
            and (not only_open or catalogue.rights_of(object_id) in OPEN)
            and (not pictured or _has_picture(catalogue.rights_of(object_id) in OPEN, object_id))
        )

    found = catalogue.selected(f"cleveland {only_open} {pictured} {since}", keep)
    fields = query.get("fields")
    data = [_chosen(record(catalogue, catalogue.work(object_id)), fields) for object_id in found[skip : skip + limit]]
    return json_reply({"info": {"total": len(found), "parameters": dict(query)}, "data": data})


def _chosen(document: Json, fields: str | None) -> Json:
    """Return the fields asked for. The real API answers null for the licence then, even among cc0=1 results."""
    if not fields:
        return document
    wanted = fields.split(",")[:200]
    return {name: None if name == "share_license_status" else document.get(name) for name in wanted if name in document}


def _has_picture(is_open: bool, object_id: int) -> bool:
    return is_open or object_id % 2 == 0


def record(catalogue: Catalogue, work: Work) -> Json:
    """Return a work as Cleveland shows it: numbers of pictures are texts, what is missing is null."""
    maker, number = work.maker, work.accession
    creators: list[Any] = []
    if maker:
        creators.append({"id": work.id, "description": f"{maker.name} ({maker.bio})", "extent": None, "role": "artist"})
    picture = {
        name: {
            "filename": f"{number}_{name}.{ending}",
            "filesize": str(2000 * scale),
            "height": str(300 * scale),
            "url": f"{catalogue.url}/images/{name}/{work.id}.png",
            "width": str(240 * scale),
        }
        for name, ending, scale in _PICTURES
    }
    return {
        **_BLANK,
        "accession_number": number,
        "collection": work.kind.classification,
        "copyright": f"© {work.end}" if work.rights == "copyright" else None,
        "creation_date": work.date_text,
        "creation_date_earliest": work.begin,
        "creation_date_latest": work.end,
        "creators": creators,
        "creditline": work.credit,
        "culture": [f"{work.culture.name}, {work.date_text}"],
        "current_location": work.gallery or None,
        "department": DEPARTMENT_NAMES[work.department],
        "dimensions": {"overall": {"height": round(work.height_cm / 100, 4), "width": round(work.width_cm / 100, 4)}},
        "id": work.id,
        "images": picture if _has_picture(work.open, work.id) else None,
        "measurements": f"Overall: {work.dimensions}",
        "share_license_status": "CC0" if work.open else "Copyrighted",
        "technique": work.medium,
        "title": work.title,
        "tombstone": f"{work.title}, {work.date_text}. {work.culture.name}. {work.medium}. {work.credit} {number}",
        "type": work.kind.classification,
        "updated_at": iso(work.changed_at).replace("T", " ").replace("Z", ".000000"),
        "url": f"{catalogue.url}/pages/{work.id}",
    }
