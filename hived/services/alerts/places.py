"""Where people can look: the dashboard of this box, as others on its network reach it."""

from __future__ import annotations

import socket

from hived.runtime.options import Http

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def dashboard(http: Http, hostname: str | None = None) -> str:
    """Return the URL of the dashboard of a master."""
    scheme = "http" if http.tls == "off" else "https"
    host = next(iter(http.names), None) or http.addr.host
    if host in EVERYWHERE:
        host = hostname or socket.gethostname()
    return f"{scheme}://{http.addr._replace(host=host)}"
