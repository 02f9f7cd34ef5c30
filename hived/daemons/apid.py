"""hive-apid: serve the API and the dashboard."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket

from aiohttp import web

from hived.api.app import make_app
from hived.api.door import SHUTDOWN_S, Door
from hived.api.fleet import BEAT_S, FleetView
from hived.errors import BadConfig, HivedError
from hived.runtime.config import Config
from hived.runtime.kinds import Endpoint
from hived.runtime.runner import Beat, Life
from hived.services.presence import PRESENCE_S, Presence
from hived.store import Store

log = logging.getLogger("hive-apid")

CONNECTIONS = 4  # of each kind to a PostgreSQL server: a browser asks for several lists at once, nodes send meanwhile


async def apid(config: Config, life: Life) -> None:
    """Serve until the end is asked for. HivedError when the address cannot be had."""
    if config.http.tls != "off":
        # An operator who asked for TLS must not be served without it.
        raise BadConfig(f"{config.origin.get('http.tls', 'http.tls')}: hive-apid cannot serve TLS yet: set it to off")
    async with Store.open(config.database.url, config.state_dir, connections=CONNECTIONS) as store:
        fleet = FleetView(store, status_seconds=config.intervals.status_seconds)
        await fleet.beat()  # the first list is whole
        app = make_app(
            store, fleet=fleet, node_name=config.node.effective_name, loopback_login=config.http.loopback_login
        )
        runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            where = await listen(runner, config.http.addr)
            warn(config)

            def status() -> str:
                return f"{where}, {len(fleet)} miners"

            presence = Presence(store, "hive-apid", status=status)
            await life.run(
                [
                    Beat("fleet", fleet.beat, every=BEAT_S, limit=30.0, backoff_max=10.0),
                    Beat("presence", presence.beat, every=PRESENCE_S, limit=30.0),
                ],
                status,
            )
        finally:
            await runner.cleanup()


def warn(config: Config) -> None:
    """Say what of the configuration an operator should know to be open."""
    if config.http.loopback_login:
        log.warning("http.loopback_login: browsers on this machine are logged in as admin without a password")
    if not is_loopback(config.http.addr.host):
        log.warning("passwords travel readable over plain HTTP: set http.tls")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def listen(runner: web.AppRunner, where: Endpoint) -> str:
    """Open the door and return its URL. HivedError when the address cannot be had."""
    door = Door(runner, where.host, where.port)
    try:
        await door.start()
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            raise HivedError(f"{where} is in use by another program: stop it or set http.addr") from err
        raise HivedError(f"cannot listen on {where}: {err.strerror or err}") from err
    url = f"http://{Endpoint(shown(where.host), door.port)}"
    log.info("dashboard at %s", url)
    return url


def shown(host: str) -> str:
    """Return a host that a browser can open: for "all addresses" the one that this machine would send from."""
    if host not in ("", "0.0.0.0", "::"):  # noqa: S104  compared, not bound
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a route, sends nothing (RFC 5737: nobody has this address)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
