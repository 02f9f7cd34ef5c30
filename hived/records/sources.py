"""What a base URL says of a source: its kind, and what is really asked. The API, hivectl and adapters share it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from hived.errors import BadRequest
from hived.records.artifact import KINDS
from hived.records.canonical import canonical

MAX_NAME = 200
MAX_BASE_URL = 512

NAMES = {
    "met": "The Metropolitan Museum of Art",
    "artic": "Art Institute of Chicago",
    "cleveland": "Cleveland Museum of Art",
    "rijksmuseum": "Rijksmuseum",
    "commons": "Wikimedia Commons",
    "web": "Web pages",
}
_SITES = {
    "metmuseum.org": "met",
    "artic.edu": "artic",
    "clevelandart.org": "cleveland",
    "rijksmuseum.nl": "rijksmuseum",
    "commons.wikimedia.org": "commons",
}
# What is asked when somebody gives a museum's home page.
_HOMES = {
    "met": "https://collectionapi.metmuseum.org/public/collection/v1",
    "artic": "https://api.artic.edu/api/v1",
    "cleveland": "https://openaccess-api.clevelandart.org/api",
    "rijksmuseum": "https://data.rijksmuseum.nl/oai",
    "commons": "https://commons.wikimedia.org/w/api.php",
}
# How an API's path ends: on any host it tells the kind, on a museum's own that the URL is meant as it is.
_PATHS = {
    "met": "/public/collection/v1",
    "artic": "/api/v1",
    "cleveland": "/api",
    "rijksmuseum": "/oai",
    "commons": "/api.php",
}
_TELLING = ("met", "commons")
_PAGES = {"met": "/objects", "artic": "/artworks", "cleveland": "/artworks"}
_COMMONS_DEFAULT = "Category:CC-PD-Mark"  # a hundred million files would be no source


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source that may be added."""

    name: str
    base_url: str
    kind: str


def new_source(name: str, base_url: str, kind: str | None = None) -> NewSource:
    """Return the source that is meant; without a kind the base URL tells it. BadRequest says what was expected."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise BadRequest(f"name: expected 1 to {MAX_NAME} characters that can be printed")
    kind = kind_of(base_url) if kind is None else kind
    if kind not in KINDS:
        raise BadRequest(f"kind: expected one of {', '.join(KINDS)}, got {kind[:40]!r}")
    try:
        return NewSource(name, check_base_url(kind, base_url), kind)
    except BadRequest as err:
        raise BadRequest(f"base_url: {err}") from None


def presets() -> list[NewSource]:
    """Return the collections that are known by name, ready to be added."""
    return [NewSource(NAMES[kind], check_base_url(kind, home), kind) for kind, home in _HOMES.items()]


def kind_of(base_url: str) -> str:
    """Return the kind that a base URL belongs to: that of the museum whose host it is, else "web"."""
    try:
        parts = urlsplit(base_url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return "web"
    for site, kind in _SITES.items():
        if host == site or host.endswith(f".{site}"):
            return kind
    return next((kind for kind in _TELLING if _at_api(kind, parts.path)), "web")


def check_base_url(kind: str, base_url: str) -> str:
    """Return the URL that is asked for a source of this kind; BadRequest in a sentence when there is none."""
    if kind not in KINDS:
        raise BadRequest(f"{kind!r} is no kind of source: expected {', '.join(KINDS)}")
    whole = canonical(base_url.strip())
    if len(whole) > MAX_BASE_URL:
        raise BadRequest(f"a source's URL has at most {MAX_BASE_URL} characters")
    parts = urlsplit(whole)
    host = parts.hostname or ""
    if kind == "web":
        return whole
    home = _HOMES[kind]
    is_own = any(host == site or host.endswith(f".{site}") for site, of in _SITES.items() if of == kind)
    if kind == "commons":
        return _commons(parts.scheme, parts.netloc, parts.path, parts.query, is_own=is_own)
    if is_own and not _at_api(kind, parts.path):
        return home
    path = parts.path.rstrip("/").removesuffix(_PAGES.get(kind, "\0"))
    if kind == "rijksmuseum":
        only = parse_qs(parts.query).get("set", [""])[0]
        return f"{parts.scheme}://{parts.netloc}{path}" + (f"?set={quote(only, safe='')}" if only else "")
    if parts.query:
        raise BadRequest(f"the base URL of a source of kind {kind} has no query: expected something like {home}")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _commons(scheme: str, netloc: str, path: str, query: str, *, is_own: bool) -> str:
    """Return api.php with what to list: a category, a search, or, but for Commons itself, everything."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    wanted = {name: asked[name] for name in ("gcmtitle", "gsrsearch") if asked.get(name)}
    before, wiki, title = path.partition("/wiki/")
    if wiki:
        title = unquote(title).replace("_", " ")
        if title.startswith("Category:"):
            wanted = {"gcmtitle": title}
        elif title and not wanted:
            raise BadRequest(
                "a source on Commons is a category: expected .../wiki/Category:NAME or .../w/api.php?gcmtitle="
            )
        api = f"{before}/w/api.php"
    elif path.endswith("/api.php"):
        api = path
    else:
        api = f"{path.rstrip('/')}/w/api.php"
    if len(wanted) > 1:
        raise BadRequest("a source on Commons is a category (gcmtitle) or a search (gsrsearch), not both")
    if "gcmtitle" in wanted and not wanted["gcmtitle"].startswith("Category:"):
        raise BadRequest("gcmtitle names a category: expected Category:NAME")
    if not wanted and is_own:
        wanted = {"gcmtitle": _COMMONS_DEFAULT}
    return f"{scheme}://{netloc}{api}" + (f"?{urlencode(wanted, quote_via=quote)}" if wanted else "")


def _at_api(kind: str, path: str) -> bool:
    trimmed = path.rstrip("/")
    return (trimmed.removesuffix(_PAGES[kind]) if kind in _PAGES else trimmed).endswith(_PATHS[kind])
