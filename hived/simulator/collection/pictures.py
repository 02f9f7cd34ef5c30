"""Pictures of the simulated museum's objects: a silhouette as PNG, the same for the same work."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

from aiohttp import web

from hived.simulator.collection.answers import conditional, object_tag
from hived.simulator.collection.objects import Catalogue, Work

WIDTH, HEIGHT = 240, 300

# Half widths of a silhouette from top to bottom as (share of the height, share of the width), joined by lines.
SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "bowl": ((0.38, 0.38), (0.42, 0.37), (0.6, 0.26), (0.68, 0.12), (0.7, 0.14), (0.74, 0.15)),
    "jar": ((0.14, 0.14), (0.18, 0.13), (0.26, 0.14), (0.42, 0.33), (0.58, 0.32), (0.8, 0.17), (0.86, 0.19)),
    "dish": ((0.3, 0.05), (0.34, 0.2), (0.42, 0.33), (0.5, 0.37), (0.58, 0.33), (0.66, 0.2), (0.7, 0.05)),
    "ewer": ((0.1, 0.1), (0.15, 0.06), (0.34, 0.06), (0.46, 0.22), (0.62, 0.25), (0.8, 0.13), (0.86, 0.17)),
    "tile": ((0.24, 0.32), (0.76, 0.32)),
    "candlestick": ((0.1, 0.09), (0.16, 0.05), (0.36, 0.05), (0.4, 0.11), (0.46, 0.05), (0.72, 0.07), (0.86, 0.28)),
    "coin": ((0.32, 0.04), (0.35, 0.13), (0.42, 0.2), (0.5, 0.225), (0.58, 0.2), (0.65, 0.13), (0.68, 0.04)),
    "tankard": ((0.26, 0.2), (0.3, 0.19), (0.72, 0.22), (0.78, 0.25)),
    "figure": (
        (0.1, 0.04),
        (0.16, 0.08),
        (0.22, 0.04),
        (0.26, 0.17),
        (0.5, 0.1),
        (0.7, 0.14),
        (0.84, 0.16),
        (0.9, 0.22),
    ),
    "head": ((0.2, 0.1), (0.3, 0.2), (0.46, 0.21), (0.6, 0.14), (0.68, 0.09), (0.76, 0.11), (0.84, 0.26)),
    "textile": ((0.22, 0.4), (0.78, 0.4)),
    "robe": ((0.16, 0.1), (0.2, 0.42), (0.44, 0.42), (0.45, 0.2), (0.88, 0.24)),
    "scroll": ((0.06, 0.2), (0.08, 0.16), (0.92, 0.16), (0.94, 0.2)),
    "picture": ((0.16, 0.36), (0.84, 0.36)),
    "chair": ((0.12, 0.2), (0.5, 0.18), (0.52, 0.28), (0.58, 0.28), (0.6, 0.24), (0.9, 0.24)),
    "casket": ((0.36, 0.2), (0.46, 0.36), (0.72, 0.36), (0.76, 0.38)),
    "lute": ((0.06, 0.05), (0.46, 0.04), (0.56, 0.14), (0.72, 0.24), (0.84, 0.2), (0.9, 0.06)),
    "flute": ((0.06, 0.025), (0.94, 0.03)),
}

# Ground, object, band, shadow.
PALETTES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((226, 219, 206), (120, 72, 48), (196, 148, 92), (203, 194, 178)),
    ((214, 220, 222), (48, 78, 104), (232, 236, 232), (192, 199, 202)),
    ((234, 228, 216), (86, 112, 88), (168, 186, 150), (212, 205, 190)),
    ((38, 38, 42), (190, 156, 84), (120, 92, 44), (26, 26, 30)),
    ((220, 212, 214), (122, 42, 46), (208, 168, 96), (199, 190, 193)),
    ((206, 206, 200), (70, 66, 62), (128, 122, 112), (186, 186, 180)),
)


def half_width(shape: str, height: float) -> float:
    """Return how far a silhouette reaches from the middle at a share of the height; 0 above and below it."""
    points = SHAPES[shape]
    for (top, wide), (bottom, next_wide) in pairwise(points):
        if top <= height <= bottom:
            return wide + (next_wide - wide) * (height - top) / (bottom - top)
    return 0.0


def png(work: Work, scale: float = 1.0) -> bytes:
    """Draw a work as a PNG with a palette of four colours."""
    width, height = int(WIDTH * scale), int(HEIGHT * scale)
    middle, rows = width // 2, bytearray()
    band = 12 + work.id % 9
    for y in range(height):
        reach = int(half_width(work.kind.shape, y / height) * width)
        ground = b"\x00" if y < 0.86 * height else b"\x03"
        inside = b"\x02" if reach and (y * 100 // height) % band < 2 else b"\x01"
        rows += b"\x00" + ground * (middle - reach) + inside * (2 * reach) + ground * (width - middle - reach)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = b"".join(bytes(colour) for colour in PALETTES[work.palette])
    chunks = ((b"IHDR", head), (b"PLTE", colours), (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def answer(catalogue: Catalogue, request: web.BaseRequest, size: str, name: str) -> web.Response:
    """Answer a request for a picture; `name` is an id with .png."""
    number, _, form = name.partition(".")
    if not (number.isascii() and number.isdigit()) or len(number) > 12 or form != "png":
        return web.Response(status=404)
    object_id = int(number)
    if not catalogue.has_record(object_id):
        return web.Response(status=404)

    def build() -> web.Response:
        work = catalogue.work(object_id)
        return web.Response(body=png(work, 1.0 if size != "original" else 2.0), content_type="image/png")

    return conditional(
        request, object_tag(catalogue, object_id, f"{size}.{form}"), catalogue.changed_at(object_id), build
    )
