"""A Debian system in a virtual machine: its own kernel, memory and clock, and a disk that a power cut is felt on.

What its kernel had not written when QEMU is killed is gone, as with a real box. What the disk was told to keep stays.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.appliance import tools, vm_orders
from tests.appliance.machine import ENV, Ran, System, wait

MEMORY_MIB, DISK_GIB = 2048, 4
BOOT_S = 300.0
ORDERS, LOOKS = "orders", "looks"
"""The ports of the machine: one for what it is told to do, one for what a program in it tells all the time."""
_UNIT = f"""\
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -ISB /opt/orders.py /dev/virtio-ports/{ORDERS}
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""
# Nobody logs in, and nothing is fetched.
_NOT_NEEDED = ("serial-getty@ttyS0.service", "getty@tty1.service", "apt-daily.timer", "apt-daily-upgrade.timer")


class Looks:
    """The numbers that a program in the machine tells, and when each was heard, until the power goes."""

    def __init__(self, end: socket.socket) -> None:
        self.heard: list[tuple[float, int]] = []
        self._end = end.dup()
        self._end.settimeout(None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def all_heard(self) -> list[tuple[float, int]]:
        """Return all of them, once the power has gone."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.heard

    def _listen(self) -> None:
        with self._end.makefile("rb") as lines:
            try:
                for line in lines:
                    if line.endswith(b"\n"):
                        self.heard.append((time.monotonic(), int(line)))
            except ConnectionResetError:
                pass
        self._end.close()


class Vm(System):
    """A virtual machine on a disk of its own. Close it."""

    def __init__(self, release: str, folder: Path) -> None:
        self.release = release
        self.folder = folder / f"vm-{uuid.uuid4().hex[:6]}"
        self.folder.mkdir()
        self._host: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._looks: socket.socket | None = None
        self._make_disk()

    # -- power -----------------------------------------------------------------------------------

    def boot(self) -> None:
        ends = {name: self._listen(name) for name in (ORDERS, LOOKS)}
        ports = [
            word for name in ends
            for word in ("-chardev", f"socket,id={name},path={self.folder / name}",
                         "-device", f"virtserialport,chardev={name},name={name}")
        ]  # fmt: skip
        with (self.folder / "qemu.log").open("ab") as log:
            self._host = subprocess.Popen(
                ["qemu-system-x86_64", *_processor(), "-smp", "2", "-m", str(MEMORY_MIB),
                 "-nodefaults", "-display", "none", "-nic", "none", "-rtc", "base=utc",
                 "-kernel", str(self.folder / "vmlinuz"), "-initrd", str(self.folder / "initrd"),
                 "-append", "root=/dev/vda rw console=ttyS0 quiet systemd.log_level=notice panic=-1",
                 "-drive", f"file={self.folder / 'disk'},if=virtio,format=raw,cache=writeback",
                 "-serial", f"file:{self.folder / 'console'}", "-device", "virtio-serial", *ports],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        for name, end in ends.items():
            with end:
                try:
                    one, _ = end.accept()
                except TimeoutError:
                    raise AssertionError(f"QEMU did not start: {(self.folder / 'qemu.log').read_text()}") from None
            one.settimeout(BOOT_S)
            if name == ORDERS:
                self._orders = one
            else:
                self._looks = one
        running = ("systemctl", "is-system-running", "--wait")
        wait(lambda: self.try_(*running, within_s=BOOT_S).out.strip() in ("running", "degraded"),
             "the system has booted", BOOT_S)  # fmt: skip

    def cut_power(self) -> None:
        if self._host is None:
            return
        self._host.kill()  # the disk keeps what its kernel has written, also what it did not ask to be flushed
        self._host.wait(30)
        for end in (self._orders, self._looks):
            if end is not None:
                end.close()
        self._host = self._orders = self._looks = None

    def close(self) -> None:
        self.cut_power()
        shutil.rmtree(self.folder)

    # -- programs --------------------------------------------------------------------------------

    def try_(self, *line: str, within_s: float = 120) -> Ran:
        said = self._order({"line": [*ENV, *line], "within_s": within_s}, within_s + 30)
        assert not said.get("late"), f"not within {within_s:g} s: {' '.join(line)}"
        return Ran(said["code"], said["out"])

    def put(self, path: str, content: bytes) -> None:
        self._order({"path": path, "content": base64.b64encode(content).decode()}, 60)

    def looks(self, path: str) -> Looks:
        """Run a Python program in it, as hived, that tells numbers from now on; once in each boot."""
        assert self._looks is not None, "it is off"
        line = f"exec runuser -u hived -- python3 -ISB {path} >/dev/virtio-ports/{LOOKS}"
        self.run("systemd-run", "--quiet", "--unit=looks", "sh", "-c", line)
        return Looks(self._looks)

    def console(self) -> str:
        """Return what QEMU and its kernel have said."""
        files = (self.folder / "qemu.log", self.folder / "console")
        return "".join(file.read_text("utf-8", "replace") for file in files if file.exists())

    def _order(self, order: dict[str, Any], within_s: float) -> dict[str, Any]:
        assert self._orders is not None, "it is off"
        self._orders.settimeout(within_s)
        answer = b""
        try:
            self._orders.sendall(json.dumps(order).encode() + b"\n")
            while not answer.endswith(b"\n"):
                part = self._orders.recv(65536)
                assert part, "the machine has stopped"
                answer += part
        except (TimeoutError, AssertionError, OSError) as err:
            raise AssertionError(f"no answer: {err!r}\n{self.console()[-4000:]}") from err
        said: dict[str, Any] = json.loads(answer)
        return said

    # -- its parts -------------------------------------------------------------------------------

    def _listen(self, name: str) -> socket.socket:
        path = self.folder / name
        path.unlink(missing_ok=True)
        end = socket.socket(socket.AF_UNIX)
        end.bind(str(path))
        end.listen()
        end.settimeout(30)
        return end

    def _make_disk(self) -> None:
        tree = self.folder / "tree"
        tree.mkdir()
        tools.run("tar", "-xf", tools.base_with_kernel(self.release), "-C", tree)
        for name in ("vmlinuz", "initrd"):
            (found,) = (tree / "boot").glob(f"{name}*-*")
            shutil.copy(found, self.folder / name)
        shutil.copy(vm_orders.__file__, tree / "opt/orders.py")
        units = tree / "etc/systemd/system"
        (units / "orders.service").write_text(_UNIT)
        wanted = units / "multi-user.target.wants"
        wanted.mkdir(exist_ok=True)
        (wanted / "orders.service").symlink_to("../orders.service")
        for unit in _NOT_NEEDED:
            (units / unit).symlink_to("/dev/null")
        (tree / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")
        disk = self.folder / "disk"
        tools.run("truncate", "-s", f"{DISK_GIB}G", disk)
        tools.run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0", "-d", tree, disk)
        shutil.rmtree(tree)


def _processor() -> tuple[str, ...]:
    return ("-accel", "kvm", "-cpu", "host") if tools.has_kvm() else ("-accel", "tcg,thread=multi", "-cpu", "max")


@contextmanager
def vm(release: str, folder: Path) -> Iterator[Vm]:
    """A virtual machine that is off; it is gone at the end of the block."""
    made = Vm(release, folder)
    try:
        yield made
    finally:
        made.close()
