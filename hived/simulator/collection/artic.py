"""The Art Institute of Chicago's API over the simulated museum, in the field set of a real record."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from aiohttp import web

from hived.simulator.collection.answers import Json, capture, conditional, json_reply, object_tag, whole_number
from hived.simulator.collection.met import DEPARTMENT_NAMES
from hived.simulator.collection.objects import Catalogue, Work, iso, mix

PREFIX = "/artic/api/v1"
MAX_LIMIT = 100

_CAPTURED: Json = json.loads(capture("artic_artworks.json"))
_INFO: Json = _CAPTURED["info"]
FIELDS: tuple[str, ...] = tuple(_CAPTURED["data"][0])


def _blank(value: Any) -> Any:
    """Return what this API sends where it knows nothing: null for text and numbers, empty lists."""
    if isinstance(value, list):
        return []
    return False if isinstance(value, bool) else None


_BLANK: Json = {name: _blank(value) for name, value in _CAPTURED["data"][0].items()}
_BLANK["api_model"] = "artworks"


async def answer(catalogue: Catalogue, request: web.BaseRequest, tail: str) -> web.Response:
    """Answer one call; `tail` is what follows the prefix."""
    name = tail.removeprefix("/artworks").strip("/")
    if not tail.startswith("/artworks"):
        return _error(404, "Not found", "The endpoint you requested cannot be found.")
    if not name:
        return listing(catalogue, request)
    if not name.isascii() or not name.isdigit() or len(name) > 12 or not catalogue.has_record(int(name)):
        return _error(404, "Not found", "The item you requested cannot be found.")
    object_id, fields = int(name), request.query.get("fields")
    return conditional(
        request,
        object_tag(catalogue, object_id, f"artic{fields}"),
        catalogue.changed_at(object_id),
        lambda: _reply(catalogue, _chosen(record(catalogue, catalogue.work(object_id)), fields)),
    )


def listing(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    query = request.query
    page, limit = whole_number(query.get("page"), 1, least=1), whole_number(query.get("limit"), 12)
    if page is None or limit is None:
        return _error(400, "Invalid parameter", "page and limit are numbers.")
    if limit > MAX_LIMIT:
        return _error(403, "Invalid limit", f"You have requested too many resources per page: at most {MAX_LIMIT}.")
    every = catalogue.selected("records", catalogue.has_record)
    return _page(catalogue, request, list(every[(page - 1) * limit : page * limit]), page, limit, len(every))


def _page(
    catalogue: Catalogue, request: web.BaseRequest, ids: list[int], page: int, limit: int, total: int
) -> web.Response:
    pages = -(-total // limit) if limit else 0
    pagination: Json = {
        "total": total,
        "limit": limit,
        "offset": (page - 1) * limit,
        "total_pages": pages,
        "current_page": page,
    }
    fields = request.query.get("fields")
    rest = f"&limit={limit}" + (f"&fields={quote(fields)}" if fields else "")
    if page > 1:
        pagination["prev_url"] = f"{catalogue.url}{request.path}?page={page - 1}{rest}"
    if page < pages:
        pagination["next_url"] = f"{catalogue.url}{request.path}?page={page + 1}{rest}"
    data = [_chosen(record(catalogue, catalogue.work(object_id)), fields) for object_id in ids]
    return _reply(catalogue, data, pagination)


def _chosen(document: Json, fields: str | None) -> Json:
    if not fields:
        return document
    wanted = fields.split(",")[:200]
    return {name: value for name, value in document.items() if name in wanted}


def _reply(catalogue: Catalogue, data: Any, pagination: Json | None = None) -> web.Response:
    config = {"iiif_url": f"{catalogue.url}/artic/iiif/2", "website_url": catalogue.url}
    head: Json = {"pagination": pagination} if pagination is not None else {}
    return json_reply({**head, "data": data, "info": _INFO, "config": config})


def _error(status: int, error: str, detail: str) -> web.Response:
    return json_reply({"status": status, "error": error, "detail": detail}, status=status)


def image_id(work: Work) -> str:
    """Return the id of a work's picture: a UUID whose last group is the object's id."""
    return f"{mix(work.id, 8) % 2**32:08x}-0000-4000-8000-{work.id:012x}"


def object_of_image(text: str) -> int | None:
    """Return whose picture an image id names."""
    last = text.rpartition("-")[2]
    try:
        return int(last, 16) if len(text) == 36 else None
    except ValueError:
        return None


def record(catalogue: Catalogue, work: Work) -> Json:
    """Return a work as the Art Institute shows it."""
    maker, department = work.maker, DEPARTMENT_NAMES[work.department]
    who = f"{maker.name} ({maker.bio})" if maker else work.culture.name
    copyrighted = work.rights == "copyright"
    return {
        **_BLANK,
        "id": work.id,
        "api_link": f"{catalogue.url}{PREFIX}/artworks/{work.id}",
        "title": work.title,
        "thumbnail": {
            "lqip": "",
            "width": 240,
            "height": 300,
            "alt_text": f"A work made of {work.medium.lower()}.",
        },
        "main_reference_number": work.accession,
        "date_start": work.begin,
        "date_end": work.end,
        "date_display": work.date_text,
        "artist_display": f"{who}\n{work.place}, {work.culture.country}",
        "place_of_origin": work.culture.country,
        "dimensions": work.dimensions,
        "medium_display": work.medium,
        "credit_line": work.credit,
        "is_public_domain": work.open,
        "is_zoomable": work.open,
        "max_zoom_window_size": -1 if work.open else 843,
        "copyright_notice": f"© {work.end} {maker.name if maker else 'the artist'}" if copyrighted else None,
        "is_on_view": bool(work.gallery),
        "gallery_title": f"Gallery {work.gallery}" if work.gallery else None,
        "artwork_type_title": work.kind.classification,
        "department_title": department,
        "department_id": f"PC-{work.department}",
        "artist_title": maker.name if maker else work.culture.name,
        "artist_titles": [maker.name] if maker else [],
        "category_titles": [department],
        "term_titles": [*work.tags, work.kind.name.lower()],
        "classification_title": work.kind.classification.lower(),
        "classification_titles": [work.kind.classification.lower()],
        "subject_titles": list(work.tags),
        "image_id": image_id(work) if work.open or work.id % 2 else None,
        "source_updated_at": iso(work.changed_at),
        "updated_at": iso(work.changed_at),
        "timestamp": iso(work.changed_at),
    }
