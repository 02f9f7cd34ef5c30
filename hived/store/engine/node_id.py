"""This node's id: made once, kept in a file of the state folder."""

from __future__ import annotations

import uuid
from pathlib import Path

from hived.errors import HivedError
from hived.store.engine.durable import keep_once

NAME = "node-id"


def node_id(folder: Path, wished: str | None = None) -> str:
    """Return the id of this node, `wished` when it is given; make and keep one the first time.

    HivedError when it cannot be written, or what was kept is empty.
    """
    if wished:
        return wished
    path = folder / NAME
    try:
        if not path.exists():
            keep_once(path, uuid.uuid4().hex + "\n")  # when another daemon was first, its id is ours
        kept = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise HivedError(f"cannot keep the node id in {path}: {getattr(err, 'strerror', None) or 'not text'}") from err
    if not kept:
        raise HivedError(f"the node id in {path} is empty: remove the file, and this node gets a new one")
    return kept
