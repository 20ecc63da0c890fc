"""Files that are wholly there or not at all."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from nas_hpc.store import Writer, create_json, save_checkpoint, write_json, write_outcome
from tests.store.examples import checkpoint, claim, new_folder, outcome, sample


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is made durable and named, in order: (fsync | rename, name)."""
    seen: list[tuple[str, str]] = []
    fsync, rename = os.fsync, Path.rename

    def spying_fsync(descriptor: int) -> None:
        seen.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        fsync(descriptor)

    def spying_rename(path: Path, target: Path) -> Path:
        seen.append(("rename", path.name))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", spying_fsync)
    monkeypatch.setattr(Path, "rename", spying_rename)
    return seen


def test_file_and_folder_are_synced_around_the_rename(
    tmp_path: Path, steps: list[tuple[str, str]]
) -> None:
    folder = new_folder(tmp_path)
    session = claim(folder)
    one = Writer(folder, session)
    for act, place in (
        (lambda: one.commit([sample(0)]), "segments"),
        (lambda: save_checkpoint(folder, session, checkpoint(1)), "checkpoints"),
        (lambda: write_outcome(folder.outcomes / "000000000.h5", outcome(0)), "outcomes"),
        (lambda: write_json(folder.experiment, {}), tmp_path.name),
    ):
        steps.clear()
        act()
        (first, temporary), (second, renamed), last = steps
        assert (first, second) == ("fsync", "rename")
        assert temporary == renamed
        assert temporary.endswith(".tmp")
        assert last == ("fsync", place)


def test_json_is_created_once(tmp_path: Path, steps: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.json"
    create_json(path, {"by": "first"})
    assert [what for what, _ in steps] == ["fsync", "fsync"]
    assert steps[1][1] == tmp_path.name
    with pytest.raises(FileExistsError):
        create_json(path, {"by": "second"})
    assert json.loads(path.read_text()) == {"by": "first"}
    write_json(path, {"by": "third"})
    assert json.loads(path.read_text()) == {"by": "third"}
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_creators_one_wins_and_its_file_is_whole(tmp_path: Path) -> None:
    path, barrier, winners = tmp_path / "a.json", threading.Barrier(8), []

    def create(number: int) -> None:
        barrier.wait()
        try:
            create_json(path, {"by": number})
        except FileExistsError:
            return
        winners.append(number)

    threads = [threading.Thread(target=create, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    assert json.loads(path.read_text()) == {"by": winners[0]}
    assert list(tmp_path.iterdir()) == [path]


def test_data_that_is_not_json_leaves_nothing(tmp_path: Path) -> None:
    for write in (write_json, create_json):
        with pytest.raises(TypeError):
            write(tmp_path / "a.json", {"a": object()})
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_enter_a_run_folder(tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "run")
    for place in (folder.root, folder.segments, folder.sessions, folder.outcomes.parent):
        assert place.stat().st_mode & 0o777 == 0o700
