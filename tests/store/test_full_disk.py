"""A disk that is really full: a small file system in memory, mounted for the test."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_hpc.store import (
    RunFolder,
    Writer,
    claim_session,
    load_checkpoint,
    read_search,
    save_checkpoint,
    sessions,
    write_outcome,
    writer,
)
from nas_hpc.store.identity import Identity
from tests.store.examples import checkpoint, claim, new_folder, outcome, sample


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """One megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a full disk is NOT tested here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Take all but so many bytes of the disk's space."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(file.tell() - leave)
    return ballast


def files(folder: RunFolder) -> set[Path]:
    return {path for path in folder.root.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("leave", [0, 4096, 8192, 12288])
def test_commit_is_whole_or_nothing(leave: int, small_disk: Path) -> None:
    folder = new_folder(small_disk / "run")
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    before = files(folder)
    ballast = fill(small_disk, leave)
    number = 1
    with pytest.raises(OSError, match="No space left") as error:
        while True:
            one.commit([sample(number)])
            before = files(folder)
            number += 1
    assert error.value.errno == errno.ENOSPC
    assert files(folder) == before
    assert read_search(folder).samples == tuple(sample(i) for i in range(number))
    ballast.unlink()
    one.commit([sample(number)])
    one.close()
    assert read_search(folder).samples == tuple(sample(i) for i in range(number + 1))


@pytest.mark.parametrize("leave", [0, 4096])
def test_merge_is_whole_or_nothing(
    leave: int, small_disk: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MERGE_AFTER", 12)
    folder = new_folder(small_disk / "run")
    one = Writer(folder, claim(folder))
    for i in range(11):
        one.commit([sample(i)])
    segment = next(iter(files(folder) - set(folder.sessions.iterdir()))).stat().st_blocks * 512
    ballast = fill(small_disk, segment + leave)
    one.commit([sample(11)])
    assert "No space left" in caplog.text
    assert len(list(folder.segments.iterdir())) == 12
    assert read_search(folder).samples == tuple(sample(i) for i in range(12))
    ballast.unlink()
    one.close()
    assert read_search(folder).samples == tuple(sample(i) for i in range(12))


def test_checkpoint_outcome_and_session_are_whole_or_nothing(small_disk: Path) -> None:
    folder = new_folder(small_disk / "run")
    session = claim(folder)
    save_checkpoint(folder, session, checkpoint(1))
    before = files(folder)
    fill(small_disk, leave=0)
    for act in (
        lambda: save_checkpoint(folder, session, checkpoint(2)),
        lambda: write_outcome(folder.outcomes / "000000001.h5", outcome(1)),
        lambda: claim_session(folder, Identity.mine(), "digest"),
    ):
        with pytest.raises(OSError, match="No space left"):
            act()
        assert files(folder) == before
    latest = load_checkpoint(folder)
    assert latest is not None
    assert latest.ticket == 1
    assert sessions(folder) == [session]
