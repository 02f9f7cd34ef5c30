"""hive-sim ollama: run a simulated model server until a signal comes; hive-sim ollama-fault: let it misbehave."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

from aiohttp import web

from hived.simulator.miners.steering import parse_address
from hived.simulator.ollama.faults import ActiveOllamaFault, OllamaFault, parse_fault, parse_options
from hived.simulator.ollama.models import MODEL
from hived.simulator.ollama.server import SimulatedOllama

LISTEN = "127.0.0.1:11435"  # beside a real one, which has 11434
CONTROL = "127.0.0.1:11436"
TIMEOUT_S = 10.0

_SERVER = web.AppKey("server", SimulatedOllama)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `ollama` and `ollama-fault` to hive-sim's parser."""
    parser = commands.add_parser("ollama", help="run a simulated model server that speaks Ollama's API")
    parser.add_argument(
        "--listen", type=parse_address, default=LISTEN, metavar="ADDR", help=f"where it listens ({LISTEN})"
    )
    parser.add_argument("--control", type=parse_address, metavar="ADDR", help=f"control API, e.g. {CONTROL}")
    parser.add_argument("--model", default=MODEL, help=f"the model that it has ({MODEL})")
    parser.add_argument("--empty", action="store_true", help="it has no model until one is pulled")
    parser.add_argument("--tokens-per-second", type=_number, default=100.0, help="how fast it writes (100; 0: at once)")
    parser.add_argument("--load-seconds", type=_number, default=1.0, help="how long a model takes to load (1)")
    parser.add_argument("--pull-seconds", type=_number, default=5.0, help="how long a model takes to fetch (5)")
    parser.add_argument("--allow-any-address", action="store_true", help="let it listen outside loopback")
    parser.set_defaults(run=run)

    fault = commands.add_parser("ollama-fault", help="let a running model server misbehave")
    fault.add_argument("fault", choices=["none", *(one.value for one in OllamaFault)], metavar="FAULT", help=_names())
    fault.add_argument(
        "--control", type=parse_address, default=CONTROL, metavar="ADDR", help=f"its control API ({CONTROL})"
    )
    fault.add_argument("--path", action="append", default=[], help="only this path (* matches anything); repeatable")
    fault.add_argument("--times", type=int, help="only so many requests")
    fault.add_argument("--tokens", type=int, help="hung, truncated, stream_error: after so many tokens")
    fault.add_argument("--delay", type=float, help="slow: seconds before the first token")
    fault.add_argument("--interval", type=float, help="slow: seconds between tokens")
    fault.set_defaults(run=run_fault)


def _names() -> str:
    return ", ".join(["none", *(one.value for one in OllamaFault)])


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 100000, got {text!r}")
    return number


def run(args: argparse.Namespace) -> int:
    """Run the server. Returns 0 after a signal, 1 when it cannot listen, 2 for an address that is not loopback."""
    for address in (args.listen, args.control):
        if address and not args.allow_any_address and not _is_loopback(address[0]):
            print(f"hive-sim: {address[0]} is not loopback; --allow-any-address lets it through", file=sys.stderr)
            return 2
    server = SimulatedOllama(
        host=args.listen[0],
        port=args.listen[1],
        installed=() if args.empty else (args.model,),
        tokens_per_second=args.tokens_per_second,
        load_s=args.load_seconds,
        pull_s=args.pull_seconds,
    )
    try:
        asyncio.run(_until_signalled(server, args.control))
    except OSError as err:
        print(f"hive-sim: cannot listen: {err.strerror or err}", file=sys.stderr)
        return 1
    return 0


async def _until_signalled(server: SimulatedOllama, control: tuple[str, int] | None) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with server:
        runner = await serve_control(server, *control) if control else None
        try:
            steered = f", control http://{control[0]}:{control[1]}" if control else ""
            models = ", ".join(server.models) or "no model"
            print(f"hive-sim: a model server with {models} listens on {server.url}{steered}", flush=True)
            await stop.wait()
        finally:
            if runner is not None:
                await runner.cleanup()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# -- control -------------------------------------------------------------------------------------------------------


async def serve_control(server: SimulatedOllama, host: str, port: int) -> web.AppRunner:
    """Start the control API (GET /, POST /fault) and return its runner, to be cleaned up by the caller."""
    app = web.Application(middlewares=[_errors])
    app[_SERVER] = server
    app.add_routes([web.get("/", _show), web.post("/fault", _set_fault)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn what a caller did wrong into {"error": text}, and refuse what a web page may send here."""
    if not _is_loopback(request.host.rsplit(":", 1)[0].strip("[]")) or "Origin" in request.headers:
        return web.json_response({"error": "the control API answers to local names only"}, status=403)
    try:
        return await handler(request)
    except ValueError as err:
        return web.json_response({"error": str(err)}, status=400)


async def _show(request: web.Request) -> web.Response:
    return web.json_response(_state(request.app[_SERVER]))


async def _set_fault(request: web.Request) -> web.Response:
    server = request.app[_SERVER]
    document = await request.json()
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    name = document.pop("fault", None)
    options: dict[str, Any] = parse_options(document)
    server.fault = None if name in (None, "none") else ActiveOllamaFault(parse_fault(name), **options)
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
    names = ("times", "tokens", "delay", "interval")
    body: dict[str, Any] = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.path:
        body["paths"] = args.path
    host, port = args.control
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", "/fault", json.dumps({"fault": args.fault, **body}))
        reply = connection.getresponse()
        document = json.loads(reply.read())
    except (OSError, HTTPException, ValueError) as err:
        print(f"hive-sim: no answer from a model server's control API at {host}:{port}: {err}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    if reply.status != 200:
        print(f"hive-sim: {document.get('error', reply.status)}", file=sys.stderr)
        return 1
    print(f"{document['url']}: {document['fault'] or 'no fault'}, {document['requests']} requests")
    return 0
