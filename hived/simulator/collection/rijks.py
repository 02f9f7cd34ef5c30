"""The Rijksmuseum's OAI-PMH service over the simulated museum: EDM records, resumption tokens, deleted headers."""

from __future__ import annotations

import base64
import binascii
import bisect
import json
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

from hived.simulator.collection.answers import xml_reply
from hived.simulator.collection.objects import Catalogue, Rights, Work, iso, parse_day

PATH = "/rijks/oai"
PAGE = 50
SETS = ("260213", "261208")

RIGHTS: dict[Rights, str | None] = {
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "pdm": "http://creativecommons.org/publicdomain/mark/1.0/",
    "by-sa": "https://creativecommons.org/licenses/by-sa/4.0/",
    "copyright": "http://rightsstatements.org/vocab/InC/1.0/",
    "unknown": None,
}

_NAMESPACES = " ".join(
    f'xmlns:{name}="{uri}"'
    for name, uri in (
        ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
        ("edm", "http://www.europeana.eu/schemas/edm/"),
        ("dc", "http://purl.org/dc/elements/1.1/"),
        ("dcterms", "http://purl.org/dc/terms/"),
        ("ore", "http://www.openarchives.org/ore/terms/"),
        ("skos", "http://www.w3.org/2004/02/skos/core#"),
        ("rdaGr2", "http://rdvocab.info/ElementsGr2/"),
    )
)


