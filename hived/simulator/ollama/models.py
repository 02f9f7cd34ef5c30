"""The models of the simulated model server: what it says of them, and how one is fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

MODEL = "sim-describer:1b"
LIBRARY = (MODEL, "llama3.2:1b", "gemma3:1b", "qwen3:1.7b")
"""What `pull` finds."""
LAYERS = ((1_321_082_688, "weights"), (1_429, "template"), (561, "params"))
PULL_STEPS = 10

DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "sim",
    "families": ["sim"],
    "parameter_size": "1B",
    "quantization_level": "Q4_K_M",
}


def full_name(name: object) -> str | None:
    """Return a name with its tag, None when there is no name."""
    if not isinstance(name, str) or not name:
        return None
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def entry(name: str) -> Json:
    """Return one entry of the list of models."""
    return {
        "name": name,
        "model": name,
        "modified_at": stamp(0),
        "size": sum(size for size, _ in LAYERS),
        "digest": _digest(name),
        "details": DETAILS,
    }


def shown(name: str) -> Json:
    """Return what `show` says."""
    return {
        "license": "",
        "modelfile": f"FROM {name}\n",
        "parameters": "temperature 0",
        "template": "{{ .Prompt }}",
        "details": DETAILS,
        "model_info": {"general.architecture": "sim", "sim.context_length": 131_072},
        "capabilities": ["completion"],
        "modified_at": stamp(0),
    }


def pull_lines(name: str | None) -> Iterator[Json]:
    """Yield the lines of a pull. That there is no such model comes as a line, too."""
    yield {"status": "pulling manifest"}
    if name not in LIBRARY:
        yield {"error": "pull model manifest: file does not exist"}
        return
    for total, layer in LAYERS:
        digest = _digest(f"{name} {layer}")
        status = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": total}
        yield status
        for step in range(1, PULL_STEPS + 1):
            yield {**status, "completed": total * step // PULL_STEPS}
    yield {"status": "verifying sha256 digest"}
    yield {"status": "writing manifest"}
    yield {"status": "success"}


def stamp(at: float) -> str:
    """Return a time as the server writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
