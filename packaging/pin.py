"""pin.py LOCK...: write the SHA-256 of every wheel that pip may choose beside each pin of a lock.

    make pin        (after a version was changed in requirements.lock or packaging/test.lock)

pip alone says which wheels these are, for each Python, processor and age of the C library that hived runs on; the files
of this machine's own configuration (other indexes, folders of wheels) are left out. Nothing is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
CPUS = ("x86_64", "aarch64")
GLIBCS = (17, 26, 27, 28, 31, 34, 36, 39, 41)
"""Minor versions of glibc 2 that wheels ask for. A newer system may choose another wheel than an older one."""
NEWEST = (28, 31, 36, 41)
"""What the oldest, ... the newest system has."""


def entries(lock: str) -> dict[str, str]:
    """Return the pins of a lock by name, each with its hashes, as pip takes them."""
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", "\\\0").splitlines()
    return {line.partition("==")[0]: line.replace("\0", "\n") for line in text}


def platforms(cpu: str, newest: int = GLIBCS[-1]) -> list[str]:
    """Return the tags of wheels for a processor and a C library of this version or older, best first."""
    tags = [f"manylinux_2_{minor}_{cpu}" for minor in reversed(GLIBCS) if minor <= newest]
    return [*tags, f"manylinux2014_{cpu}"]


def wheels_for(python: str, cpu: str, newest: int = GLIBCS[-1]) -> list[str]:
    """Return the options that let pip choose wheels for another system than this one."""
    abi = f"cp{python.replace('.', '')}"
    options = ["--only-binary=:all:", "--no-deps", "--implementation", "cp", "--python-version", python]
    for tag in (abi, "abi3", "none"):
        options += ["--abi", tag]
    for tag in platforms(cpu, newest):
        options += ["--platform", tag]
    return options


def main(locks: list[Path]) -> int:
    """Write the hashes into the locks."""
    for lock in locks:
        text = lock.read_text()
        pins = [entry.partition(" ")[0] for entry in entries(text).values()]
        with ThreadPoolExecutor(4) as pool:
            chosen = pool.map(partial(_chosen, pins), product(PYTHONS, CPUS, NEWEST))
        hashes: defaultdict[str, set[str]] = defaultdict(set)
        for found in chosen:
            for name, sha256 in found:
                hashes[name].add(sha256)
        notes = [line for line in text.splitlines() if line.startswith("#")]
        made = [_entry(pin, hashes[_normal(pin.partition("==")[0])]) for pin in pins]
        lock.write_text("\n".join((*notes, *made)) + "\n")
    return 0


def _chosen(pins: list[str], system: tuple[str, str, int]) -> list[tuple[str, str]]:
    """Return name and SHA-256 of each wheel that pip would install."""
    cert = os.environ.get("PIP_CERT")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        line = [
            sys.executable, "-m", "pip", "--isolated", "--quiet", "--disable-pip-version-check",
            *(("--cert", cert) if cert else ()), "install", "--dry-run", "--ignore-installed", "--report", str(report),
            "--target", folder, *wheels_for(*system), *pins,
        ]  # fmt: skip
        subprocess.run(line, check=True)
        installs = json.loads(report.read_text())["install"]
    return [
        (_normal(one["metadata"]["name"]), one["download_info"]["archive_info"]["hashes"]["sha256"]) for one in installs
    ]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _entry(pin: str, hashes: set[str]) -> str:
    return " \\\n".join((pin, *(f"    --hash=sha256:{one}" for one in sorted(hashes))))


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
