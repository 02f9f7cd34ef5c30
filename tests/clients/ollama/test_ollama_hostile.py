"""Whatever answers at ollama.host, the client raises one of our errors, in bounded time and memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hived.clients.ollama.client import Deadlines, OllamaClient
from hived.clients.ollama.parse import BadAnswer
from hived.errors import HivedError, Refused, Transient, Unreadable
from tests.clients.peer import Act, Peer, cut, flood, hang, reply, reset, running_peer

MODEL = "sim-describer:1b"
TAGS = reply(200, json.dumps({"models": [{"name": MODEL, "model": MODEL, "digest": "d1"}]}).encode())
LOADED = reply(200, b'{"model": "m", "response": "", "done": true, "done_reason": "load"}')
LAST = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
SHORT = Deadlines(connect_s=1, question_s=0.2, load_s=0.2, first_token_s=0.2, silence_s=0.2, pull_silence_s=0.2)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running_peer() as peer:
        peer.answers = {"GET /api/tags": TAGS, "POST /api/generate": LOADED}
        yield peer


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[OllamaClient]:
    async with OllamaClient(f"http://127.0.0.1:{peer.port}", MODEL, timeout_s=2, deadlines=SHORT) as client:
        yield client


def said(*parts: object) -> bytes:
    return reply(200, b"".join(json.dumps(part).encode() + b"\n" for part in parts))


def piece(text: str) -> dict[str, object]:
    return {"model": "m", "message": {"role": "assistant", "content": text}, "done": False}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(200, b""), Unreadable),
        (reply(200, b"<html>hello</html>"), Unreadable),
        (reply(200, b"null\n"), Unreadable),
        (reply(200, b"5\n"), Unreadable),
        (reply(200, b'"text"\n'), Unreadable),
        (reply(200, b"[1]\n"), Unreadable),
        (reply(200, b"[" * 200_000 + b"\n"), Unreadable),
        (reply(200, b'{"message": {"role": "assistant", "content": 5}}\n'), Unreadable),
        (reply(200, b'{"message": null}\n'), Unreadable),
        (reply(200, b'{"done": ' + b"9" * 5000 + b"}\n"), Unreadable),
        (reply(200, b"\xff\xfe\x00\n"), Unreadable),
        (reply(200, b'{"error": {"deep": [1]}}\n'), Transient),
        (said({**LAST, "total_duration": "soon"}), Unreadable),
        (said({**LAST, "done_reason": "unload"}), BadAnswer),
        (said({**LAST, "prompt_eval_count": 4090, "eval_count": 6}), BadAnswer),
        (said(*[piece("a" * 1000)] * 17), BadAnswer),
        (reply(301, b"", Location="http://127.0.0.1:1/api/chat"), Refused),
        (reply(307, b"", Location="http://127.0.0.1:1/api/chat"), Refused),
        (reply(401, b'{"error": "unauthorized"}'), Refused),
        (reply(404, b"404 page not found"), Refused),
        (reply(500, b"[]"), Unreadable),
        (reply(500, b"<html>"), Transient),
        (reply(502, b'{"error": "\x1b[2J\\u001b[31m"}'), Transient),
        (reply(200, gzip.compress(b"a" * 100_000_000), Content_Encoding="gzip"), Unreadable),
        (cut(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), Unreadable),
        (cut(b"SSH-2.0-OpenSSH_9.9\r\n"), Unreadable),
        (reset(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Transient),
        (hang, Transient),
    ],
)
async def test_a_strange_answer_is_one_of_our_errors(
    peer: Peer, client: OllamaClient, answer: bytes | Act, error: type[HivedError]
) -> None:
    peer.answers["POST /api/chat"] = answer
    with pytest.raises(error) as caught:
        await client.describe("s", "u", {})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("call", ["GET /api/tags", "POST /api/generate", "POST /api/chat"])
@pytest.mark.parametrize(
    "block", [b"x" * 65536, (b'{"message":{"role":"assistant","content":""},"pad":"' + b"x" * 900 + b'"}\n') * 60]
)
async def test_an_endless_answer_is_cut_off(peer: Peer, client: OllamaClient, call: str, block: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
    peer.answers[call] = flood(peer, head, block, 100_000_000)
    with pytest.raises((Unreadable, Transient)):
        await client.describe("s", "u", {})
    assert peer.sent < 16_000_000


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["message", "done", "error", "content", "role", "eval_count"]), inner, max_size=3
                )
            ),
            max_leaves=6,
        ),
        max_size=3,
    )
)
async def test_any_lines_of_json_end_in_an_answer_or_one_of_our_errors(
    peer: Peer, client: OllamaClient, lines: list[object]
) -> None:
    peer.answers["POST /api/chat"] = said(*lines)
    try:
        answer = await client.describe("s", "u", {})
    except HivedError:
        return
    assert answer.text is not None


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, b'{"models": null}'),
        reply(200, b'{"models": [5]}'),
        reply(200, b"[]"),
        reply(200, b'{"models": [{"model": 5}]}'),
    ],
)
async def test_a_strange_list_of_models_is_unreadable(peer: Peer, client: OllamaClient, answer: bytes) -> None:
    peer.answers["GET /api/tags"] = answer
    with pytest.raises(Unreadable):
        await client.digest()


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([{"status": "pulling manifest"}], Unreadable),
        ([{"status": "x", "digest": "d", "total": -5, "completed": 10**30}, {"status": "writing"}], Unreadable),
        ([{"status": "x"}, {"error": "write /blobs: no space left on device"}], Refused),
        ([{"status": "x"}, {"error": "dial tcp: lookup registry: no such host"}], Transient),
        ([[]], Unreadable),
    ],
)
async def test_a_pull_that_does_not_end_in_success_is_an_error(
    peer: Peer, client: OllamaClient, lines: list[object], error: type[HivedError]
) -> None:
    peer.answers["POST /api/pull"] = said(*lines)
    with pytest.raises(error):
        await client.pull(lambda step: None)


async def test_a_line_without_an_end_is_cut_off_in_a_pull_too(peer: Peer, client: OllamaClient) -> None:
    peer.answers["POST /api/pull"] = flood(peer, b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536, 100_000_000)
    with pytest.raises(Unreadable, match="too long"):
        await client.pull(lambda _: None)
    assert peer.sent < 16_000_000


async def test_the_figure_of_a_pull_never_goes_back(peer: Peer, client: OllamaClient) -> None:
    lines = [{"status": "x", "digest": "d", "total": 9, "completed": number} for number in (5, 3, -1, 20)]
    peer.answers["POST /api/pull"] = said(*lines, {"status": "success"})
    figures: list[int] = []
    await client.pull(lambda step: figures.append(step.completed))
    assert figures == [5, 5, 5, 9, 9]


async def test_a_pull_with_thousands_of_layers_counts_only_so_many(peer: Peer, client: OllamaClient) -> None:
    lines = [{"status": "x", "digest": f"d{number}", "total": 1, "completed": 1} for number in range(1000)]
    peer.answers["POST /api/pull"] = said(*lines, {"status": "success"})
    totals: list[int] = []
    await client.pull(lambda step: totals.append(step.total))
    assert totals[-1] == 256
