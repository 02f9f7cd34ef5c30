"""What the Rijksmuseum's OAI-PMH service sends (EDM in RDF), turned into records. Pure: bytes in, records out.

Rights stand in three places: `edm:rights` of the aggregation and of a picture (what the picture may be used for),
`dc:rights` of the object, and, outside of the metadata, rights of the record itself, which clear nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from yarl import URL

from hived.clients.museums import accession, dates, licence, links, makers, text, xml
from hived.errors import Unreadable
from hived.records.artifact import CollectedObject

PROVIDER = "rijksmuseum"
HOSTS = ("id.rijksmuseum.nl", "data.rijksmuseum.nl", "www.rijksmuseum.nl")
"""Where pages of objects may lie, beside the site of the source itself."""
_SERVICES = frozenset(("oai", "oai-pmh", "data", "api", "www", "id", "opac", "collection"))
"""Names of hosts that say nothing: what stands after them is the museum."""

MAX_RECORDS = 1000  # of one answer; the service gives some dozens
MAX_NODES = 3000  # of one record
MAX_NODE_TEXT = 4000
MAX_TOKEN = 2000
MAX_IDENTIFIER = 400
MAX_MAKERS, MAX_TAGS = 8, 32

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_EDM = "{http://www.europeana.eu/schemas/edm/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_ORE = "{http://www.openarchives.org/ore/terms/}"
_SKOS = "{http://www.w3.org/2004/02/skos/core#}"
_THINGS = (f"{_EDM}Agent", f"{_EDM}Place", f"{_SKOS}Concept", f"{_EDM}TimeSpan")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `object` None: it was deleted."""

    identifier: str
    object: CollectedObject | None


@dataclass(slots=True)
class OaiAnswer:
    """An answer to ListRecords or GetRecord. `error` is the protocol's code: "noRecordsMatch", "badResumptionToken"."""

    records: list[Record] = field(default_factory=list)
    token: str | None = None
    error: str | None = None
    flaw: str | None = None
    """What of it could not be read."""
    is_whole: bool = True
    """False: it is cut short, so that a missing token does not mean the end of the list."""


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str]
    children: list[_Node] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def every(self, *tags: str) -> Iterator[_Node]:
        """Yield the nodes of these tags below this one; depth is bounded by the reader."""
        for child in self.children:
            if child.tag in tags:
                yield child
            yield from child.every(*tags)

    def own(self, tag: str) -> list[_Node]:
        return [child for child in self.children if child.tag == tag]

    def text(self) -> str:
        return "".join(self.parts).strip()

    def value(self) -> str:
        """What a property says: the URI that it points at, else its text."""
        return self.attributes.get(f"{_RDF}resource") or self.text()


def parse_answer(body: bytes, base_url: str, read_at: float) -> OaiAnswer:
    """Return what an answer holds; Unreadable when it is none. A record that cannot be read costs itself."""
    reader, flaw = xml.read(
        lambda: xml.chunks(body), lambda: _Reader(base_url, read_at), ("record", "resumptionToken", "error")
    )
    if not reader.is_oai:
        raise Unreadable("the answer is not OAI-PMH")
    reader.answer.flaw = flaw
    reader.answer.is_whole = flaw is None or reader.is_closed
    return reader.answer


class _Reader:
    """Builds one record at a time, so that a long answer costs no more memory than its longest record."""

    def __init__(self, base_url: str, read_at: float) -> None:
        self._base_url = base_url
        self._read_at = read_at
        self._path: list[_Node] = []
        self._nodes = 0
        self.is_oai = self.is_closed = False
        self.answer = OaiAnswer()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.is_oai = self.is_oai or tag == f"{_OAI}OAI-PMH"
        if self._path:
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise Unreadable(f"a record of more than {MAX_NODES} elements")
            node = _Node(tag, attributes)
            self._path[-1].children.append(node)
            self._path.append(node)
        elif tag in (f"{_OAI}record", f"{_OAI}resumptionToken", f"{_OAI}error"):
            self._nodes = 0
            self._path.append(_Node(tag, attributes))

    def data(self, text: str) -> None:
        if self._path and self._path[-1].size < MAX_NODE_TEXT:
            self._path[-1].parts.append(text)
            self._path[-1].size += len(text)

    def resume(self) -> None:
        self._path = []

    def end(self, tag: str) -> None:
        if not self._path:
            self.is_closed = self.is_closed or tag == f"{_OAI}OAI-PMH"
            return
        node = self._path.pop()
        if self._path:
            return
        if node.tag == f"{_OAI}resumptionToken":
            token = node.text()
            if len(token) > MAX_TOKEN:
                raise Unreadable("a resumption token of monstrous length")
            self.answer.token = token or None
        elif node.tag == f"{_OAI}error":
            self.answer.error = text.clean(node.attributes.get("code"), 40) or "unknown"
        else:
            self._record(node)

    def _record(self, node: _Node) -> None:
        if len(self.answer.records) >= MAX_RECORDS:
            raise Unreadable(f"more than {MAX_RECORDS} records in one answer")
        header = next(iter(node.own(f"{_OAI}header")), None)
        if header is None:
            return
        name = next((child.text() for child in header.own(f"{_OAI}identifier")), "")
        identifier = links.web_url(name) or text.clean(name, MAX_IDENTIFIER + 1)
        if identifier is None or len(identifier) > MAX_IDENTIFIER:
            return
        if header.attributes.get("status") == "deleted":
            self.answer.records.append(Record(identifier, None))
            return
        metadata = next(iter(node.own(f"{_OAI}metadata")), None)
        if metadata is not None:
            found = _object(identifier, metadata, self._read_at, self._base_url)
            self.answer.records.append(Record(identifier, found))


