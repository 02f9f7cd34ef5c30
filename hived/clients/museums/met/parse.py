"""What the Met's API sends, turned into records. Pure: bytes in, records out, or Unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hived.clients.museums import accession, dates, licence, links, makers, text
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import CC0, CollectedObject

PROVIDER = "met"
API = "https://collectionapi.metmuseum.org/public/collection/v1"
PAGE_URL = "https://www.metmuseum.org/art/collection/search/{}"
"""The page for people. It is built from the id: `objectURL` was seen to name a staging host."""
NOT_VALID = "not a valid object"

MAX_ID = 2**24 - 1
"""A list of ids is kept as one bit each: 2 MB at most. The Met's highest is below a million."""
MAX_MAKERS, MAX_TAGS = 8, 32


class IdSet:
    """Half a million object ids in some hundred kB: one bit for each number up to the highest."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self.count = 0

    def add(self, object_id: int) -> None:
        place, bit = object_id >> 3, 1 << (object_id & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits)))
        if not self._bits[place] & bit:
            self._bits[place] |= bit
            self.count += 1

    def after(self, object_id: int) -> Iterator[int]:
        """Yield the ids above `object_id`, in their order; -1 for all."""
        start = object_id + 1
        for place in range(start >> 3, len(self._bits)):
            byte = self._bits[place]
            if byte:
                for bit in range(8):
                    found = place << 3 | bit
                    if byte & 1 << bit and found >= start:
                        yield found

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True, slots=True)
class NotAnObject:
    """What the API says in place of an object."""

    reason: str


def parse_ids(body: bytes) -> IdSet:
    """Return the ids of `GET /objects` or `/search`, where null means none."""
    doc = values.top_object(body)
    told = doc.get("objectIDs", False)
    if told is not None and not isinstance(told, list):
        raise Unreadable("the list of objects has no objectIDs")
    ids = IdSet()
    for item in told or ():
        number = values.integer(item, 0, MAX_ID)
        if number is not None:
            ids.add(number)
    if told and not len(ids):
        raise Unreadable("the list of objects holds no ids")
    return ids


def parse_object(body: bytes, asked: str, read_at: float, base_url: str = API) -> CollectedObject | NotAnObject:
    """Return the object of `GET {base_url}/objects/{asked}`; Unreadable when it is another one."""
    doc = values.top_object(body)
    if "objectID" not in doc:
        message = text.clean(doc.get("message"))
        if message is None:
            raise Unreadable("the answer is no object of the Met")
        return NotAnObject(NOT_VALID if message.lower().startswith(NOT_VALID) else message)
    number = values.integer(doc["objectID"])
    if number is None or str(number) != asked:
        raise Unreadable(f"object {asked} was asked for, the answer is about another one")
    verdict = licence.decide(_rights(doc), read_at)
    date_text = text.plain(doc.get("objectDate"))
    year_from, year_to = dates.years(doc.get("objectBeginDate"), doc.get("objectEndDate"), date_text)
    name = text.plain(doc.get("objectName"))
    return CollectedObject(
        provider=PROVIDER,
        object_id=str(number),
        url=_page(doc, number, base_url),
        title=text.plain(doc.get("title")) or name or f"Object {number}",
        licence=verdict.licence,
        makers=_makers(doc),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.plain(doc.get("medium")),
        dimensions=text.plain(doc.get("dimensions")),
        place=_place(doc),
        culture=text.joined(text.plain(doc.get(name)) for name in ("culture", "period", "dynasty", "reign")),
        classification=text.plain(doc.get("classification")) or name,
        department=text.plain(doc.get("department")),
        credit=text.plain(doc.get("creditLine")),
        accession_number=accession.stated([doc.get("accessionNumber")]),
        tags=text.clean_all((text.plain(tag.get("term")) for tag in values.tables(doc.get("tags"), 100)), MAX_TAGS, 80),
        image_url=_image(doc, base_url) if verdict.licence else None,
        rights_text=verdict.reason,
    )


def _page(doc: dict[str, Any], number: int, base_url: str) -> str:
    """The museum's own page; a mirror's or a test museum's when its record names one on its own host."""
    told = links.web_url(doc.get("objectURL"))
    if told is not None and links.authority(told) == links.authority(base_url):
        return told
    return PAGE_URL.format(number)


def _rights(doc: dict[str, Any]) -> Iterator[licence.Statement]:
    """`isPublicDomain` is the Met's open-access flag: CC0 for the data and the pictures. Exactly true clears."""
    yield licence.flag(doc.get("isPublicDomain"), True, CC0, "isPublicDomain")
    yield from licence.said(doc.get("rightsAndReproduction"), "rightsAndReproduction")


def _makers(doc: dict[str, Any]) -> tuple[str, ...]:
    """The people of a record with their roles. How sure the first name is, only the fields of the artist say."""
    first, role, doubt = (text.plain(doc.get(f"artist{name}")) for name in ("DisplayName", "Role", "Prefix"))
    people = [
        (text.plain(one.get("name")), text.plain(one.get("role"))) for one in values.tables(doc.get("constituents"), 32)
    ]
    told = (makers.maker(name, what, doubt if name == first else None) for name, what in people or [(first, role)])
    return text.clean_all(told, MAX_MAKERS)


def _place(doc: dict[str, Any]) -> str | None:
    names = ("locus", "locale", "city", "river", "county", "state", "subregion", "region", "country")
    return text.joined((text.plain(doc.get(name)) for name in names), ", ")


def _image(doc: dict[str, Any], base_url: str) -> str | None:
    """The small picture: the original has tens of MB."""
    return links.image_url(doc.get("primaryImageSmall"), base_url) or links.image_url(doc.get("primaryImage"), base_url)
