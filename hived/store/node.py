"""This node's id: made once, kept in a file of the state folder."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from hived.errors import HivedError

NAME = "node-id"


def node_id(folder: Path, wished: str | None = None) -> str:
    """Return the id of this node, `wished` when it is given; make and keep one the first time.

    The file is written whole or not at all, so that two daemons that start together agree. HivedError when it cannot
    be written.
    """
    if wished:
        return wished
    path = folder / NAME
    try:
        if not path.exists():
            draft = path.with_name(f".{NAME}.{uuid.uuid4().hex}")
            draft.write_text(uuid.uuid4().hex + "\n", "ascii")
            draft.chmod(0o600)
            if os.geteuid() == 0:  # the daemons do not run as root: the id belongs to whom the folder does
                owner = folder.stat()
                os.chown(draft, owner.st_uid, owner.st_gid)
            try:
                os.link(draft, path)  # fails when another daemon was first: then its id is ours
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text("ascii").strip()
    except OSError as err:
        raise HivedError(f"cannot keep the node id in {path}: {err.strerror}") from err
