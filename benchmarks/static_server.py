"""Serve one file as it is, with the same web framework: the floor of the list of miners.

Usage: python -m benchmarks.static_server FILE PORT
"""

from __future__ import annotations

import sys
from pathlib import Path

from aiohttp import web


def main() -> None:
    body, port = Path(sys.argv[1]).read_bytes(), int(sys.argv[2])

    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/api/miners", serve)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    main()
