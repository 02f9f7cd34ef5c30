"""What the collecting daemon knows: sources, objects and their licences, what a model said of them.

Times are UTC epoch seconds. Texts from outside are plain text: no markup, no control characters, bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
PDM = "https://creativecommons.org/publicdomain/mark/1.0/"
OPEN_LICENCES = frozenset({CC0, PDM})
"""The only licences under which anything is stored; silence is refusal."""

AWAITING, DESCRIBED = "awaiting_description", "described"
PROMPT_VERSION = 2
"""Grows whenever what is asked of a model, or made of its answer, changes: older descriptions are made anew."""
SHOWN = 64
"""Bubbles of one artifact in one answer; the rest by cursor."""

KINDS = ("met", "artic", "cleveland", "rijksmuseum", "commons", "web")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as its provider states it. `scope` is what it covers: "work", "image" or "record"."""

    uri: str
    field: str
    """Where it was read: "isPublicDomain", "edm:rights", "link[rel=license]"."""
    read_at: float
    scope: str = "work"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object that a source lists and that is yet to be fetched. `object_id` is the provider's own, else the URL."""

    object_id: str
    url: str
    """What to fetch: an API call or a page."""
    priority: int = 0
    """Higher is earlier."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One step of listing a source. `cursor` is opaque text to go on from; None: the list is at its end."""

    refs: tuple[ObjectRef, ...]
    cursor: str | None
    complete: bool = False
    """True when the end was reached: the next listing asks only for what changed since this one began."""
    trouble: str | None = None
    """What of the list could not be read or had, in words; what could be is in `refs`."""
    code: str = "source_flawed"
    """What kind of trouble, as in errors.PROBLEMS."""
    is_stuck: bool = False
    """The list cannot go on from here for now: this step is repeated after a pause."""
    past: str | None = None
    """Where it goes on when the step stays stuck; None: nowhere."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What makes a GET conditional: sent back exactly as received."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class CollectedObject:
    """One historical object, as its provider describes it: facts only, nothing of ours."""

    provider: str
    object_id: str
    url: str
    """The page for people; what the artifact is known by."""
    title: str
    licence: Licence | None
    """None: the provider does not say that it is open, so it is refused and counted."""
    makers: tuple[str, ...] = ()
    date_text: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    medium: str | None = None
    dimensions: str | None = None
    place: str | None = None
    culture: str | None = None
    classification: str | None = None
    department: str | None = None
    credit: str | None = None
    accession_number: str | None = None
    """By which the museum keeps it, as written there: "36.100.45", "SK-C-5". Museums give some twice."""
    tags: tuple[str, ...] = ()
    image_url: str | None = None
    """Only when the licence covers the image too."""
    rights_text: str | None = None
    """What the provider says of rights when it is not open: the reason of the refusal."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of fetching one object. Exactly one of `object`, `unchanged` and `gone` is set.

    Throttling and refusals are errors (Throttled, Refused), not outcomes.
    """

    object: CollectedObject | None = None
    unchanged: bool = False
    gone: str | None = None
    """Why it is no longer there: "404", "not a valid object"."""
    validators: Validators = Validators()
    more: tuple[ObjectRef, ...] = ()
    """Further objects that this one led to, within the source's scope."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where objects are collected: a museum's open-access API or web pages."""

    id: int
    name: str
    base_url: str
    kind: str
    created_at: float
    cursor: str | None = None
    listed_at: float | None = None
    """When the listing that is complete now began: the next one asks for changes since then."""
    listing_since: float | None = None
    last_run_at: float | None = None
    last_error: str | None = None
    last_error_code: str | None = None
    """Its key in errors.PROBLEMS."""
    last_error_at: float | None = None
    next_list_at: float = 0.0
    list_failures: int = 0
    """How often in a row the list could not go on from `cursor`."""
    artifacts: int = 0
    waiting: int = 0
    """Objects in the frontier that are not fetched yet."""
    refused: int = 0
    """Objects whose licence was not open or not known."""


@dataclass(frozen=True, slots=True)
class Lease:
    """An object to fetch now, leased to this process until `until`; a crash lets it expire."""

    id: int
    source_id: int
    object_id: str
    url: str
    host: str
    attempts: int
    until: float
    validators: Validators = Validators()
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What is told of an object: facts that a model chose, in sentences of the program."""

    title: str
    summary: str
    period: str | None = None
    tags: tuple[str, ...] = ()
    model: str = ""
    model_digest: str = ""
    prompt_version: int = PROMPT_VERSION
    seconds: float = 0.0
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """One stored object, known by its canonical URL."""

    id: int
    url: str
    url_key: str
    source_id: int | None
    source: str | None
    provider: str
    object_id: str
    title: str
    licence: Licence | None
    """None: it came from a collector that is not ours, which did not say."""
    facts: dict[str, Any]
    image_url: str | None
    state: str
    """"described" or "awaiting_description"."""
    collected_at: float
    changed_at: float
    description: str | None = None
    describe_error: str | None = None
    """Why the last attempt to describe it failed."""
    bubbles: tuple[dict[str, Any], ...] = ()
    """What nodes say of it, first received first; at most as many as are shown at once."""
    bubble_count: int = 0
    """All that is stored."""
    description_count: int = 0
    """Of these, descriptions; the others tell who collected it."""


@dataclass(frozen=True, slots=True)
class CollectorState:
    """What the auto-miner is doing. `wanted` survives a restart; the rest is told while it runs."""

    wanted: bool = False
    only_source: int | None = None
    """A single-source run that was asked for, and its source."""
    status: str = "Idle"
    """"Idle", "Starting", "Running" or "Cooling down..."."""
    current_source: str | None = None
    model_state: str | None = None
    """None when the model works; else what the operator should do, such as the `ollama pull` line."""
    describer: str | None = None
    """The model that works; None when none does, or nobody has asked yet."""
    changed_at: float = 0.0
    request: int = 0
    """Grows with every start and stop: a running loop sees that its orders changed."""
    extra: dict[str, Any] = field(default_factory=dict)
