"""Archives that somebody made to harm: taken as they were written or refused whole, and nothing lies beside."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from hived.errors import HivedError
from hived.services.appliance.backup import DATABASE, MANIFEST
from hived.store import integrity
from hived.store.engine.node_id import NAME as NODE_ID
from tests.mutated import LONG, Mutator, count
from tests.services.appliance.test_backup import Box, box, repacked

__all__ = ["box"]

CASES = count(12, 500)
KINDS = {
    "symbolic link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE, "folder": tarfile.DIRTYPE,
    "character device": tarfile.CHRTYPE, "block device": tarfile.BLKTYPE, "sparse file": tarfile.GNUTYPE_SPARSE,
}  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """Return what lies in a folder, without the lock that a restore takes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith((".lock", ".daemons"))}


@pytest.fixture
def good(box: Box, tmp_path: Path) -> bytes:
    box.save(tmp_path / "backup.tar")
    return (tmp_path / "backup.tar").read_bytes()


@pytest.mark.parametrize("name", [MANIFEST, DATABASE, NODE_ID])
@pytest.mark.parametrize("kind", KINDS)
def test_a_member_that_is_no_file_is_refused(box: Box, good: bytes, tmp_path: Path, kind: str, name: str) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(good)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old.getmembers():
            body = old.extractfile(member)
            if member.name == name:
                member.type, member.linkname, member.size, body = KINDS[kind], "/etc/passwd", 0, None
            new.addfile(member, body)
    before, around = contents(box.folder), set(tmp_path.iterdir())
    with pytest.raises(HivedError):
        box.restore(out.getvalue())
    assert (contents(box.folder), set(tmp_path.iterdir())) == (before, around)


@pytest.mark.parametrize(
    "name", ["/etc/hived.db", "../hived.db", "sub/hived.db", "./hived.db", "hived.db\0x", "HIVED.DB", ""]
)
def test_a_name_that_leads_elsewhere_is_refused(box: Box, good: bytes, tmp_path: Path, name: str) -> None:
    (tmp_path / "backup.tar").write_bytes(good)
    before, around = contents(box.folder), set(tmp_path.iterdir())
    with pytest.raises(HivedError):
        box.restore(repacked(tmp_path / "backup.tar", lambda _, data: data, also={name: b"x"}))
    assert (contents(box.folder), set(tmp_path.iterdir())) == (before, around)


def test_a_member_of_eight_terabytes_is_refused_at_its_head(box: Box, good: bytes) -> None:
    member = tarfile.TarInfo(DATABASE)
    member.size = 8 << 40
    before = contents(box.folder)
    for start in (b"", good[:1536]):
        with pytest.raises(HivedError):
            box.restore(start + member.tobuf(tarfile.GNU_FORMAT) + b"x" * 4096)
    assert contents(box.folder) == before


@pytest.mark.timeout(1800 if LONG else 120)
def test_a_mutated_archive_is_refused_whole_or_was_whole(box: Box, good: bytes) -> None:
    before, refused = contents(box.folder), 0
    for number in range(CASES):
        one = Mutator(f"backup {number}")
        # Most of it is the database: half of the cases hit what is around it.
        at = one.random.choice((0, max(0, good.index(b"SQLite format 3") - 1024), one.random.randrange(len(good))))
        made = good[:at] + one.bytes(good[at : at + 1536]) + good[at + 1536 :]
        with suppress(HivedError):
            box.restore(made)
            assert integrity(box.url) == "ok", number
            assert (box.folder / NODE_ID).read_bytes() == before[NODE_ID], number
            before = contents(box.folder)
            continue
        refused += 1
        assert contents(box.folder) == before, number
    print(f"{CASES} archives: {refused} refused")
    assert refused > CASES / 2
