"""The Met's API over the simulated museum: objects, departments, search, in the field set of a real record."""

from __future__ import annotations

import json

from aiohttp import web

from hived.simulator.collection.answers import Json, capture, conditional, json_reply, list_tag, object_tag, packed
from hived.simulator.collection.objects import Catalogue, Work, iso, mix, parse_day
from hived.simulator.collection.words import TAGS

PREFIX = "/public/collection/v1"
FIELDS: tuple[str, ...] = tuple(json.loads(capture("met_object.json")))
DEPARTMENTS: list[Json] = json.loads(capture("met_departments.json"))["departments"]
DEPARTMENT_NAMES: dict[int, str] = {department["departmentId"]: department["displayName"] for department in DEPARTMENTS}
REPOSITORY = "Museum of Simulated Art, Loopback, NY"

NOT_VALID = {"message": "Not a valid object"}
NOT_FOUND = {"message": "ObjectID not found"}


RIGHTS_TEXT = {
    "copyright": "© {year} {maker}. All rights reserved.",
    "by-sa": "Licensed under CC BY-SA 4.0",
    "unknown": "",
    "cc0": "",
    "pdm": "",
}


async def answer(catalogue: Catalogue, request: web.BaseRequest, tail: str) -> web.Response:
    """Answer one call; `tail` is what follows the prefix."""
    if tail.startswith("/objects/"):
        return one_object(catalogue, request, tail.removeprefix("/objects/"))
    if tail == "/objects":
        return object_list(catalogue, request)
    if tail == "/departments":
        return json_reply({"departments": DEPARTMENTS})
    return json_reply({"message": "Not Found"}, status=404)


def one_object(catalogue: Catalogue, request: web.BaseRequest, name: str) -> web.Response:
    if not name.isascii() or not name.isdigit() or len(name) > 12 or int(name) not in catalogue:
        return json_reply(NOT_FOUND, status=404)
    object_id = int(name)
    if not catalogue.has_record(object_id):
        # What status the Met sends along is not documented: half of these objects show one, half the other.
        return json_reply(NOT_VALID, status=200 if object_id % 2 else 404)
    return conditional(
        request,
        object_tag(catalogue, object_id, "met"),
        catalogue.changed_at(object_id),
        lambda: json_reply(record(catalogue, catalogue.work(object_id))),
    )


def object_list(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    since_text = request.query.get("metadataDate")
    since = parse_day(since_text) if since_text else None
    if since_text and since is None:
        return json_reply({"message": "metadataDate is a day"}, status=400)

    def build() -> web.Response:
        ids = catalogue.changed_since(since)
        body = f'{{"total":{len(ids)},"objectIDs":[{",".join(map(str, ids))}]}}'.encode()
        return packed(request, web.Response(body=body, content_type="application/json"))

    return conditional(request, list_tag(catalogue, request.query_string), None, build)


def record(catalogue: Catalogue, work: Work) -> Json:
    """Return a work as the Met shows it: missing text is "", missing lists of makers and tags are null."""
    maker = work.maker
    rights = RIGHTS_TEXT[work.rights].format(year=work.end, maker=maker.name if maker else "the artist's estate")
    document: Json = {
        **dict.fromkeys(FIELDS, ""),
        "objectID": work.id,
        "isHighlight": work.highlight,
        "accessionNumber": work.accession,
        "accessionYear": str(work.year),
        "isPublicDomain": work.open,
        "primaryImage": image(catalogue, work, "original") if work.open else "",
        "primaryImageSmall": image(catalogue, work, "web-large") if work.open else "",
        "additionalImages": [image(catalogue, work, "detail")] if work.open and work.id % 3 == 0 else [],
        "constituents": None,
        "department": DEPARTMENT_NAMES[work.department],
        "objectName": work.kind.name,
        "title": work.title,
        "culture": work.culture.name,
        "period": work.period.name,
        "objectDate": work.date_text,
        "objectBeginDate": work.begin,
        "objectEndDate": work.end,
        "medium": work.medium,
        "dimensions": work.dimensions,
        "measurements": [
            {
                "elementName": "Overall",
                "elementDescription": None,
                "elementMeasurements": {"Height": work.height_cm, "Width": work.width_cm},
            }
        ],
        "creditLine": work.credit,
        "geographyType": "Made in" if maker is None else "",
        "city": work.place if maker is None else "",
        "country": work.culture.country if maker is None else "",
        "classification": work.kind.classification,
        "rightsAndReproduction": rights,
        "metadataDate": iso(work.changed_at, millis=True),
        "repository": REPOSITORY,
        "objectURL": f"{catalogue.url}/pages/{work.id}",
        "tags": [_tag(term) for term in work.tags] or None,
        "isTimelineWork": work.highlight,
        "GalleryNumber": work.gallery,
    }
    if maker is not None:
        document.update(_artist(work))
    return document


def _artist(work: Work) -> Json:
    maker = work.maker
    assert maker is not None
    wikidata = f"https://www.wikidata.org/wiki/Q{900_000_000 + mix(work.id) % 90_000_000}"
    return {
        "constituents": [
            {
                "constituentID": 100_000 + mix(work.id, 1) % 90_000,
                "role": "Artist",
                "name": maker.name,
                "constituentULAN_URL": "",
                "constituentWikidata_URL": wikidata,
                "gender": "",
            }
        ],
        "artistRole": "Artist",
        "artistDisplayName": maker.name,
        "artistDisplayBio": maker.bio,
        "artistAlphaSort": maker.family,
        "artistNationality": maker.nationality,
        "artistBeginDate": str(maker.born),
        "artistEndDate": str(maker.died),
        "artistWikidata_URL": wikidata,
    }


def _tag(term: str) -> Json:
    return {
        "term": term,
        "AAT_URL": f"http://vocab.getty.edu/page/aat/{TAGS[term]}",
        "Wikidata_URL": f"https://www.wikidata.org/wiki/Q{800_000_000 + TAGS[term]}",
    }


def image(catalogue: Catalogue, work: Work, size: str) -> str:
    """Return where a picture of a work is found."""
    return f"{catalogue.url}/images/{size}/{work.id}.png"
