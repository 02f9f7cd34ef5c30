"""What Cleveland's API sends, turned into records. Pure: bytes in, records out, or Unreadable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hived.clients.museums import accession, dates, licence, links, makers, text
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import CC0, CollectedObject

PROVIDER = "cleveland"
API = "https://openaccess-api.clevelandart.org/api"
WEBSITE = "https://clevelandart.org/art/{}"
MAX_LISTED = 1000
MAX_MAKERS, MAX_TAGS = 8, 16

_ACCESSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,40}")


@dataclass(frozen=True, slots=True)
class ArtworksList:
    """The ids of one page of a listing, how many records it had, and how many there are in all when that is told."""

    ids: tuple[int, ...]
    records: int
    total: int | None


def parse_list(body: bytes) -> ArtworksList:
    """Return the ids of a page of `/artworks/`. Rights are not read here: with a choice of fields they come as null."""
    doc = values.top_object(body)
    if not isinstance(doc.get("data"), list):
        raise Unreadable("the page of artworks has no data")
    records = values.items(doc["data"], MAX_LISTED)
    ids = (values.integer(values.table(one).get("id")) for one in records)
    total = values.integer(values.table(doc.get("info")).get("total"), 0, 10**9)
    return ArtworksList(tuple(one for one in ids if one is not None), len(records), total)


def parse_artwork(body: bytes, asked: str, read_at: float, base_url: str = API) -> CollectedObject:
    """Return the object of `/artworks/{asked}`."""
    record = values.table(values.top_object(body).get("data"))
    number = values.integer(record.get("id"))
    if number is None or str(number) != asked:
        raise Unreadable(f"the answer is not about artwork {asked}")
    return _artwork(record, number, read_at, base_url)


def _artwork(record: dict[str, Any], number: int, read_at: float, base_url: str) -> CollectedObject:
    kept_as = accession.stated([record.get("accession_number")])
    url = WEBSITE.format(kept_as if kept_as and _ACCESSION.fullmatch(kept_as) else number)
    verdict = licence.decide(_rights(record), read_at)
    begin, end = record.get("creation_date_earliest"), record.get("creation_date_latest")
    date_text = text.plain(record.get("creation_date"))
    year_from, year_to = dates.years(begin, end, date_text)
    kind = text.plain(record.get("type"))
    creators = values.tables(record.get("creators"), 32)
    told = ([text.plain(one.get(name)) for name in ("description", "role", "qualifier")] for one in creators)
    return CollectedObject(
        provider=PROVIDER,
        object_id=str(number),
        url=url,
        title=text.plain(record.get("title")) or kind or f"Object {number}",
        licence=verdict.licence,
        makers=text.clean_all((makers.maker(*one) for one in told), MAX_MAKERS),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.plain(record.get("technique")),
        dimensions=text.plain(record.get("measurements")),
        place=text.plain(record.get("find_spot")),
        culture=text.joined(map(text.plain, values.items(record.get("culture"), 16))),
        classification=kind,
        department=text.plain(record.get("department")),
        credit=text.plain(record.get("creditline")),
        accession_number=kept_as,
        tags=text.clean_all([text.plain(record.get("collection")), kind], MAX_TAGS, 80),
        image_url=_image(record, base_url) if verdict.licence else None,
        rights_text=verdict.reason,
    )


def _rights(record: dict[str, Any]) -> Iterator[licence.Statement]:
    if record.get("share_license_status") is not None:
        yield licence.flag(record["share_license_status"], "CC0", CC0, "share_license_status")
    yield from licence.said(record.get("copyright"), "copyright")


def _image(record: dict[str, Any], base_url: str) -> str | None:
    """The web size only: the full one is a TIFF of tens of MB."""
    return links.image_url(values.table(values.table(record.get("images")).get("web")).get("url"), base_url)
