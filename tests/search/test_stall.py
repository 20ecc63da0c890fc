"""A search that is stopped, replaced by a new one, and woken again."""

from __future__ import annotations

import subprocess

import psutil
import pytest

from nas_hpc.store import Identity, claim_session, read_search, sessions
from tests.search.processes import gone, ranks_of, wait_until
from tests.search.test_kill import check_equal

pytestmark = pytest.mark.mpi


def dead() -> Identity:
    """A process that has ended."""
    process = subprocess.Popen(["sleep", "60"])
    identity = Identity.of(process.pid)
    process.kill()
    process.wait()
    return identity


def answered(search) -> int:
    return sum(outcome.answers for outcome in read_search(search.run_folder).outcomes)


@pytest.mark.parametrize("woken", ["while the other searches", "after the end"])
def test_a_stalled_writer_that_wakes_up_spoils_nothing(small_search, tmp_path, woken):
    undisturbed = small_search()
    undisturbed.run()
    search = undisturbed.copy_to(tmp_path / "stalled")
    search.change(child={"options": {"seconds": 0.25}})
    search.change(slots={"executor": "local", "count": 2})
    folder = search.run_folder
    first = search.start()
    wait_until(lambda: folder.sessions.exists() and answered(search) >= 3)
    ranks = ranks_of(first.pid)["ranks"]
    for rank in ranks:
        rank.suspend()
    wait_until(lambda: all(rank.status() == psutil.STATUS_STOPPED for rank in ranks))
    # A stopped process lives, so nobody succeeds it unasked: fence it off by hand.
    claim_session(folder, dead(), sessions(folder)[-1].experiment)
    done = answered(search)
    second = search.start()
    wait_until(lambda: answered(search) >= done + 3)
    if woken == "after the end":
        assert second.wait(timeout=120) == 0
    for rank in ranks:
        rank.resume()
    code = first.wait(timeout=60)
    assert gone(ranks)
    assert "superseded by session 3" in (search.folder / "launch.log").read_text()
    if woken == "after the end":
        assert code == 0, "what it was started for is done"
    else:
        assert second.wait(timeout=120) == 0
    assert [session.epoch for session in sessions(folder)] == [1, 2, 3]
    check_equal(search, undisturbed)
