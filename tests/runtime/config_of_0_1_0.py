"""A configuration with every option of hived 0.1.0 set."""

from __future__ import annotations

from pathlib import Path

import yaml

_FILE = Path(__file__).parent.parent / "fixtures" / "config" / "0.1.0.yaml"
ALL = {f"{section}.{key}" for section, options in yaml.safe_load(_FILE.read_text()).items() for key in options}


def written(folder: Path, port: int) -> str:
    """Return its text for a state folder, with hive-apid at a port of 127.0.0.1."""
    return _FILE.read_text().replace("FOLDER", str(folder)).replace("PORT", str(port))