def record_url(base_url: str, identifier: str) -> str:
    """Return where a single record is asked for."""
    return f"{base_url}?verb=GetRecord&metadataPrefix=edm&identifier={quote(identifier, safe='')}"


def _page(identifier: str, metadata: _Node, cho: _Node, base_url: str) -> str:
    """Return the page of an object: its id where that is one, else where it says it is shown, else its record.

    Only addresses of the museum count: what an artifact is known by is not any source's to choose.
    """
    about = cho.attributes.get(f"{_RDF}about")
    shown = (node.value() for name in ("isShownAt", "landingPage") for node in metadata.every(f"{_EDM}{name}"))
    told = (links.web_url(value) for value in (identifier, *shown, about))
    return next((url for url in told if url and _is_of_museum(url, base_url)), None) or record_url(base_url, identifier)


def _is_of_museum(url: str, base_url: str) -> bool:
    first, _, domain = (URL(base_url).host or "").partition(".")
    host = URL(url).host or ""
    is_sibling = first in _SERVICES and "." in domain and (host == domain or host.endswith(f".{domain}"))
    return host in HOSTS or links.related_site(url, base_url) or is_sibling


def _object(identifier: str, metadata: _Node, read_at: float, base_url: str) -> CollectedObject:
    """Return the object of one record; what is missing in it is missing in the object."""
    cho = next(metadata.every(f"{_EDM}ProvidedCHO"), _Node("", {}))
    page = _page(identifier, metadata, cho, base_url)
    things = metadata.every(*_THINGS)
    labels = {node.attributes.get(f"{_RDF}about", ""): label for node in things if (label := _called(node))}

    def several(*tags: str) -> list[str]:
        """What the first of the properties that says anything says."""
        return next((told for tag in tags if (told := _in_english(cho.own(tag), labels))), [])

    def one(*tags: str) -> str | None:
        return next(iter(several(*tags)), None)

    verdict = licence.decide(_rights(metadata, cho), read_at)
    date_text = one(f"{_TERMS}created", f"{_DC}date", f"{_TERMS}issued", f"{_TERMS}temporal")
    year_from, year_to = dates.span(date_text)
    number = re.split(r"[/:]", identifier)[-1]
    return CollectedObject(
        provider=PROVIDER,
        object_id=identifier,
        url=page,
        title=one(f"{_DC}title", f"{_TERMS}alternative", f"{_DC}type") or f"Object {number}",
        licence=verdict.licence,
        makers=text.clean_all(map(makers.maker, several(f"{_DC}creator", f"{_DC}contributor")), MAX_MAKERS),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.joined(several(f"{_TERMS}medium"), ", "),
        dimensions=text.joined(several(f"{_TERMS}extent")),
        place=text.joined(several(f"{_TERMS}spatial", f"{_DC}coverage"), ", "),
        classification=text.joined(several(f"{_DC}type"), ", "),
        credit=one(f"{_TERMS}provenance"),
        accession_number=accession.stated(several(f"{_DC}identifier")),
        tags=text.clean_all(several(f"{_DC}subject"), MAX_TAGS, 80),
        image_url=_image(metadata, page) if verdict.licence else None,
        rights_text=verdict.reason,
    )


def _rights(metadata: _Node, cho: _Node) -> Iterator[licence.Statement]:
    for node in metadata.every(f"{_ORE}Aggregation", f"{_EDM}WebResource"):
        for right in node.own(f"{_EDM}rights"):
            yield from licence.said(right.value(), "edm:rights", "image")
        for right in node.own(f"{_DC}rights"):
            yield from licence.said(right.value(), "dc:rights", "image")
    for tag in (f"{_DC}rights", f"{_TERMS}rights", f"{_EDM}rights"):
        for right in cho.own(tag):
            yield from licence.said(right.value(), "dc:rights", "work")


def _image(metadata: _Node, page: str) -> str | None:
    for shown in metadata.every(f"{_EDM}isShownBy"):
        inner = shown.own(f"{_EDM}WebResource")
        told = inner[0].attributes.get(f"{_RDF}about") if inner else shown.value()
        if (url := links.image_url(told, page)) is not None:
            return url
    return None


def _said(node: _Node, labels: dict[str, str]) -> str | None:
    """Return what a property says in words: of a thing, named or within it, its label; a URI alone says nothing."""
    resource = node.attributes.get(f"{_RDF}resource")
    if resource:
        return labels.get(resource)
    inner = next((child for child in node.children if child.tag in _THINGS), None)
    if inner is not None:
        return _called(inner) or labels.get(inner.attributes.get(f"{_RDF}about", ""))
    told = text.plain(node.text())
    return None if told is None or told.startswith(("http://", "https://")) else told


def _called(thing: _Node) -> str | None:
    """Return the label of a person, place, concept or time; a time may only have its beginning and end."""
    told = _in_english(thing.own(f"{_SKOS}prefLabel"), {}) or _in_english(thing.own(f"{_SKOS}altLabel"), {})
    if told or thing.tag != f"{_EDM}TimeSpan":
        return next(iter(told), None)
    ends = (next(iter(_in_english(thing.own(f"{_EDM}{name}"), {})), None) for name in ("begin", "end"))
    return text.clean("/".join(dict.fromkeys(end for end in ends if end)))


def _in_english(nodes: list[_Node], labels: dict[str, str]) -> list[str]:
    said = ((node.attributes.get(_LANGUAGE, ""), _said(node, labels)) for node in nodes)
    return text.in_english([(language, told) for language, told in said if told])
