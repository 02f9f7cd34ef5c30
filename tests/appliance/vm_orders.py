"""Runs within the virtual machine: does what comes through its port, one order after another."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(path: str) -> None:
    """Answer each line that comes, for ever."""
    with (
        Path(path).open("r+b", buffering=0) as port,
        open(port.fileno(), "rb", closefd=False) as orders,
        open(port.fileno(), "wb", closefd=False) as answers,
    ):
        for order in orders:
            answers.write(json.dumps(_done(json.loads(order))).encode() + b"\n")
            answers.flush()


def _done(order: dict[str, Any]) -> dict[str, Any]:
    if "path" in order:
        path = Path(order["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(base64.b64decode(order["content"]))
            file.flush()
            os.fsync(file.fileno())
        return {}
    try:
        ran = subprocess.run(
            order["line"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=order["within_s"], check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"late": True}
    return {"code": ran.returncode, "out": ran.stdout.decode("utf-8", "replace")}


if __name__ == "__main__":
    main(sys.argv[1])
