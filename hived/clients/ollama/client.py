"""Talk to Ollama through its own package, with deadlines that the package does not have.

No picture is ever sent: the package opens an image that is given as text as a file of this machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from hived.clients.ollama import parse
from hived.clients.ollama.parse import Answer, BadAnswer, Layers, ModelMissing, PullProgress
from hived.errors import HivedError, Refused, Transient, Unreadable

if TYPE_CHECKING:
    import ollama

WINDOW_TOKENS = 4096  # one value for every call: another one makes the server load the model again
MAX_TOKENS = 256  # a choice takes 30; some models put a line before it
MAX_CHARS = 8192  # of an answer: MAX_TOKENS of the longest tokens
SEED = 7
KEEP_LOADED_S = 300.0
DIGEST_HOLDS_S = 600.0  # a model that was pulled again is noticed within ten minutes

Schema = Mapping[str, Any]
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long to wait for what, seconds. Meant for a small box: loading comes from flash, reading is slow."""

    connect_s: float = 5.0
    question_s: float = 10.0
    """The list of models: answered from memory."""
    load_s: float = 180.0
    first_token_s: float = 60.0
    silence_s: float = 20.0
    """Between two tokens."""
    pull_silence_s: float = 300.0
    """Between two lines of a pull: the check sum of several gigabytes is made without a word."""


