"""`hivectl model`: the language model that describes artifacts, and how to get it."""

from __future__ import annotations

from hived.cli.context import EXIT_FAILED, CommandContext
from hived.cli.output.progress import Progress
from hived.cli.output.text import UNKNOWN, clean, one_line, size
from hived.clients.ollama.client import OllamaClient
from hived.clients.ollama.parse import ModelMissing, PullProgress
from hived.errors import Refused, Transient

BAR = 30  # columns


async def status(context: CommandContext) -> int:
    """Say whether the model can be asked; 1 when not."""
    async with _client(context) as model:
        error, digest, installed = None, None, []
        try:
            installed = list(await model.installed())
            digest = await model.digest()
        except ModelMissing as err:
            error = f"{err}, or `hivectl model pull`"
        except (Refused, Transient) as err:
            error = str(err)
        host, name = model.host, model.model
    document = {"model": name, "host": host, "ready": error is None, "digest": digest, "error": error}
    line = one_line(error or f"{name} is ready at {host} (digest {digest or UNKNOWN})")
    context.answer({**document, "installed": installed}, line)
    return 0 if error is None else EXIT_FAILED


async def pull(context: CommandContext) -> int:
    """Fetch the model, with a bar on a terminal; what is fetched already is not fetched again."""
    async with _client(context) as model:
        with Progress(model.model, each=True) as progress:
            await model.pull(lambda step: progress.show(_how_far(step, live=progress.live)))
        digest = await model.digest()
        host, name = model.host, model.model
    document = {"model": name, "host": host, "ready": True, "digest": digest}
    return context.answer(document, clean(f"{name} is ready at {host} (digest {digest or UNKNOWN})"))


def _client(context: CommandContext) -> OllamaClient:
    own = context.config.ollama
    return OllamaClient(own.host, own.model, timeout_s=own.timeout_seconds)


def _how_far(step: PullProgress, *, live: bool) -> str:
    """Return one step of a pull, with a bar where it can move."""
    if not live or not step.total:
        return f": {step.status}"
    done = min(step.completed / step.total, 1.0)
    bar = "#" * round(done * BAR)
    return f" [{bar:<{BAR}}] {100 * done:3.0f} % of {size(step.total)}"
