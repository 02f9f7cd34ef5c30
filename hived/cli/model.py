"""`hivectl model`: the language model that describes artifacts, and how to get it."""

from __future__ import annotations

import sys

from hived.cli.context import EXIT_FAILED, CommandContext
from hived.cli.output.text import UNKNOWN, clean, one_line, size
from hived.clients.ollama.client import OllamaClient
from hived.clients.ollama.parse import ModelMissing, PullProgress
from hived.errors import Refused, Transient

BAR = 30  # columns


async def status(context: CommandContext) -> int:
    """Say whether the model can be asked; 1 when not."""
    async with _client(context) as model:
        said, digest, installed = None, None, []
        try:
            installed = list(await model.installed())
            digest = await model.digest()
        except ModelMissing as err:
            said = f"{err}, or `hivectl model pull`"
        except (Refused, Transient) as err:
            said = str(err)
        host, name = model.host, model.model
    if context.json:
        document = {"model": name, "host": host, "ready": said is None, "digest": digest, "error": said}
        context.screen.document({**document, "installed": installed})
    elif said is None:
        context.screen.say(clean(f"{name} is ready at {host} (digest {digest or UNKNOWN})"))
    else:
        context.screen.say(one_line(said))
    return 0 if said is None else EXIT_FAILED


async def pull(context: CommandContext) -> int:
    """Fetch the model, with a bar on a terminal; what is fetched already is not fetched again."""
    async with _client(context) as model:
        progress = _Progress(model.model)
        try:
            await model.pull(progress.step)
        finally:
            progress.end()
        digest = await model.digest()
        host, name = model.host, model.model
    if context.json:
        context.screen.document({"model": name, "host": host, "ready": True, "digest": digest})
    else:
        context.screen.say(clean(f"{name} is ready at {host} (digest {digest or UNKNOWN})"))
    return 0


def _client(context: CommandContext) -> OllamaClient:
    own = context.config.ollama
    return OllamaClient(own.host, own.model, timeout_s=own.timeout_seconds)


class _Progress:
    """How far the model has come, on standard error: one line that moves on a terminal, one for each step elsewhere."""

    def __init__(self, model: str) -> None:
        self._model = clean(model)
        self._live = sys.stderr.isatty()
        self._said = ""

    def step(self, told: PullProgress) -> None:
        """Show one step."""
        words = clean(told.status) if not self._live else self._line(told)
        if words == self._said:
            return
        self._said = words
        sys.stderr.write(f"\r\x1b[K{words}" if self._live else f"{self._model}: {words}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._live and self._said:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _line(self, told: PullProgress) -> str:
        if not told.total:
            return f"{self._model}: {clean(told.status)}"
        done = min(told.completed / told.total, 1.0)
        bar = "#" * round(done * BAR)
        return f"{self._model} [{bar:<{BAR}}] {100 * done:3.0f} % of {size(told.total)}"
