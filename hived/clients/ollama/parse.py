"""What Ollama's answers mean. Pure: typed answers of its package in, records or errors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hived.errors import HivedError, Refused, Transient, Unreadable
from hived.records import values

if TYPE_CHECKING:
    from ollama import ChatResponse, ListResponse, ProgressResponse

MAX_SAID = 200  # characters of a server's error text that are passed on
MAX_LAYERS = 256  # a model has about ten
THINKS = "thinks"


class ModelMissing(Refused):
    """The model is not on this machine; the text has the line to run. `model` is its name."""

    def __init__(self, model: str) -> None:
        super().__init__(f"the model {model} is missing: run `ollama pull {model}`")
        self.model = model


class BadAnswer(Unreadable):
    """The model answered, but what it said is of no use. `reason` is one word of what was wrong with it."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, unchecked, and what it took: seconds, and tokens, None where the server did not tell."""

    text: str = field(repr=False)
    model: str
    model_digest: str
    seconds: float
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a model has come, bytes over all its layers. `total` grows as layers become known; 0: none yet."""

    status: str
    completed: int
    total: int


class Layers:
    """Sums the progress of a model's layers, each told for itself, into one figure that never goes back."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def take(self, line: ProgressResponse) -> PullProgress:
        """Return the whole after one more line; layers beyond MAX_LAYERS are not counted."""
        digest = line.digest
        if digest and (digest in self._layers or len(self._layers) < MAX_LAYERS):
            completed, total = self._layers.get(digest, (0, 0))
            total = max(total, line.total or 0)
            self._layers[digest] = (min(max(completed, line.completed or 0), total), total)
        return PullProgress(
            status=said(line.status),
            completed=sum(completed for completed, _ in self._layers.values()),
            total=sum(total for _, total in self._layers.values()),
        )


def said(text: object) -> str:
    """Return a server's text as one short printable line."""
    return values.text(str(text or ""), MAX_SAID) or ""


def full_name(model: str) -> str:
    """Return a model's name with its tag, as the server lists it: `llama3.2` is `llama3.2:latest`."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def digest_of(listing: ListResponse, model: str) -> str:
    """Return the digest of an installed model, "" when the server tells none. Raises ModelMissing."""
    wanted = full_name(model).casefold()
    for entry in listing.models:
        if entry.model and full_name(entry.model).casefold() == wanted:
            return said(entry.digest)
    raise ModelMissing(model)


def installed(listing: ListResponse) -> Sequence[str]:
    """Return the names of the models that are installed."""
    return [said(entry.model) for entry in listing.models if entry.model]


def error_for(status: int, text: object, model: str) -> HivedError:
    """Return what an error answer means. `status` is -1 for an error inside a stream that had begun well."""
    line = said(text)
    if status == 404:
        if "model" in line.lower() or full_name(model).partition(":")[0] in line:
            return ModelMissing(model)
        return Refused("what answers there does not know Ollama's calls (404): check ollama.host")
    if 300 <= status < 400:
        return Refused(f"what answers there sends us elsewhere ({status}): check ollama.host")
    if status == 503:
        return Transient(f"Ollama has too much to do: {line or 'its queue is full'}")
    if status in (408, 429) or status >= 500 or status == -1:
        return Transient(f"Ollama failed: {line or status}")
    return Refused(f"Ollama refuses ({status}): {line}")


def pull_error_for(status: int, text: object, model: str) -> HivedError:
    """Return why a model could not be fetched. A name that nobody knows comes as an error inside a good stream."""
    line = said(text)
    if "file does not exist" in line or "invalid model name" in line or status in (400, 404):
        return Refused(f"there is no model {model} to fetch: {line}")
    if "no space" in line:
        return Refused(f"no room for {model} on the disk: {line}")
    return error_for(status, text, model)


def answer_of(
    final: ChatResponse, text: str, *, thought: bool, model: str, digest: str, seconds: float, window: int
) -> Answer:
    """Return the whole answer from the last message of its stream and the text that came before.

    `thought`: there was output that is no answer. Raises BadAnswer when there was nothing else, when the model stopped
    for another reason than being done, or had no room in its `window` (tokens): what does not fit there is cut without
    a word, the instructions first.
    """
    if thought and not text.strip():
        raise BadAnswer("the model only thinks: its output has no answer", THINKS)
    if final.done_reason == "length":
        raise BadAnswer("the answer was longer than allowed and cut", "length")
    if final.done_reason not in ("stop", None):
        raise BadAnswer(f"the model stopped because of {said(final.done_reason)!r}", "stopped")
    prompt_tokens, tokens = final.prompt_eval_count, final.eval_count
    if (prompt_tokens or 0) + (tokens or 0) >= window:
        raise BadAnswer(f"prompt and answer filled the window of {window} tokens", "window")
    return Answer(
        text=text,
        model=model,
        model_digest=digest,
        seconds=seconds,
        tokens=tokens,
    )
