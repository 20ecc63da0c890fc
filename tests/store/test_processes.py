"""Writers that are killed or stalled at random instants, with a reader beside them throughout."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from nas_hpc.store import RunFolder, load_checkpoint, read_search, sessions
from tests.store.examples import checkpoint, new_folder, sample

REPOSITORY = Path(__file__).parents[2]


class Nursery:
    """A process that forks writers and readers, see `tests.store.writing`."""

    def __init__(self, folder: RunFolder) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.writing", str(folder.root)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, what: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return int(self.until("started")[-1][1])

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the nursery ended"
        return line.split()

    def until(self, word: str) -> list[list[str]]:
        lines = [self.line()]
        while lines[-1][0] != word:
            lines.append(self.line())
        return lines

    def close(self) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.stdout.close()  # type: ignore[union-attr]
        self.process.wait(timeout=30)


@contextlib.contextmanager
def nursery(folder: RunFolder) -> Iterator[Nursery]:
    opened = Nursery(folder)
    try:
        yield opened
    finally:
        opened.close()


def let_it_work(writer: Nursery, rng: random.Random) -> list[list[str]]:
    """Until a random instant: after so many of its words, and then a part of its next step."""
    lines = []
    for _ in range(rng.randrange(8)):
        lines.append(writer.line())
    time.sleep(rng.choice([0, rng.uniform(0, 0.05)]))
    return lines


def said(lines: list[list[str]], word: str) -> int:
    return max((int(line[1]) for line in lines if line[0] == word), default=-1)


def check_all(folder: RunFolder, recorded: int, ticket: int) -> None:
    """Nothing recorded is missing or there twice, and every HDF5 file opens."""
    samples = read_search(folder).samples
    assert len(samples) > recorded
    assert samples == tuple(sample(i) for i in range(len(samples)))
    latest = load_checkpoint(folder)
    assert (latest.ticket if latest else -1) >= ticket
    if latest:
        assert np.array_equal(latest.theta, checkpoint(latest.ticket).theta)
    layouts = {folder.checkpoints: 1, folder.segments: 2, folder.root: 2}
    for path in folder.root.rglob("[!.]*.h5"):
        with h5py.File(path) as file:
            assert file.attrs["schema"] == layouts[path.parent]


def kill_writers(folder: RunFolder, times: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    with nursery(folder) as writers, nursery(folder) as readers:
        readers.start("read")
        recorded = ticket = -1
        for _ in range(times):
            writer = writers.start("write")
            lines = let_it_work(writers, rng)
            os.kill(writer, signal.SIGKILL)
            lines += writers.until("ended")
            assert lines[-1][1] == str(-signal.SIGKILL)
            recorded = max(recorded, said(lines, "recorded"))
            ticket = max(ticket, said(lines, "checkpoint"))
            check_all(folder, recorded, ticket)
        folder.stop.touch()
        lines = readers.until("ended")
        assert lines[-1] == ["ended", "0"]
        assert said(lines, "read") > 0
    assert recorded >= 0
    assert [s.epoch for s in sessions(folder)] == list(range(1, len(sessions(folder)) + 1))
    # What killed writers left unfinished is gone with the next claim, but for the last one's.
    assert len(list(folder.segments.glob(".*.tmp"))) <= 1


def test_killed_writers_lose_nothing_recorded(tmp_path: Path) -> None:
    kill_writers(new_folder(tmp_path / "run"), times=15)


@pytest.mark.long
def test_a_thousand_killed_writers_lose_nothing_recorded(tmp_path: Path) -> None:
    kill_writers(new_folder(tmp_path / "run"), times=1000)


def test_stalled_writers_spoil_nothing(tmp_path: Path) -> None:
    """Each is stopped at a random instant, woken while its successor writes, and gives up."""
    folder = new_folder(tmp_path / "run")
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    recorded: list[int] = []
    tickets: list[int] = []
    with contextlib.ExitStack() as stack:
        nurseries = [stack.enter_context(nursery(folder)) for _ in range(2)]
        stalled = nurseries[0].start("write")
        for turn in range(8):
            old, new = nurseries[turn % 2], nurseries[(turn + 1) % 2]
            lines = old.until("claimed") + let_it_work(old, rng)
            os.kill(stalled, signal.SIGSTOP)
            successor = new.start("write")
            time.sleep(rng.uniform(0, 0.1))
            os.kill(stalled, signal.SIGCONT)
            lines += old.until("ended")
            assert lines[-1] == ["ended", "3"]
            recorded.append(said(lines, "recorded"))
            tickets.append(said(lines, "checkpoint"))
            samples = read_search(folder).samples
            assert samples == tuple(sample(i) for i in range(len(samples)))
            assert len(samples) > max(recorded)
            stalled = successor
        os.kill(stalled, signal.SIGKILL)
        recorded.append(said(new.until("ended"), "recorded"))
    check_all(folder, max(recorded), ticket=max(tickets))
