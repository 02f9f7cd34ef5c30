"""What can go wrong with a model server, to be switched on while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

ANSWERS = ("/api/chat", "/api/generate")


class OllamaFault(Enum):
    """One way to misbehave. The value is its name on the command line."""

    SLOW = "slow"
    """The first token after `delay` seconds, each further one after `interval`."""
    HUNG = "hung"
    """Silent for ever after `tokens` tokens."""
    TRUNCATED = "truncated"
    """Hangs up after `tokens` tokens."""
    NO_END = "no_end"
    """Ends the stream properly, without the last message."""
    TOO_LONG = "too_long"
    """Stops in the middle of the text with the reason "length"."""
    WRONG_JSON = "wrong_json"
    """A text that is not the JSON that was asked for."""
    WRONG_SHAPE = "wrong_shape"
    """JSON with other fields than were asked for."""
    WRONG_NAMES = "wrong_names"
    """Chooses what nobody offered, before what was."""
    NO_CHOICE = "no_choice"
    """Empty lists in the shape that was asked for."""
    THINKS = "thinks"
    """All that it writes are thoughts."""
    OBEDIENT = "obedient"
    """Does what the data tells it to do."""
    GARBAGE = "garbage"
    """Lines that are not messages of Ollama."""
    MISSING = "missing"
    """The model is not installed."""
    ERROR_500 = "error_500"
    """The model cannot be loaded."""
    QUEUE_FULL = "queue_full"
    """503."""
    STREAM_ERROR = "stream_error"
    """An error inside a stream that began with 200."""


WRITING = frozenset(
    {
        OllamaFault.WRONG_JSON,
        OllamaFault.WRONG_SHAPE,
        OllamaFault.WRONG_NAMES,
        OllamaFault.NO_CHOICE,
        OllamaFault.THINKS,
        OllamaFault.OBEDIENT,
        OllamaFault.SLOW,
    }
)
"""Faults of what the model says; the exchange itself is in order."""

LOADING = frozenset({OllamaFault.HUNG, OllamaFault.ERROR_500, OllamaFault.QUEUE_FULL})
"""Faults that strike while the model is loaded, too."""


@dataclass(slots=True)
class ActiveOllamaFault:
    """A fault that is switched on, with its options."""

    fault: OllamaFault
    paths: tuple[str, ...] = ANSWERS
    """Only these paths misbehave; * matches anything."""
    times: int | None = None
    """So many requests are hit, then the server is well again. None: until cleared."""
    delay: float = 3.0
    interval: float = 0.5
    tokens: int = 0
    hits: int = field(default=0)
