"""What Slurm prints, as its manual pages and a real cluster show it."""

import math
import os
import stat
import time

import pytest

from nas_hpc.cluster import jobs
from nas_hpc.cluster.jobs import NoAnswer
from nas_hpc.cluster.poller import Poller


@pytest.fixture
def says(tmp_path, monkeypatch):
    """Let a command of this name print a text, or fail with it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def install(name: str, text: str, code: int = 0) -> None:
        program, answer = tmp_path / name, tmp_path / f"{name}.txt"
        answer.write_text(text)
        stream = "" if code == 0 else " >&2"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {answer}{stream}\nexit {code}\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    return install


SQUEUE = """\
7|RUNNING|1795000000|1795003600|None|nas-a
9_0|RUNNING|1795000000|1795003600|None|nas-b
9_1|PENDING|N/A|N/A|Resources|nas-b
9_2|TIMEOUT|1795000000|1795000060|TimeLimit|nas|b
"""


def test_squeue_lists_each_task_of_an_array(says):
    says("squeue", SQUEUE)
    before = time.time()
    snapshot = jobs.squeue()
    assert before <= snapshot.asked <= time.time()
    assert snapshot.complete
    assert set(snapshot.jobs) == {"7", "9_0", "9_1", "9_2"}
    assert snapshot.jobs["7"].started == 1795000000.0
    assert snapshot.jobs["9_2"].name == "nas|b"
    assert [snapshot.jobs[n].active for n in ("7", "9_0", "9_1", "9_2")] == [True] * 3 + [False]
    assert [snapshot.jobs[n].waiting for n in ("7", "9_1")] == [False, True]
    assert math.isnan(snapshot.jobs["9_1"].started)


def test_sacct_abbreviates_waiting_tasks_and_says_who_cancelled(says):
    says(
        "sacct",
        "12_[0,3-5%2]|PENDING|Unknown|Unknown|main|nas-c\n12_1|CANCELLED by 1000|1|2|main|nas-c\n",
    )
    snapshot = jobs.sacct()
    assert not snapshot.complete
    waiting = {number for number, job in snapshot.jobs.items() if job.waiting}
    assert waiting == {"12_0", "12_3", "12_4", "12_5"}
    assert snapshot.jobs["12_1"].state == "CANCELLED"
    assert not snapshot.jobs["12_1"].active


@pytest.mark.parametrize("state", ["REQUEUED", "REQUEUE_HOLD", "PENDING"])
def test_a_requeued_job_waits(says, state):
    says("squeue", f"3|{state}|N/A|N/A|None|x\n")
    assert jobs.squeue().jobs["3"].waiting


def test_one_command_that_does_not_answer_is_enough_to_ask_the_other(says):
    says("squeue", "slurm_load_jobs error: Unable to contact slurm controller", code=1)
    says("sacct", "5|COMPLETED|1|2|main|x\n")
    assert not jobs.ask().jobs["5"].active
    with pytest.raises(NoAnswer, match="Unable to contact slurm controller"):
        jobs.ask("squeue")


def test_nobody_answers(says):
    says("squeue", "no controller", code=1)
    says("sacct", "Slurm accounting storage is disabled", code=1)
    with pytest.raises(NoAnswer, match=r"no controller; sacct: Slurm accounting .* disabled"):
        jobs.ask()


def test_a_command_that_is_not_there_or_hangs_is_no_answer(tmp_path):
    with pytest.raises(NoAnswer, match="not installed"):
        jobs.run([str(tmp_path / "squeue")])
    with pytest.raises(NoAnswer, match=r"no answer within 0.1 s"):
        jobs.run(["sleep", "60"], seconds=0.1)


def test_the_poller_keeps_what_it_knows_while_slurm_is_silent(caplog):
    asked = []

    def ask(names):
        asked.append(set(names))
        if len(asked) in (2, 3):
            raise NoAnswer("away")
        return jobs.Snapshot(float(len(asked)), {}, True)

    poller = Poller(ask, seconds=0.01)
    poller.watch([])
    assert poller.latest is None and not asked
    poller.watch(["nas-a"])
    deadline = time.monotonic() + 60
    while len(asked) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert asked[0] == {"nas-a"}
    assert poller.latest is not None and poller.latest.asked >= 4.0
    said = [record.message for record in caplog.records]
    assert len([text for text in said if "away" in text]) == 1
    assert "Slurm answers again" in said
