"""Locks are between processes, so each neighbour here is one."""

import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from nas_hpc.cluster.neighbours import Neighbours

NEIGHBOUR = """
import sys
from pathlib import Path
from nas_hpc.cluster.neighbours import Neighbours

neighbours = Neighbours(Path(sys.argv[1]))
for line in sys.stdin:
    print(getattr(neighbours, line.strip())(), flush=True)
"""


class Neighbour:
    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NEIGHBOUR, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def does(self, what: str) -> bool:
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "True\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def three(tmp_path):
    neighbours = [Neighbour(tmp_path / "neighbours.lock") for _ in range(3)]
    yield neighbours
    for each in neighbours:
        each.end()


def test_side_by_side(three):
    assert all(each.does("join") for each in three)


def test_one_alone(three):
    one, two, three = three
    assert one.does("be_alone")
    assert not two.does("join") and not three.does("be_alone")
    one.does("leave")
    assert two.does("join") and three.does("join")


def test_nobody_begins_while_one_waits_to_be_alone(three):
    one, two, three = three
    assert one.does("join")
    assert not two.does("be_alone")
    assert not three.does("join")
    one.does("leave")
    assert not one.does("join")
    assert two.does("be_alone")


def test_two_that_want_to_be_alone_have_their_turns(three):
    one, two, three = three
    assert one.does("join")
    assert not two.does("be_alone") and not three.does("be_alone")
    one.does("leave")
    assert not three.does("be_alone") and two.does("be_alone")
    two.does("leave")
    assert three.does("be_alone")


def test_one_that_ends_holds_nothing(three):
    one, two, _ = three
    assert one.does("be_alone")
    one.end()
    assert two.does("join")


def test_without_locks_nobody_waits(tmp_path, monkeypatch, caplog):
    """As on a file system that is mounted without them."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    neighbours = Neighbours(tmp_path / "neighbours.lock")
    assert neighbours.join()
    neighbours.leave()
    assert neighbours.be_alone()
    assert caplog.text.count("No locks available") == 1
