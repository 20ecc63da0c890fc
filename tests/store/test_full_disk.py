"""A disk that is really full: a small file system in memory, mounted for the test."""

from __future__ import annotations

import errno
from pathlib import Path
from threading import Thread

import pytest

from nas_hpc.store import (
    DiskFull,
    Room,
    RunFolder,
    Writer,
    check_room,
    claim_session,
    done_without,
    load_checkpoint,
    read_search,
    save_checkpoint,
    sessions,
    write_outcome,
    writer,
)
from nas_hpc.store.identity import Identity
from tests.small_disk import SmallDisk
from tests.store.examples import checkpoint, claim, new_folder, outcome, sample


def files(folder: RunFolder) -> set[Path]:
    return {path for path in folder.root.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("leave", [0, 4096, 8192, 12288])
def test_commit_is_whole_or_nothing(leave: int, small_disk: SmallDisk) -> None:
    folder = new_folder(small_disk.path / "run")
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    before = files(folder)
    small_disk.fill(leave)
    number = 1
    with pytest.raises(OSError, match="No space left") as error:
        while True:
            one.commit([sample(number)])
            before = files(folder)
            number += 1
    assert error.value.errno == errno.ENOSPC
    assert files(folder) == before
    assert read_search(folder).samples == tuple(sample(i) for i in range(number))
    small_disk.free()
    one.commit([sample(number)])
    one.close()
    assert read_search(folder).samples == tuple(sample(i) for i in range(number + 1))


@pytest.mark.parametrize("leave", [0, 4096])
def test_merge_is_whole_or_nothing(
    leave: int,
    small_disk: SmallDisk,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "MERGE_AFTER", 12)
    folder = new_folder(small_disk.path / "run")
    one = Writer(folder, claim(folder))
    for i in range(11):
        one.commit([sample(i)])
    segment = next(iter(files(folder) - set(folder.sessions.iterdir()))).stat().st_blocks * 512
    small_disk.fill(segment + leave)
    one.commit([sample(11)])
    assert "No space left" in caplog.text
    assert len(list(folder.segments.iterdir())) == 12
    assert read_search(folder).samples == tuple(sample(i) for i in range(12))
    small_disk.free()
    one.close()
    assert read_search(folder).samples == tuple(sample(i) for i in range(12))


def test_checkpoint_outcome_and_session_are_whole_or_nothing(small_disk: SmallDisk) -> None:
    folder = new_folder(small_disk.path / "run")
    session = claim(folder)
    save_checkpoint(folder, session, checkpoint(1))
    before = files(folder)
    small_disk.fill()
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


def use_up(disk: SmallDisk, what: str) -> None:
    if what == "bytes":
        disk.fill()
    else:
        disk.fill_inodes()


BOTH = pytest.mark.parametrize("what", ["bytes", "inodes"])


@BOTH
def test_what_there_is_none_of_is_named(what: str, small_disk: SmallDisk) -> None:
    folder = new_folder(small_disk.path / "run")
    check_room(folder.root)
    use_up(small_disk, what)
    missing = "0.0 of 1.0 MB are free" if what == "bytes" else "none of the 300 inodes"
    for act in (
        lambda: check_room(folder.root),
        lambda: write_outcome(folder.outcomes / "000000001.h5", outcome(1)),
        lambda: claim(folder),
    ):
        with pytest.raises(DiskFull, match=f"No space left: {missing}.*{small_disk.path}"):
            act()
    if what == "inodes":
        with pytest.raises(DiskFull, match=f"{missing}.*{small_disk.path}"):
            RunFolder(small_disk.path / "another" / "run").create()


@BOTH
def test_what_does_not_fit_is_done_once_there_is_room(what: str, small_disk: SmallDisk) -> None:
    folder = new_folder(small_disk.path / "run")
    one, said = Writer(folder, claim(folder)), list[str]()
    room = Room(folder.root, said.append)
    room.awaited(one.commit, [sample(0)])
    assert not said and not room.pauses
    use_up(small_disk, what)
    waiting = Thread(target=room.awaited, args=(one.commit, [sample(1)]))
    waiting.start()
    while not said:
        assert waiting.is_alive()
    small_disk.free()
    waiting.join(timeout=60)
    assert read_search(folder).samples == (sample(0), sample(1))
    (line,), (pause,) = said, room.pauses
    assert line.startswith("No space left") and line.endswith("; waiting for room")
    assert " s: No space left" in pause


def test_waiting_ends_when_told_to(small_disk: SmallDisk) -> None:
    folder = new_folder(small_disk.path / "run")
    told = iter([False, False, True])
    room = Room(folder.root, told_to_end=lambda: next(told))
    small_disk.fill()
    with pytest.raises(DiskFull):
        room.awaited(write_outcome, folder.outcomes / "000000001.h5", outcome(1))
    assert next(told, "asked three times") == "asked three times"


def test_other_faults_are_neither_waited_out_nor_done_without(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "000000001.h5"
    with pytest.raises(FileNotFoundError):
        Room(tmp_path).awaited(write_outcome, nowhere, outcome(1))
    with pytest.raises(FileNotFoundError), done_without("an outcome"):
        write_outcome(nowhere, outcome(1))


def test_what_can_be_done_without_is_named(
    small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    small_disk.fill()
    with done_without("an outcome"):
        write_outcome(small_disk.path / "000000001.h5", outcome(1))
    said = capsys.readouterr().err
    assert said.startswith("without an outcome: No space left: ") and str(small_disk.path) in said
