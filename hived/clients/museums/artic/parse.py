"""What the Art Institute's API sends, turned into records. Pure: bytes in, records out, or Unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hived.clients.museums import accession, dates, licence, links, makers, text
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import CC0, CollectedObject

PROVIDER = "artic"
API = "https://api.artic.edu/api/v1"
WEBSITE = "https://www.artic.edu"
IMAGE_SIZE = "full/843,/0/default.jpg"
"""The size that is cached at the museum and that they ask everybody to use."""

FIELDS = (
    "id", "title", "main_reference_number", "is_public_domain", "copyright_notice", "artist_title", "artist_titles",
    "artist_display", "date_display", "date_start", "date_end", "place_of_origin", "medium_display", "dimensions",
    "credit_line", "department_title", "classification_title", "artwork_type_title", "style_title", "term_titles",
    "subject_titles", "image_id", "source_updated_at", "updated_at",
)  # fmt: skip
"""What is asked for. Both rights fields are named; `description` is not: it is CC BY, all the rest is CC0."""

MAX_PAGE = 100
MAX_MAKERS, MAX_TAGS = 8, 32


@dataclass(frozen=True, slots=True)
class ArtworksPage:
    """One page of the list. `changed_at`: when each object's record last changed, by its id; None: not told."""

    objects: tuple[CollectedObject, ...]
    changed_at: dict[str, float | None]
    is_last: bool


def parse_page(body: bytes, read_at: float, base_url: str = API) -> ArtworksPage:
    """Return the objects of a page of `/artworks`."""
    doc = values.top_object(body)
    if not isinstance(doc.get("data"), list):
        raise Unreadable("the page of artworks has no data")
    records = values.tables(doc["data"], MAX_PAGE)
    found = [(one, record) for record in records if (one := _artwork(record, doc, read_at, base_url)) is not None]
    paging = values.table(doc.get("pagination"))
    here, total = (values.integer(paging.get(name), 0, 10**9) for name in ("current_page", "total_pages"))
    return ArtworksPage(
        objects=tuple(one for one, _ in found),
        changed_at={one.object_id: _changed_at(record) for one, record in found},
        is_last=not records or here is None or total is None or here >= total,
    )


def parse_artwork(body: bytes, asked: str, read_at: float, base_url: str = API) -> CollectedObject:
    """Return the object of `/artworks/{asked}`."""
    doc = values.top_object(body)
    found = _artwork(values.table(doc.get("data")), doc, read_at, base_url)
    if found is None or found.object_id != asked:
        raise Unreadable(f"the answer is not about artwork {asked}")
    return found


def _artwork(record: dict[str, Any], doc: dict[str, Any], read_at: float, base_url: str) -> CollectedObject | None:
    number = values.integer(record.get("id"))
    if number is None:
        return None
    verdict = licence.decide(_rights(record), read_at)
    date_text = text.plain(record.get("date_display"))
    year_from, year_to = dates.years(record.get("date_start"), record.get("date_end"), date_text)
    kind = text.plain(record.get("artwork_type_title"))
    tags = [*values.items(record.get("subject_titles"), 50), *values.items(record.get("term_titles"), 50)]
    return CollectedObject(
        provider=PROVIDER,
        object_id=str(number),
        url=f"{WEBSITE}/artworks/{number}",
        title=text.plain(record.get("title")) or kind or f"Object {number}",
        licence=verdict.licence,
        makers=_makers(record),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.plain(record.get("medium_display")),
        dimensions=text.plain(record.get("dimensions")),
        place=text.plain(record.get("place_of_origin")),
        culture=text.plain(record.get("style_title")),
        classification=text.plain(record.get("classification_title")) or kind,
        department=text.plain(record.get("department_title")),
        credit=text.plain(record.get("credit_line")),
        accession_number=accession.stated([record.get("main_reference_number")]),
        tags=text.clean_all(map(text.plain, tags), MAX_TAGS, 80),
        image_url=_image(record, doc, base_url) if verdict.licence else None,
        rights_text=verdict.reason,
    )


def _makers(record: dict[str, Any]) -> tuple[str, ...]:
    """The names of a record, each with what the line for readers says of how sure it is."""
    display = text.plain(record.get("artist_display"))
    names = map(text.plain, values.items(record.get("artist_titles"), 32) or [record.get("artist_title")])
    return text.clean_all(
        (makers.maker(name, None, makers.doubt_in(display, name)) for name in names if name), MAX_MAKERS
    )


def _rights(record: dict[str, Any]) -> Iterator[licence.Statement]:
    """A record asked for without the two fields says nothing, whatever else it says."""
    if "is_public_domain" in record and "copyright_notice" in record:
        yield licence.flag(record["is_public_domain"], True, CC0, "is_public_domain")
        yield from licence.said(record["copyright_notice"], "copyright_notice")


def _image(record: dict[str, Any], doc: dict[str, Any], base_url: str) -> str | None:
    """The base of pictures is told in each answer; it has moved before."""
    base = text.clean(values.table(doc.get("config")).get("iiif_url"))
    image_id = text.clean(record.get("image_id"), 64)
    if base is None or image_id is None or not image_id.replace("-", "").isalnum():
        return None
    return links.image_url(f"{base.rstrip('/')}/{image_id}/{IMAGE_SIZE}", base_url)


def _changed_at(record: dict[str, Any]) -> float | None:
    told = [_time(record.get(name)) for name in ("source_updated_at", "updated_at")]
    return max((at for at in told if at is not None), default=None)


def _time(value: object) -> float | None:
    stamp = text.clean(value, 40)
    if stamp is None:
        return None
    try:
        at = datetime.fromisoformat(stamp)
        return at.timestamp() if at.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None
