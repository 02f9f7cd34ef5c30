"""lintian of both Debians on the packages: the build itself runs only that of the Debian it is on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.appliance import tools
from tests.appliance.tools import Packages


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_lintian_has_no_error_and_no_warning(release: str, arch: str, packages: Packages, folder: Path) -> None:
    """The figures that it prints are hints: the wheels were linked elsewhere, and their licences lie beside them."""
    checked = packages if arch == "amd64" else tools.build(folder / "lintian-arm64", arch)
    root = folder / f"lintian-{release}-{arch}"
    root.mkdir()
    tar = tools.root(f"lintian-{release}", release, "--variant=minbase", "--include=lintian")
    tools.run("tar", "-xf", tar, "-C", root)
    for file in checked.all:
        shutil.copy(file, root / "tmp" / file.name)
    files = [f"/tmp/{file.name}" for file in checked.all]
    nobody = (
        "chroot",
        "--userspec=65534:65534",
        root,
        "env",
        "-i",
        "PATH=/usr/bin:/bin",
        "HOME=/tmp",
        "LC_ALL=C.UTF-8",
    )
    said = tools.run(*nobody, "lintian", "--fail-on", "none", "-I", "--tag-display-limit", "0", *files).splitlines()
    shutil.rmtree(root)
    hints = {line.split()[2] for line in said if line.startswith("I:")}
    print(f"lintian of {release}, {arch}: {len(said)} lines, {', '.join(sorted(hints))}")
    assert [line for line in said if line.startswith(("E:", "W:"))] == []
    assert not [line for line in said if "unused-override" in line and release == "trixie"]
