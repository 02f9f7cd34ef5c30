"""What these tests need of the machine, and the packages they install."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hived import __version__

ROOT = Path(__file__).parents[2]
LONG = bool(os.environ.get("LONG"))
NEEDED = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "dpkg-buildpackage": "dpkg-dev",
    "dh": "debhelper",
    "lintian": "lintian",
    "aarch64-linux-gnu-strip": "binutils-aarch64-linux-gnu",
}
NEEDED_IN_LONG = {
    "qemu-aarch64-static": "qemu-user-static",
    "qemu-system-x86_64": "qemu-system-x86",
    "mke2fs": "e2fsprogs",
    "ip": "iproute2",
}
BUILD_S = 1500  # two minutes on an idle machine
OF_THE_BUILD = ("build-essential", "python3-pip", "python3-wheel", "python3-setuptools")  # the last two: of 0.1.0


def missing() -> str | None:
    """Say what keeps these tests from running here, and how to get it; None: nothing does."""
    if os.geteuid() != 0:
        return "appliance tests skipped: they boot Debian systems, which needs root: sudo make test-appliance"
    needed = NEEDED | (NEEDED_IN_LONG if LONG else {})
    lacking = sorted(package for program, package in needed.items() if shutil.which(program) is None)
    if lacking:
        return f"appliance tests skipped: sudo apt install {' '.join([*lacking, *OF_THE_BUILD])}"
    return None


@functools.cache
def has_kvm() -> bool:
    """Tell whether the processor runs a virtual machine itself. /dev/kvm may be there without it, and of no use."""
    able = re.search(r"^flags\s*:.* (vmx|svm)( |$)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return able is not None and os.access("/dev/kvm", os.R_OK | os.W_OK)


def run(*line: str | Path, within_s: float = 300, env: dict[str, str] | None = None) -> str:
    """Run a program of this machine; its output, or an AssertionError with it when it fails."""
    words, env = [str(word) for word in line], os.environ | (env or {})
    ran = subprocess.run(words, capture_output=True, text=True, timeout=within_s, env=env, check=False)
    assert ran.returncode == 0, f"{' '.join(words)}: {ran.returncode}\n{ran.stdout[-4000:]}{ran.stderr[-4000:]}"
    return ran.stdout


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages in one version."""

    version: str
    node: Path
    master: Path
    simulator: Path | None = None
    """None: it is in `node`, as it was in 0.1.0, or of no matter."""

    @property
    def files(self) -> tuple[Path, Path]:
        """Return what makes an appliance."""
        return self.node, self.master

    @property
    def all(self) -> tuple[Path, ...]:
        return self.files if self.simulator is None else (*self.files, self.simulator)


def build(folder: Path, arch: str = "") -> Packages:
    """Build the packages from this tree."""
    run(ROOT / "packaging/build-deb", *([arch] if arch else []), within_s=BUILD_S, env={"DIST": str(folder)})
    return found(folder)


def found(folder: Path, version: str = __version__) -> Packages:
    """Return the packages in a folder."""
    named = ("hived", "hived-master", "hived-simulator")
    debs = [deb for name in named for deb in folder.glob(f"{name}_{version}_*.deb")]
    return Packages(version, *debs)


def has_history(commit: str) -> bool:
    """Tell whether git has a commit here; a shallow clone and an unpacked archive have none."""
    asked = ["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def build_of(commit: str, version: str) -> Packages:
    """Build the packages of a commit as it was, once: they are kept beside the root file systems."""
    folder = caches() / f"hived-{version}-{commit}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=caches()) as name:
            tree = Path(name) / "tree"
            tree.mkdir()
            run("git", "-C", ROOT, "archive", "-o", Path(name) / "tree.tar", commit)
            run("tar", "-xf", Path(name) / "tree.tar", "-C", tree)
            run("git", "-C", tree, "init", "-q")  # the build takes what git does not ignore
            run(tree / "packaging/build-deb", within_s=BUILD_S, env={"DIST": f"{name}/debs"})
            (Path(name) / "debs").rename(folder)
    return found(folder, version)


Edit = Callable[[Path], object]


def another_version(packages: Packages, version: str, folder: Path, edit: Edit = lambda tree: None) -> Packages:
    """Make packages of another version from these; `edit` changes each unpacked tree."""
    return Packages(version, *(_again(deb, packages.version, version, folder, edit) for deb in packages.files))


def _again(deb: Path, old: str, version: str, folder: Path, edit: Edit) -> Path:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        tree = Path(name) / "tree"
        run("dpkg-deb", "-R", deb, tree)
        for script in (tree / "DEBIAN").iterdir():
            if script.name != "md5sums":
                script.write_text(script.read_text().replace(old, version))
        init = tree / "usr/lib/hived/hived/__init__.py"
        if init.exists():
            init.write_text(init.read_text().replace(f'"{old}"', f'"{version}"'))
        edit(tree)
        to = folder / deb.name.replace(old, version)
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, to)
    return to


def with_change(name: str, body: str) -> Edit:
    """Return what adds a schema change to the tree of a package, and tells its scripts that it is the newest."""

    def edit(tree: Path) -> None:
        changes = tree / "usr/lib/hived/hived/store/migrations"
        if changes.exists():
            (changes / f"{name}.py").write_text(f"def up(migrator, db):\n    {body}\n")
        for script in ("preinst", "postinst"):
            path = tree / "DEBIAN" / script
            if path.exists():
                path.write_text(re.sub(r"\b[0-9]{4}_[a-z_]+", name, path.read_text()))

    return edit


def caches() -> Path:
    """Return where the root file systems are kept: a folder that may be removed at any time."""
    folder = Path(os.environ.get("HIVED_APPLIANCES") or "/var/tmp/hived-appliances")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


# What a small Debian server has anyway, and what hived depends on: so that `apt install` needs no network.
PARTS: Sequence[str] = ("systemd", "systemd-sysv", "dbus", "python3", "libstdc++6", "ca-certificates")


def base(release: str) -> Path:
    """Return the tar file of a Debian release as it is before hived comes."""
    return root(release, release, "--variant=minbase", f"--include={','.join(PARTS)}")


def base_with_kernel(release: str) -> Path:
    """Return the same with a kernel: for a virtual machine."""
    parts = [*PARTS, "linux-image-cloud-amd64"]
    return root(f"{release}-vm", release, "--variant=minbase", f"--include={','.join(parts)}")


@functools.cache
def root(name: str, release: str, *options: str) -> Path:
    """Return the tar file of a root file system; made when it is missing."""
    tar = caches() / f"{name}.tar"
    if not tar.exists():
        draft = tar.with_name(f".{name}.{os.getpid()}.tar")
        run("mmdebstrap", "--quiet", *options, '--aptopt=Acquire::Languages "none"', release, draft, within_s=900)
        draft.rename(tar)
    return tar
