"""Committing, merging and reading in one process."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nas_hpc.store.durable as durable
import nas_hpc.store.reader as reader
import nas_hpc.store.writer as writer
from nas_hpc.store import (
    DamagedFile,
    SearchLog,
    SearchReader,
    Writer,
    last_segment,
    read_records,
    read_search,
)
from tests.store.examples import claim, event, new_folder, outcome, sample, update


def test_nothing_is_recorded_before_the_first_commit(tmp_path: Path) -> None:
    assert read_search(new_folder(tmp_path / "a")) == SearchLog()
    folder = new_folder(tmp_path / "b")
    one = Writer(folder, claim(folder))
    one.commit([])
    assert read_search(folder) == SearchLog()
    assert last_segment(folder) == 0
    one.close()
    assert not folder.search.exists()


@settings(deadline=None, max_examples=8)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=20),
    merge_after=st.integers(1, 7),
    sessions=st.sets(st.integers(1, 19), max_size=3),
)
def test_reading_gives_what_was_committed(
    sizes: list[int],
    merge_after: int,
    sessions: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = new_folder(tmp_path_factory.mktemp("run"))
    following = SearchReader(folder)
    expected = SearchLog()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "MERGE_AFTER", merge_after)
        one = Writer(folder, claim(folder))
        number = 0
        for commits, size in enumerate(sizes):
            if commits in sessions:
                one = Writer(folder, claim(folder))
            samples = [sample(number + i) for i in range(size)]
            others = [outcome(number), update(number), event(number)][: number % 4]
            one.commit([*others, *samples])
            number += size
            expected = SearchLog(
                (*expected.samples, *samples),
                (*expected.outcomes, *others[:1]),
                (*expected.updates, *others[1:2]),
                (*expected.events, *others[2:]),
            )
            assert read_search(folder) == expected
            assert number % 3 or following.read() == expected
            assert last_segment(folder) == commits + 1
        one.close()
    assert following.read() == read_search(folder) == expected
    assert read_records(folder.search) == expected
    assert len(list(folder.segments.iterdir())) == 1


def test_merged_file_tells_what_it_covers(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    claim(folder)
    one = Writer(folder, claim(folder))
    for i in range(writer.MERGE_AFTER):
        one.commit([event(i)])
    with h5py.File(folder.search) as file:
        covers = [file.attrs[name] for name in ("first_segment", "last_segment", "epoch")]
        assert covers == [1, writer.MERGE_AFTER, 2]
        assert list(file["events/table"]["segment"]) == list(range(1, writer.MERGE_AFTER + 1))
    assert len(list(folder.segments.iterdir())) == 1


def test_readers_do_not_block_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MERGE_AFTER", 3)
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    opened = []
    for i in range(10):
        one.commit([sample(i)])
        opened += [h5py.File(path) for path in folder.segments.glob("*.h5")]
        opened += [h5py.File(folder.search)] if folder.search.exists() else []
    one.close()
    assert [s.number for s in read_search(folder).samples] == list(range(10))
    for file in opened:
        assert len(file["samples/table"]) >= 1  # deleted since, whole for whom has it open
        file.close()


def test_following_reads_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    opened: list[str] = []
    original = reader.read_segment

    def spy(path: Path) -> object:
        opened.append(path.name)
        return original(path)

    monkeypatch.setattr(reader, "read_segment", spy)
    following = SearchReader(folder)
    for i in range(5):
        one.commit([sample(i)])
        assert len(following.read().samples) == i + 1
        assert following.read() == following.read()
    assert len(opened) == 5
    one.merge()
    assert len(following.read().samples) == 5
    assert len(opened) == 5


def test_listing_that_was_outrun_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the folder is listed, the rest is written, all of it is merged, and files deleted."""
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    following = SearchReader(folder)
    for i in range(3):
        one.commit([sample(i)])
    following.read()
    outrun = reader.listed(folder)
    for i in range(3, 6):
        one.commit([sample(i)])
    one.merge()
    original = reader.listed
    for read in (lambda: read_search(folder), following.read):
        for stale in (outrun, outrun[:1], outrun[1:], []):
            listings = [stale]
            monkeypatch.setattr(
                reader, "listed", lambda of, once=listings: once.pop() if once else original(of)
            )
            assert [s.number for s in read().samples] == list(range(6))
            assert listings == []


