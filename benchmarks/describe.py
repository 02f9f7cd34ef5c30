"""A model over the samples and the simulated museum: what it chooses, whether it is told truly, and what it takes.

Without `--ollama URL --model NAME` the simulated model is asked, which shows what hived itself takes. `--record FILE`
keeps the answers: those in tests/fixtures/answers come from there.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks.report import Result
from hived.clients.ollama.client import OllamaClient
from hived.clients.ollama.parse import Answer, BadAnswer
from hived.records.artifact import CollectedObject, Description
from hived.services.collecting.describe import plan
from hived.services.collecting.describe.describe import Describer
from hived.simulator.ollama.models import MODEL
from hived.simulator.ollama.server import SimulatedOllama
from hived.store import create
from hived.store.collecting import artifacts
from tests.samples import samples
from tests.services.collecting.museum import open_museum
from tests.told import untold

NAME = "describe"
KINDS = ("met", "artic", "cleveland", "rijksmuseum", "commons", "web")
OBJECTS = 14
TIMEOUT_S = 300.0


class Listening(OllamaClient):
    """Keeps each answer as the model gave it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers: list[str] = []

    async def describe(self, system: str, user: str, schema: Any) -> Answer:
        answer = await super().describe(system, user, schema)
        self.answers.append(answer.text)
        return answer


def run(_seconds: float | None, *, ollama: str | None, model: str, record: Path | None) -> Result:
    """Describe each object once."""
    return asyncio.run(_run(ollama, model, record))


async def _run(ollama: str | None, model: str, record: Path | None) -> Result:
    objects = [one for one in (*samples(), *await simulated()) if plan.facts_of(one)]
    result = Result(NAME, f"{len(objects)} objects with facts, described by {model if ollama else MODEL}")
    async with AsyncExitStack() as stack:
        if ollama is None:
            server = await stack.enter_async_context(SimulatedOllama())
            ollama, model = server.url, MODEL
        client = Listening(ollama, model, timeout_s=TIMEOUT_S)
        stack.push_async_callback(client.close)
        describer = Describer(client)
        told: list[tuple[CollectedObject, str, Description]] = []
        useless: list[str] = []
        for obj in objects:
            try:
                description = await describer.describe(obj)
            except BadAnswer as err:
                useless.append(f"{obj.title}: {err}")
                continue
            told.append((obj, client.answers[-1], description))
    untrue = [f"{obj.title}: {left}" for obj, _, text in told if (left := untold(text, obj))]
    for line in (*useless, *untrue):
        print(line)
    result.add("described", len(told), "", f"of {len(objects)}", wanted="all", good=len(told) == len(objects))
    result.add("true by the rules", len(told) - len(untrue), "", wanted="all described", good=not untrue)
    if told:
        result.add("seconds each", statistics.median(text.seconds for *_, text in told), "s", "median")
        result.add("tokens each", statistics.median(text.tokens or 0 for *_, text in told), "", "median, of the answer")
    if record is not None:
        rows = [{"title": obj.title, "facts": plan.facts_of(obj), "answer": answer} for obj, answer, _ in told]
        document = {"model": model, "prompt_version": told[0][2].prompt_version if told else None, "answers": rows}
        await asyncio.to_thread(record.write_text, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    return result.done()


async def simulated() -> list[CollectedObject]:
    """Return what hive-minerd collects of the simulated museum over each of its APIs and its pages."""
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name:
        url = f"sqlite:///{name}/hived.db"
        create(url)
        async with open_museum(url, objects=OBJECTS) as museum:
            museum.model.models.clear()
            for kind in KINDS:
                await museum.add(kind)
            async with museum.collector() as work:
                await work.round()
            stored = await museum.store.read(artifacts.newest, limit=1000)
    facts: list[dict[str, Any]] = [
        one.facts | {name: tuple(one.facts.get(name, ())) for name in ("makers", "tags")} for one in reversed(stored)
    ]
    return [
        CollectedObject(one.provider, one.object_id, one.url, one.title, one.licence, **known)
        for one, known in zip(reversed(stored), facts, strict=True)
    ]
