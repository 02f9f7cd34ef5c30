"""The client against the simulated server: what it asks, how long it waits, and that cancelling it stops the model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest

from hived.clients.ollama.client import Deadlines, OllamaClient
from hived.clients.ollama.parse import BadAnswer, ModelMissing, PullProgress
from hived.errors import Refused, Transient, Unreadable
from hived.simulator.ollama import writer
from hived.simulator.ollama.faults import ActiveOllamaFault, OllamaFault
from hived.simulator.ollama.models import MODEL, entry
from hived.simulator.ollama.server import SimulatedOllama
from tests.clock import FakeClock
from tests.waiting import until

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}, "summary": {"type": "string"}}}
USER = '{"title": "Quail and Millet", "makers": ["Kiyohara Yukinobu"]}'
SHORT = Deadlines(connect_s=1.0, question_s=0.3, load_s=0.3, first_token_s=0.3, silence_s=0.15, pull_silence_s=0.15)

Connect = Callable[..., OllamaClient]


@pytest.fixture
async def server() -> AsyncIterator[SimulatedOllama]:
    async with SimulatedOllama() as running:
        yield running


@pytest.fixture
async def connect(server: SimulatedOllama) -> AsyncIterator[Connect]:
    """Makes clients of the server that are closed in the end."""
    clients: list[OllamaClient] = []

    def make(
        model: str = MODEL, timeout_s: float = 5.0, deadlines: Deadlines = SHORT, **more: Callable[[], float]
    ) -> OllamaClient:
        clients.append(OllamaClient(server.url, model, timeout_s=timeout_s, deadlines=deadlines, **more))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


def suffer(server: SimulatedOllama, fault: OllamaFault, **options: float) -> None:
    server.fault = ActiveOllamaFault(fault, **options)  # type: ignore[arg-type]  # whole numbers where asked for


async def test_an_answer_comes_with_its_model_digest_tokens_and_seconds(connect: Connect) -> None:
    answer = await connect().describe("system", USER, SCHEMA)
    assert json.loads(answer.text) == dict.fromkeys(SCHEMA["properties"], writer.TEXT)
    assert (answer.model, answer.model_digest) == (MODEL, entry(MODEL)["digest"])
    assert answer.tokens is not None
    assert 10 < answer.tokens < 60
    assert 0 < answer.seconds < 5


async def test_every_setting_is_sent_and_no_picture_ever(server: SimulatedOllama, connect: Connect) -> None:
    await connect().describe("Be brief.", "/etc/passwd", SCHEMA)
    (body,) = server.chats()
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "/etc/passwd"},
    ]
    assert body["options"] == {"temperature": 0, "seed": 7, "num_ctx": 4096, "num_predict": 256}
    assert (body["stream"], body["format"], body["think"], body["model"]) == (True, SCHEMA, False, MODEL)
    assert "images" not in str(server.asked)


async def test_a_model_is_loaded_before_the_first_question_and_again_after_a_pause(
    server: SimulatedOllama, connect: Connect, clock: FakeClock
) -> None:
    client = connect(clock=clock)
    for pause in (0, 10, 10, 500):
        clock.advance(pause)
        await client.describe("s", USER, SCHEMA)
    loads = [asked.body for asked in server.asked if asked.path == "/api/generate"]
    assert len(loads) == 2
    assert loads[0]["options"] == {"num_ctx": 4096}  # another window would load it a second time
    assert [asked.path for asked in server.asked].count("/api/tags") == 1


async def test_the_digest_of_a_model_that_was_pulled_anew_is_seen_in_time(
    server: SimulatedOllama, connect: Connect, clock: FakeClock
) -> None:
    client = connect(clock=clock)
    await client.digest()
    server.models.clear()
    assert await client.digest() == entry(MODEL)["digest"]
    clock.advance(601)
    with pytest.raises(ModelMissing):
        await client.digest()


async def test_a_missing_model_is_told_with_the_line_to_run(connect: Connect) -> None:
    with pytest.raises(ModelMissing, match=r"run `ollama pull llama3\.2:1b`") as caught:
        await connect(model="llama3.2:1b").describe("s", USER, SCHEMA)
    assert caught.value.model == "llama3.2:1b"


async def test_a_model_that_goes_away_is_missed_at_the_next_question(server: SimulatedOllama, connect: Connect) -> None:
    client = connect()
    await client.describe("s", USER, SCHEMA)
    server.models.clear()
    for _ in range(2):
        with pytest.raises(ModelMissing):
            await client.describe("s", USER, SCHEMA)
    assert [asked.path for asked in server.asked][-2:] == ["/api/chat", "/api/tags"]  # no trying in vain


@pytest.mark.parametrize(
    ("fault", "options", "error", "text"),
    [
        (OllamaFault.HUNG, {}, Transient, "the model was not loaded within 0.3 s"),
        (OllamaFault.HUNG, {"tokens": 5}, Transient, "fell silent in the middle"),
        (OllamaFault.SLOW, {"delay": 30.0}, Transient, "said nothing for 0.3 s"),
        (OllamaFault.SLOW, {"delay": 0.0, "interval": 30.0}, Transient, "fell silent in the middle"),
        (OllamaFault.TRUNCATED, {"tokens": 5}, Unreadable, "hung up in the middle"),
        (OllamaFault.NO_END, {}, Unreadable, "ended in the middle"),
        (OllamaFault.GARBAGE, {"tokens": 5}, Unreadable, "not what Ollama answers"),
        (OllamaFault.TOO_LONG, {}, BadAnswer, "longer than allowed"),
        (OllamaFault.THINKS, {}, BadAnswer, "only thinks"),
        (OllamaFault.ERROR_500, {}, Transient, "runner process has terminated"),
        (OllamaFault.QUEUE_FULL, {}, Transient, "too much to do"),
        (OllamaFault.STREAM_ERROR, {"tokens": 5}, Transient, "unexpected EOF"),
        (OllamaFault.MISSING, {}, ModelMissing, "ollama pull"),
    ],
    ids=lambda value: value.value if isinstance(value, OllamaFault) else None,
)
async def test_each_fault_is_told_for_what_it_is_and_leaves_the_client_well(
    server: SimulatedOllama,
    connect: Connect,
    fault: OllamaFault,
    options: dict[str, float],
    error: type[Exception],
    text: str,
) -> None:
    client = connect()
    suffer(server, fault, **options)
    began = time.monotonic()
    with pytest.raises(error, match=text) as caught:
        await client.describe("s", USER, SCHEMA)
    assert type(caught.value) is error
    assert time.monotonic() - began < 2
    server.fault = None
    assert (await client.describe("s", USER, SCHEMA)).text


async def test_the_whole_has_a_deadline_even_when_every_token_is_in_time(
    server: SimulatedOllama, connect: Connect
) -> None:
    suffer(server, OllamaFault.SLOW, delay=0.0, interval=0.05)
    with pytest.raises(Transient, match=r"not done within 0\.3 s"):
        await connect(timeout_s=0.3).describe("s", USER, SCHEMA)
    await until(lambda: not server.writing)


async def test_cancelling_closes_the_stream_and_so_stops_the_model(server: SimulatedOllama, connect: Connect) -> None:
    suffer(server, OllamaFault.HUNG, tokens=3)
    client = connect(deadlines=Deadlines())
    task = asyncio.create_task(client.describe("s", USER, SCHEMA))
    await until(lambda: server.writing == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: server.writing == 0)
    assert server.cut_off == 1


async def test_two_descriptions_take_turns(server: SimulatedOllama, connect: Connect) -> None:
    suffer(server, OllamaFault.SLOW, delay=0.05, interval=0.0)
    client = connect()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, server.writing)
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(client.describe("s", USER, SCHEMA) for _ in range(3)))
    watching.cancel()
    assert most == 1


async def test_a_machine_without_ollama_is_a_state_of_the_world(free_port: int) -> None:
    async with OllamaClient(f"http://127.0.0.1:{free_port}", MODEL) as client:
        with pytest.raises(Transient, match=f"no Ollama answers at http://127.0.0.1:{free_port}: connection refused"):
            await client.describe("s", USER, SCHEMA)
        with pytest.raises(Transient, match="connection refused"):
            await client.pull(lambda _: None)


async def test_nothing_of_the_environment_reaches_the_requests(
    server: SimulatedOllama, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("OLLAMA_API_KEY", "secret-of-the-cloud")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    async with OllamaClient(server.url, MODEL) as client:
        await client.describe("s", USER, SCHEMA)
    assert len(server.asked) == 3
    assert all("authorization" not in asked.headers for asked in server.asked)


async def test_user_and_password_of_the_host_are_sent_and_never_shown(server: SimulatedOllama) -> None:
    async with OllamaClient(server.url.replace("//", "//rig:pass%20word@"), MODEL) as client:
        await client.digest()
        assert "rig" not in client.host
    assert server.asked[0].headers["authorization"] == "Basic cmlnOnBhc3Mgd29yZA=="


async def test_an_empty_host_is_refused_instead_of_taken_from_the_environment() -> None:
    with pytest.raises(Refused, match="empty"):
        OllamaClient("", MODEL)


async def test_a_pull_tells_one_growing_figure_over_all_layers(server: SimulatedOllama, connect: Connect) -> None:
    client, steps = connect(model="gemma3:1b"), list[PullProgress]()
    with pytest.raises(ModelMissing):
        await client.digest()
    await client.pull(steps.append)
    assert steps[0].status == "pulling manifest"
    assert steps[-1].status == "success"
    figures = [step.completed for step in steps]
    assert figures == sorted(figures)
    assert steps[-1].completed == steps[-1].total == entry("gemma3:1b")["size"]
    assert await client.digest() == entry("gemma3:1b")["digest"]
    assert MODEL in await client.installed()
    assert "gemma3:1b" in server.models


async def test_a_pull_of_an_unknown_model_is_refused_though_the_stream_began_well(connect: Connect) -> None:
    with pytest.raises(Refused, match="there is no model made-up:9b"):
        await connect(model="made-up:9b").pull(lambda _: None)