def test_lost_segment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PATIENCE", 0.1)
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    for i in range(4):
        one.commit([sample(i)])
    (folder.segments / "000000002-000000002-000001.h5").unlink()
    with pytest.raises(DamagedFile, match="missing before segment 3"):
        read_search(folder)
    shutil.rmtree(folder.segments)
    folder.segments.mkdir()
    one.folder.sessions.joinpath("000001.json").unlink()
    assert read_search(folder) == SearchLog()


def test_lost_segments_that_were_taken_over_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PATIENCE", 0.1)
    folder = new_folder(tmp_path)
    Writer(folder, claim(folder)).commit([sample(0)])
    claim(folder)
    (folder.segments / "000000001-000000001-000001.h5").unlink()
    with pytest.raises(DamagedFile, match="missing after segment 0"):
        read_search(folder)


def test_damaged_segment_is_named_and_not_merged_away(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    one.commit([sample(1)])
    path = folder.segments / "000000001-000000001-000001.h5"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DamagedFile, match=path.name):
        read_search(folder)
    with pytest.raises(DamagedFile, match=path.name):
        one.merge()
    assert len(list(folder.segments.iterdir())) == 2


def test_what_reads_back_differently_is_never_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(5)])
    original = Path.write_bytes

    def garbling(path: Path, data: bytes) -> int:
        return original(path, data.replace(sample(6).key.encode(), b"f" * 64))

    monkeypatch.setattr(Path, "write_bytes", garbling)
    with pytest.raises(DamagedFile, match="checksum"):
        one.commit([sample(6)])
    monkeypatch.undo()
    assert read_search(folder).samples == (sample(5),)
    assert len(list(folder.segments.iterdir())) == 1
    one.commit([sample(6)])
    assert read_search(folder).samples == (sample(5), sample(6))


def test_failing_merge_does_not_undo_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "MERGE_AFTER", 2)
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "concatenate", full)
        with caplog.at_level(logging.WARNING):
            one.commit([sample(0)])
            one.commit([sample(1)])
    assert "No space left" in caplog.text
    assert read_search(folder).samples == (sample(0), sample(1))
    one.commit([sample(2)])
    one.commit([sample(3)])
    assert len(read_records(folder.search).samples) == 4


def test_commit_whose_name_was_not_made_durable_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])

    def broken(_: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", broken)
        with pytest.raises(OSError, match="Input/output error"):
            one.commit([sample(1)])
    assert read_search(folder).samples == (sample(0),)
    one.commit([sample(1)])
    assert read_search(folder).samples == (sample(0), sample(1))


@pytest.mark.parametrize("again", [False, True])
def test_commit_interrupted_after_its_rename(
    again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may count or not, but only once; a merge leaves it to whoever decides that."""
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    one.commit([sample(1)])

    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_folder", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.commit([sample(2)])
    if again:
        one.commit([sample(2)])
    one.close()
    assert read_search(folder).samples == (sample(0), sample(1), sample(2))
    assert len(read_records(folder.search).samples) == (3 if again else 2)
    claim(folder)
    assert read_search(folder).samples == (sample(0), sample(1), sample(2))


def test_files_of_newer_epochs_are_never_deleted(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    one.commit([sample(1)])
    newer = folder.segments / "000000001-000000002-000002.h5"
    newer.touch()
    one.merge()
    assert newer in folder.segments.iterdir()


@pytest.mark.parametrize("interrupted_at", ["rename", "unlink"])
def test_interrupted_merge_is_made_good(
    interrupted_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    for i in range(6):
        one.commit([sample(i)])
    original = getattr(Path, interrupted_at)
    calls = 0

    def interrupted(path: Path, *args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3 or (interrupted_at == "rename" and calls == 2):
            raise KeyboardInterrupt
        return original(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, interrupted_at, interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.merge()
    assert [s.number for s in read_search(folder).samples] == list(range(6))
    two = Writer(folder, claim(folder))
    two.commit([sample(6)])
    two.close()
    assert [s.number for s in read_records(folder.search).samples] == list(range(7))
    assert len(list(folder.segments.iterdir())) == 1