class OllamaClient:
    """One model on one server. One description at a time: a small box has no room for two."""

    def __init__(
        self,
        host: str,
        model: str,
        *,
        timeout_s: float = 300.0,
        deadlines: Deadlines | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not urlsplit(host).hostname:
            raise Refused("ollama.host is empty")
        self.model = model
        self.host = shown(host)
        """For people: without user and password."""
        self._deadlines = deadlines or Deadlines()
        self._timeout_s = timeout_s
        self._clock = clock
        self._url = host
        self._turn = asyncio.Lock()
        self._digest: tuple[str, float] | None = None
        self._loaded_until = float("-inf")

    async def __aenter__(self) -> OllamaClient:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if "_ollama" in vars(self):
            await cast(Any, self._ollama).close()

    @cached_property
    def _ollama(self) -> ollama.AsyncClient:
        # With httpx and pydantic below it the package takes 20 MiB, and most boxes have no model to ask.
        from hived.clients.ollama.transport import open_client

        return open_client(self._url, connect_s=self._deadlines.connect_s)

    async def digest(self) -> str:
        """Return the digest of the model. Raises ModelMissing, Transient, Refused."""
        if self._digest and self._clock() < self._digest[1]:
            return self._digest[0]
        digest = parse.digest_of(await self._listing(), self.model)
        self._digest = (digest, self._clock() + DIGEST_HOLDS_S)
        return digest

    async def installed(self) -> Sequence[str]:
        """Return the names of all models on the server. Raises Transient, Refused."""
        return parse.installed(await self._listing())

    async def describe(self, system: str, user: str, schema: Schema) -> Answer:
        """Return what the model says to `user`, in the shape of the JSON `schema`; cancelling it stops the model.

        Transient: no server, no answer in time, cut short. BadAnswer: an answer that is of no use. ModelMissing.
        """
        async with self._turn:
            started = self._clock()
            try:
                async with self._deadline(self._timeout_s, "the description was not done"):
                    digest = await self.digest()
                    if started >= self._loaded_until:
                        await self._load()
                    final, text, thought = await self._chat(system, user, schema)
            except (HivedError, asyncio.CancelledError) as err:
                self._forget(err)
                raise
            self._loaded_until = self._clock() + KEEP_LOADED_S * 0.8
            return parse.answer_of(
                final,
                text,
                thought=thought,
                model=self.model,
                digest=digest,
                seconds=self._clock() - started,
                window=WINDOW_TOKENS,
            )

    async def pull(self, progress: Callable[[PullProgress], None]) -> None:
        """Fetch the model, telling `progress` of every step. Cancelled, it goes on from there the next time.

        Transient: try again. Refused: there is no such model, or no room.
        """
        layers, status = Layers(), ""
        with self._errors(parse.pull_error_for):
            stream = await self._ollama.pull(self.model, stream=True)
            silence_s = self._deadlines.pull_silence_s
            async with aclosing(_each(stream, silence_s, silence_s)) as lines:
                async for line in lines:
                    step = layers.take(line)
                    status = step.status
                    progress(step)
        if status != "success":
            raise Unreadable("Ollama ended before the model was complete")
        self._digest = None

    # -- one exchange ------------------------------------------------------------------------------------------

    async def _listing(self) -> ollama.ListResponse:
        with self._errors():
            async with self._deadline(self._deadlines.question_s, "no list of models"):
                return await self._ollama.list()

    async def _load(self) -> None:
        """Have the model in memory, so that the wait for the first token is one for a token."""
        with self._errors():
            async with self._deadline(self._deadlines.load_s, "the model was not loaded"):
                await self._ollama.generate(
                    self.model, "", stream=False, options={"num_ctx": WINDOW_TOKENS}, keep_alive=KEEP_LOADED_S
                )

    async def _chat(self, system: str, user: str, schema: Schema) -> tuple[ollama.ChatResponse, str, bool]:
        """Return the last message, the text of all, and whether the model thought aloud.

        The stream is closed whatever happens: that stops the model.
        """
        pieces: list[str] = []
        length, thought = 0, False
        with self._errors():
            stream = await self._ollama.chat(
                self.model,
                [{"role": "system", "content": system}, {"role": "user", "content": user}],
                stream=True,
                think=False,
                format=dict(schema),
                options={"temperature": 0, "seed": SEED, "num_ctx": WINDOW_TOKENS, "num_predict": MAX_TOKENS},
                keep_alive=KEEP_LOADED_S,
            )
            async with aclosing(_each(stream, self._deadlines.first_token_s, self._deadlines.silence_s)) as parts:
                async for part in parts:
                    piece = part.message.content or ""
                    pieces.append(piece)
                    length += len(piece)
                    thought = thought or bool(part.message.thinking)
                    if length > MAX_CHARS:
                        raise BadAnswer("the answer is longer than allowed", "length")
                    if part.done:
                        return part, "".join(pieces), thought
        raise Unreadable("Ollama ended in the middle of an answer")

    @asynccontextmanager
    async def _deadline(self, seconds: float, failure: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise Transient(f"{failure} within {seconds:g} s") from None

    def _errors(
        self, meaning: Callable[[int, object, str], HivedError] = parse.error_for
    ) -> AbstractContextManager[None]:
        """Turn what the package and the HTTP below it raise into what the caller has to do about it."""
        from hived.clients.ollama.transport import as_ours

        return as_ours(lambda status, text: meaning(status, text, self.model), self.host)

    def _forget(self, err: BaseException) -> None:
        """After a failure nothing is sure any more: not that the model is loaded, nor that it is there."""
        if isinstance(err, BadAnswer):
            return
        self._loaded_until = float("-inf")
        if isinstance(err, ModelMissing):
            self._digest = None


async def _each(stream: AsyncIterator[_Part], first_s: float, silence_s: float) -> AsyncGenerator[_Part, None]:
    """Yield the parts of a stream; Transient when the first takes longer than `first_s` or another one `silence_s`."""
    async with aclosing(cast(AsyncGenerator[_Part, None], stream)) as parts:
        failure, limit_s = "Ollama said nothing", first_s
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise Transient(f"{failure} for {limit_s:g} s") from None
            yield part
            failure, limit_s = "Ollama fell silent in the middle of an answer", silence_s


def shown(host: str) -> str:
    """Return a host as people may see it: without user and password."""
    return urlsplit(host)._replace(netloc=urlsplit(host).netloc.rpartition("@")[2]).geturl()
