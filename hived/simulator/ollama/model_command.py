"""hive-sim ollama: run a simulated model server until a signal comes; hive-sim ollama-fault: let it misbehave."""

from __future__ import annotations

import argparse
from typing import Any

from aiohttp import web

from hived.simulator import command, control
from hived.simulator.command import number, parse_address
from hived.simulator.faults import named
from hived.simulator.ollama.faults import ActiveOllamaFault, OllamaFault
from hived.simulator.ollama.models import MODEL
from hived.simulator.ollama.server import SimulatedOllama

LISTEN = "127.0.0.1:11435"  # beside a real one, which has 11434
CONTROL = "127.0.0.1:11436"
MOST = 100_000

_SERVER = web.AppKey("server", SimulatedOllama)
_TYPES = {"times": (int,), "delay": control.NUMBER, "interval": control.NUMBER, "tokens": (int,)}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `ollama` and `ollama-fault` to hive-sim's parser."""
    parser = commands.add_parser("ollama", help="run a simulated model server that speaks Ollama's API")
    parser.add_argument(
        "--listen", type=parse_address, default=LISTEN, metavar="ADDR", help=f"where it listens ({LISTEN})"
    )
    parser.add_argument("--control", type=parse_address, metavar="ADDR", help=f"control API, e.g. {CONTROL}")
    parser.add_argument("--model", default=MODEL, help=f"the model that it has ({MODEL})")
    parser.add_argument("--empty", action="store_true", help="it has no model until one is pulled")
    for name, default, text in (
        ("--tokens-per-second", 100.0, "how fast it writes (100; 0: at once)"),
        ("--load-seconds", 1.0, "how long a model takes to load (1)"),
        ("--pull-seconds", 5.0, "how long a model takes to fetch (5)"),
    ):
        parser.add_argument(name, type=number(0, MOST), default=default, help=text)
    parser.add_argument("--allow-any-address", action="store_true", help="let it listen outside loopback")
    parser.set_defaults(run=run)

    common = command.controlled(CONTROL, "its")
    fault = commands.add_parser("ollama-fault", parents=[common], help="let a running model server misbehave")
    command.add_fault(fault, OllamaFault, "none")
    fault.add_argument("--tokens", type=int, help="hung, truncated, stream_error: after so many tokens")
    fault.add_argument("--delay", type=float, help="slow: seconds before the first token")
    fault.add_argument("--interval", type=float, help="slow: seconds between tokens")
    fault.set_defaults(run=run_fault)


def run(args: argparse.Namespace) -> int:
    """Run the server. Returns 0 after a signal, 1 when it cannot listen, 2 for an address that is not loopback."""
    if why := command.outside(args, (args.listen, args.control)):
        return command.say(2, why)
    server = SimulatedOllama(
        host=args.listen[0],
        port=args.listen[1],
        installed=() if args.empty else (args.model,),
        tokens_per_second=args.tokens_per_second,
        load_s=args.load_seconds,
        pull_s=args.pull_seconds,
    )

    def banner() -> str:
        return f"a model server with {', '.join(server.models) or 'no model'} listens on {server.url}"

    try:
        command.run_until_signal(server, lambda *where: serve_control(server, *where), args.control, banner)
    except OSError as err:
        return command.say(1, f"cannot listen: {err.strerror or err}")
    return 0


# -- control -------------------------------------------------------------------------------------------------------


async def serve_control(server: SimulatedOllama, host: str, port: int) -> web.AppRunner:
    """Start the control API (GET /, POST /fault) and return its runner, to be cleaned up by the caller."""
    app = control.application([web.get("/", _show), web.post("/fault", _set_fault)])
    app[_SERVER] = server
    return await control.serve(app, host, port)


async def _show(request: web.Request) -> web.Response:
    return web.json_response(_state(request.app[_SERVER]))


async def _set_fault(request: web.Request) -> web.Response:
    server = request.app[_SERVER]
    document = await control.body(request)
    name = document.pop("fault", None)
    options = control.options(document, _TYPES)
    if "paths" in options:
        options["paths"] = tuple(options["paths"])
    server.fault = None if name in (None, "none") else ActiveOllamaFault(named(OllamaFault, name), **options)
    return web.json_response(_state(server))


def _state(server: SimulatedOllama) -> dict[str, Any]:
    return {
        "url": server.url,
        "models": server.models,
        "fault": server.fault.fault.value if server.fault else None,
        "requests": server.requests,
        "answered": server.answered,
        "cut_off": server.cut_off,
        "writing": server.writing,
    }


def run_fault(args: argparse.Namespace) -> int:
    """Switch a fault on or off. Returns 0, or 1 when the control API does not answer or says no."""
    body = {"fault": args.fault, **command.given(args, "paths", "times", "tokens", "delay", "interval")}
    document = command.call(args, "a model server's", "POST", "/fault", body)
    if document is None:
        return 1
    print(f"{document['url']}: {document['fault'] or 'no fault'}, {document['requests']} requests")
    return 0
