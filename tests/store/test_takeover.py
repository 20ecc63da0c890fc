"""Sessions: one writer at a time, and stalled ones that wake up at the worst moment."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import nas_hpc.store.writer as writer
from nas_hpc.store import (
    Identity,
    SearchReader,
    Superseded,
    Writer,
    check_current,
    current_session,
    last_segment,
    load_checkpoint,
    read_records,
    read_search,
    save_checkpoint,
    sessions,
)
from nas_hpc.store.lock import Inheritance, fence, lineage
from nas_hpc.store.rows import encode
from nas_hpc.store.segments import write_segment
from tests.store.examples import checkpoint, claim, new_folder, sample


def numbers(folder: object) -> list[int]:
    return [s.number for s in read_search(folder).samples]  # type: ignore[arg-type]


def test_sessions_follow_one_another(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    assert current_session(folder) is None
    first = claim(folder)
    one = Writer(folder, first)
    one.commit([sample(0)])
    one.commit([sample(1)])
    save_checkpoint(folder, first, checkpoint(7))
    second = claim(folder)
    assert (first.epoch, second.epoch) == (1, 2)
    assert second.inherits == Inheritance(parent=1, segments=2, ticket=7)
    assert second.identity == Identity.mine()
    assert second.identity.alive()
    assert second.run == str(tmp_path.resolve())
    assert sessions(folder) == [first, second]
    assert current_session(folder) == second
    check_current(folder, 2)
    with pytest.raises(Superseded, match="session 1 was superseded by session 2"):
        check_current(folder, 1)
    for act in (
        lambda: one.commit([sample(2)]),
        one.merge,
        lambda: Writer(folder, first),
        lambda: save_checkpoint(folder, first, checkpoint(8)),
    ):
        with pytest.raises(Superseded):
            act()
    assert numbers(folder) == [0, 1]
    assert list(tmp_path.rglob(".*.tmp")) == []


def test_of_many_at_once_each_epoch_has_one(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    barrier, epochs, losers = threading.Barrier(8), [], []

    def race() -> None:
        barrier.wait()
        try:
            epochs.append(fence(folder, Identity.mine(), "digest").epoch)
        except Superseded as error:
            losers.append(error)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(epochs) == list(range(1, len(epochs) + 1))
    assert len(epochs) + len(losers) == 8
    assert len(list(folder.sessions.iterdir())) == len(epochs)


def test_session_file_is_plain_json(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    claim(folder)
    data = json.loads((folder.sessions / "000001.json").read_text())
    assert data["epoch"] == 1
    assert data["identity"]["pid"] == Identity.mine().pid
    assert data["inherits"] == {"parent": 0, "segments": 0, "ticket": 0}


def test_session_that_ended_while_it_was_claimed_took_over_nothing(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    unfinished = fence(folder, Identity.mine(), "digest")
    assert unfinished.inherits is None
    assert numbers(folder) == [0]
    with pytest.raises(Superseded):
        one.commit([sample(1)])
    third = claim(folder)
    assert third.inherits == Inheritance(parent=1, segments=1, ticket=0)
    Writer(folder, third).commit([sample(1)])
    assert numbers(folder) == [0, 1]
    assert set(lineage(folder).segments) == {1, 3}


def stall(patch: pytest.MonkeyPatch, method: str, name: str, meanwhile: Callable[[], None]) -> None:
    """Let something happen right before a method of `Path` does its work for the first time.

    ``name`` is part of the name that the file has or gets.
    """
    original = getattr(Path, method)

    def stalled(path: Path, *args: Path, **options: object) -> object:
        if name in (args[0] if method == "rename" else path).name:
            patch.setattr(Path, method, original)
            meanwhile()
        return original(path, *args, **options)

    patch.setattr(Path, method, stalled)


@pytest.mark.parametrize("successor_merges", [False, True])
@pytest.mark.parametrize("successor_writes", [0, 1, 5])
def test_stalled_between_check_and_rename_of_a_segment(
    successor_writes: int, successor_merges: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    for i in range(3):
        one.commit([sample(i)])
    following = SearchReader(folder)

    def meanwhile() -> None:
        nonlocal two
        two = Writer(folder, claim(folder))
        for i in range(successor_writes):
            two.commit([sample(10 + i)])
        if successor_merges:
            two.merge()
        # The stalled one's temporary file was cleaned up; let it be the worse case of the two.
        (folder.segments / temporary).touch()

    two = one
    temporary = ""
    original = Path.rename

    def rename(path: Path, target: Path) -> Path:
        nonlocal temporary
        if target.name == "000000004-000000004-000001.h5":
            monkeypatch.setattr(Path, "rename", original)
            temporary, content = path.name, path.read_bytes()
            meanwhile()
            path.write_bytes(content)
        return original(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(Superseded):
        one.commit([sample(666)])
    assert (folder.segments / "000000004-000000004-000001.h5").exists()
    expected = [0, 1, 2, *range(10, 10 + successor_writes)]
    assert numbers(folder) == [s.number for s in following.read().samples] == expected
    two.commit([sample(99)])
    assert numbers(folder) == [s.number for s in following.read().samples] == [*expected, 99]
    assert last_segment(folder) == len(expected) + 1
    two.close()
    assert [s.number for s in read_records(folder.search).samples] == [*expected, 99]
    assert len(list(folder.segments.iterdir())) == 1


def test_late_segment_found_while_taking_over_counts_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was renamed after the fence, and before the new session noted what it takes over."""
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    stall(
        monkeypatch,
        "rename",
        "000000001-000000001-000001.h5",
        lambda: fence(folder, Identity.mine(), "digest") and None,
    )
    with pytest.raises(Superseded):
        one.commit([sample(0)])
    two = Writer(folder, claim(folder))
    assert numbers(folder) == [0]
    two.commit([sample(1)])
    assert numbers(folder) == [0, 1]