class Refusal(Exception):
    """A request that OAI-PMH answers with an error code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


async def answer(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    """Answer one OAI-PMH request. Errors come with status 200, as the protocol says."""
    query: Mapping[str, str] = request.query
    try:
        inside = _verb(catalogue, query)
    except Refusal as err:
        inside = f'<error code="{err.code}">{escape(str(err))}</error>'
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in query.items() if name.isidentifier())
    return _reply(catalogue, attributes, inside)


def bad_token() -> web.Response:
    """Answer that a token is not taken any more."""
    error = '<error code="badResumptionToken">expired</error>'
    return xml_reply(f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{error}</OAI-PMH>')


def _reply(catalogue: Catalogue, attributes: str, inside: str) -> web.Response:
    return xml_reply(
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>{iso(catalogue.clock())}</responseDate>"
        f"<request{attributes}>{escape(catalogue.url + PATH)}</request>{inside}</OAI-PMH>"
    )


def _verb(catalogue: Catalogue, query: Mapping[str, str]) -> str:
    verb = query.get("verb", "")
    if verb == "GetRecord":
        _needs_edm(query)
        object_id = _object_id(catalogue, query.get("identifier", ""))
        return f"<GetRecord>{_record(catalogue, object_id)}</GetRecord>"
    if verb == "ListRecords":
        return _list(catalogue, query)
    raise Refusal("badVerb", "expected ListRecords or GetRecord")


def _needs_edm(query: Mapping[str, str]) -> None:
    if query.get("metadataPrefix") is None:
        raise Refusal("badArgument", "metadataPrefix is missing")
    if query["metadataPrefix"] != "edm":
        raise Refusal("cannotDisseminateFormat", "only edm is served here")


def identifier(catalogue: Catalogue, object_id: int) -> str:
    return f"{catalogue.url}/rijks/id/{object_id}"


def _object_id(catalogue: Catalogue, text: str) -> int:
    number = text.rpartition("/")[2]
    if number.isascii() and number.isdigit() and len(number) < 12 and int(number) in catalogue:
        return int(number)
    raise Refusal("idDoesNotExist", "no such identifier")


def _list(catalogue: Catalogue, query: Mapping[str, str]) -> str:
    if "resumptionToken" in query:
        after, since, until = _read_token(query["resumptionToken"])
    else:
        _needs_edm(query)
        after, since, until = 0, query.get("from", ""), query.get("until", "")
        if query.get("set") not in (None, *SETS):
            raise Refusal("noRecordsMatch", "no such set")
    first = parse_day(since) if since else None
    last = parse_day(until) if until else None
    if (since and first is None) or (until and last is None):
        raise Refusal("badArgument", "from and until are days or UTC times")
    if last is not None and "T" not in until:
        last += 86399  # a day means all of it
    ids = catalogue.changed_since(first, last)
    if not ids:
        raise Refusal("noRecordsMatch", "nothing was changed then")
    start = bisect.bisect_right(ids, after)
    page = ids[start : start + PAGE]
    more = start + PAGE < len(ids)
    token = _token(page[-1], since, until) if more and page else ""
    size = f'<resumptionToken completeListSize="{len(ids)}" cursor="{start}">{token}</resumptionToken>'
    tail = size if more or after else ""
    return f"<ListRecords>{''.join(_record(catalogue, object_id) for object_id in page)}{tail}</ListRecords>"


def _token(after: int, since: str, until: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([after, since, until]).encode()).decode()


def _read_token(text: str) -> tuple[int, str, str]:
    try:
        after, since, until = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        after = None
    if not isinstance(after, int) or not isinstance(since, str) or not isinstance(until, str):
        raise Refusal("badResumptionToken", "this token is not ours")
    return after, since, until


def _header(catalogue: Catalogue, object_id: int) -> str:
    status = "" if catalogue.has_record(object_id) else ' status="deleted"'
    return (
        f"<header{status}><identifier>{identifier(catalogue, object_id)}</identifier>"
        f"<datestamp>{iso(catalogue.changed_at(object_id))}</datestamp><setSpec>260213</setSpec></header>"
    )


def _record(catalogue: Catalogue, object_id: int) -> str:
    header = _header(catalogue, object_id)
    if not catalogue.has_record(object_id):
        return f"<record>{header}</record>"
    return f"<record>{header}<metadata>{_edm(catalogue, catalogue.work(object_id))}</metadata></record>"


def _edm(catalogue: Catalogue, work: Work) -> str:
    name = identifier(catalogue, work.id)
    maker, agent = work.maker, f"{catalogue.url}/rijks/id/agent-{work.id}"
    uri = RIGHTS[work.rights]
    created = (
        f'<dc:creator rdf:resource="{agent}"/>'
        if maker
        else f'<dc:creator xml:lang="en">{escape(work.culture.name)}</dc:creator>'
    )
    shown = f"{catalogue.url}/rijks/iiif/{work.id}/full/max/0/default.jpg"
    person = (
        f'<edm:Agent rdf:about="{agent}"><rdaGr2:dateOfBirth>{maker.born}</rdaGr2:dateOfBirth>'
        f"<rdaGr2:dateOfDeath>{maker.died}</rdaGr2:dateOfDeath>"
        f'<skos:prefLabel xml:lang="en">{escape(maker.name)}</skos:prefLabel></edm:Agent>'
        if maker
        else ""
    )
    return (
        f'<rdf:RDF {_NAMESPACES}><ore:Aggregation rdf:about="{name}#aggregation"><edm:aggregatedCHO>'
        f'<edm:ProvidedCHO rdf:about="{name}">{created}<dc:identifier>{escape(work.accession)}</dc:identifier>'
        f'<dc:title xml:lang="en">{escape(work.title)}</dc:title>'
        f'<dc:type xml:lang="en">{escape(work.kind.name.lower())}</dc:type>'
        f'<dcterms:created xml:lang="en">{escape(work.date_text)}</dcterms:created>'
        f'<dcterms:extent xml:lang="en">height {work.height_cm} cm x width {work.width_cm} cm</dcterms:extent>'
        f'<dcterms:medium xml:lang="en">{escape(work.medium.lower())}</dcterms:medium>'
        f'<dcterms:spatial xml:lang="en">{escape(work.place)}</dcterms:spatial>'
        f"</edm:ProvidedCHO></edm:aggregatedCHO><edm:provider>Rijksmuseum</edm:provider>"
        + (f'<edm:rights rdf:resource="{uri}"/>' if uri else "")
        + "<edm:dataProvider>Rijksmuseum</edm:dataProvider>"
        + f'<edm:isShownBy><edm:WebResource rdf:about="{shown}"/></edm:isShownBy></ore:Aggregation>{person}</rdf:RDF>'
    )