def test_follower_forgets_a_late_segment_that_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The late segment shows up when the new session has looked but not yet noted."""
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    following = SearchReader(folder)

    def late() -> None:
        # What the stalled writer does when it has checked already.
        late_file = folder.segments / "000000002-000000002-000001.h5"
        write_segment(late_file, encode([sample(666)], 2), first=2, last=2, epoch=1)
        assert [s.number for s in following.read().samples] == [0, 666]

    stall(monkeypatch, "rename", "000002.json", late)
    two = Writer(folder, claim(folder))
    assert [s.number for s in following.read().samples] == numbers(folder) == [0]
    two.commit([sample(1)])
    assert [s.number for s in following.read().samples] == numbers(folder) == [0, 1]


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("rename", "000000001-000000004-000001.h5"),
        ("rename", "search.h5"),
        ("unlink", "000000001-000000001-000001.h5"),
        ("unlink", "000000003-000000003-000001.h5"),
    ],
)
@pytest.mark.parametrize("successor_writes", [0, 4])
@pytest.mark.parametrize("successor_merges", [False, True])
def test_stalled_in_a_merge(
    method: str,
    name: str,
    successor_writes: int,
    successor_merges: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    for i in range(4):
        one.commit([sample(i)])
    two = one

    def meanwhile() -> None:
        nonlocal two
        two = Writer(folder, claim(folder))
        for i in range(successor_writes):
            two.commit([sample(4 + i)])
        if successor_merges:
            two.merge()

    stall(monkeypatch, method, name, meanwhile)
    with contextlib.suppress(Superseded, FileNotFoundError):
        one.merge()
    assert two is not one
    expected = list(range(4 + successor_writes))
    assert numbers(folder) == expected
    three = Writer(folder, claim(folder))
    three.commit([sample(len(expected))])
    three.close()
    assert numbers(folder) == [*expected, len(expected)]
    assert [s.number for s in read_records(folder.search).samples] == numbers(folder)
    assert len(list(folder.segments.iterdir())) == 1


def test_stalled_checkpoint_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder(tmp_path)
    first = claim(folder)
    save_checkpoint(folder, first, checkpoint(1))

    def keep_temporary(path: Path, target: Path) -> Path:
        if target.name != "000000009-000001.h5":
            return original(path, target)
        content = path.read_bytes()
        second = claim(folder)
        save_checkpoint(folder, second, checkpoint(5))
        path.write_bytes(content)
        return original(path, target)

    original = Path.rename
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", keep_temporary)
        with pytest.raises(Superseded):
            save_checkpoint(folder, first, checkpoint(9))
    assert (folder.checkpoints / "000000009-000001.h5").exists()
    latest = load_checkpoint(folder)
    assert latest is not None
    assert latest.ticket == 5
    third = claim(folder)
    assert third.inherits == Inheritance(parent=2, segments=0, ticket=5)
    save_checkpoint(folder, third, checkpoint(6))
    names = sorted(path.name for path in folder.checkpoints.iterdir())
    assert names == ["000000005-000002.h5", "000000006-000003.h5"]


def test_leftovers_of_killed_writers_are_cleaned_up(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    for place in (folder.segments, folder.checkpoints):
        (place / ".000000001-000000001-000001.h5.1a2b3c4d.tmp").write_bytes(b"half")
    claim(folder)
    assert list(folder.segments.iterdir()) == list(folder.checkpoints.iterdir()) == []


def test_merges_of_different_sessions_do_not_delete_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have merged the same range; each then deletes what its own file covers."""
    folder = new_folder(tmp_path)
    one = Writer(folder, claim(folder))
    one.commit([sample(0)])
    one.commit([sample(1)])
    two = one

    def meanwhile() -> None:
        nonlocal two
        two = Writer(folder, claim(folder))
        two.merge()

    stall(monkeypatch, "rename", "000000001-000000002-000001.h5", meanwhile)
    with pytest.raises((Superseded, FileNotFoundError)):
        one.merge()
    assert writer.MERGE_AFTER > 2
    assert numbers(folder) == [0, 1]
    two.close()
    assert numbers(folder) == [0, 1]
