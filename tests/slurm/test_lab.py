"""The throw-away cluster does what a real one does."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.slurm.lab import NODES, Cluster, Refused, until

pytestmark = pytest.mark.slurm

# Long for an idle machine; only a hang takes so long.
PATIENCE = 120.0


@pytest.fixture
def submit(slurm, tmp_path) -> Iterator[Callable[..., str]]:
    """Submits a script that logs into the test's folder; cancels what runs at the test's end."""
    jobs = []

    def sbatch(script: str, *options: str) -> str:
        jobs.append(slurm.sbatch(script, *options, folder=tmp_path))
        return jobs[-1]

    yield sbatch
    if jobs:
        slurm.scancel(*jobs)


def lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def state(slurm: Cluster, job: str) -> str:
    return slurm.squeue("--jobs", job)[0]["STATE"]


def test_four_nodes_take_jobs(slurm):
    slurm.wait_ready()
    assert tuple(sorted(slurm.sinfo())) == NODES
    assert slurm.is_up()


def test_two_jobs_on_a_node_see_different_gpus(submit, tmp_path):
    seen = tmp_path / "seen"
    script = f"echo $CUDA_VISIBLE_DEVICES >> {seen}; sleep 300"
    options = ("--gres=gpu:1", "--nodelist=n1")
    submit(script, *options)
    submit(script, *options)
    until(lambda: len(lines(seen)) == 2, "both jobs", PATIENCE)
    one, other = map(int, lines(seen))
    assert one != other
    assert {one, other} <= set(range(4))


def test_the_accounting_knows_a_finished_job(slurm, submit):
    job = submit("exit 3", "--gres=gpu:2", "--job-name=three")

    def row() -> dict[str, str]:
        return next(iter(slurm.sacct("--jobs", job)), {})

    # It knows nothing at first, and may know the end before the name.
    until(lambda: row().get("JobName") == "three", "sacct", PATIENCE)
    until(lambda: row()["State"] == "FAILED", "its end", PATIENCE)
    assert row()["ExitCode"] == "3:0"
    assert "gres/gpu=2" in row()["AllocTRES"]


def test_a_preempted_job_runs_again(submit, tmp_path):
    seen = tmp_path / "seen"
    script = (
        f"trap 'echo told >> {seen}; exit' TERM; echo start $SLURM_RESTART_COUNT >> {seen}; "
        "while true; do sleep 0.1; done"
    )
    whole = ("--nodelist=n3", "--cpus-per-task=8", "--mem-per-cpu=10")
    submit(script, *whole)
    until(lambda: "start" in lines(seen), "its start", PATIENCE)
    submit(f"echo other >> {seen}", *whole, "--partition=high")
    until(lambda: lines(seen).count("start") == 2, "its second start", PATIENCE)
    assert lines(seen) == ["start", "told", "other", "start", "1"]


def test_a_job_on_a_failed_node_is_requeued_and_the_node_comes_back(slurm, submit, tmp_path):
    seen = tmp_path / "seen"
    script = f"trap '' TERM; echo $SLURM_JOB_NODELIST >> {seen}; setsid sleep 300 & sleep 300"
    job = submit(script, "--nodelist=n4")
    until(lambda: lines(seen) == ["n4"], "its start", PATIENCE)
    node = slurm.nodes["n4"]
    until(lambda: len(sleepers(node)) == 2, "its processes", PATIENCE)
    node.fail()
    assert not node.processes()
    until(lambda: slurm.sinfo()["n4"].startswith("down"), "slurmctld to notice", PATIENCE)
    assert state(slurm, job) == "PENDING"
    until(
        lambda: "NODE_FAIL" in {row["State"] for row in slurm.sacct("--jobs", job, "--duplicates")},
        "the accounting to know",
        PATIENCE,
    )
    node.back()
    until(lambda: lines(seen) == ["n4", "n4"], "its second start", PATIENCE)
    slurm.wait_ready()


def sleepers(node):
    return [process for process in node.processes() if process.name() == "sleep"]


def test_jobs_go_on_without_slurmctld_and_its_commands_end(slurm, submit, tmp_path):
    go, done = tmp_path / "go", tmp_path / "done"
    script = f"touch {tmp_path}/began; while [ ! -e {go} ]; do sleep 0.1; done; touch {done}"
    job = submit(script)
    until((tmp_path / "began").exists, "its start", PATIENCE)
    slurm.slurmctld.pause()
    with pytest.raises(subprocess.TimeoutExpired):
        slurm.run("squeue", seconds=1)
    slurm.slurmctld.resume()
    assert state(slurm, job) == "RUNNING"
    slurm.slurmctld.stop()
    go.touch()
    until(done.exists, "its end", PATIENCE)
    slurm.slurmctld.start()
    until(lambda: state(slurm, job) == "COMPLETED", "slurmctld to learn it", PATIENCE)


def test_a_quota_refuses_one_task_more(submit):
    with pytest.raises(Refused, match="QOSMaxSubmitJobPerUserLimit"):
        submit("true", "--qos=few", "--array=0-8")


# One write per rank, or their lines run into each other.
RANKS = (
    "import os; from mpi4py import MPI; "
    "os.write(1, b'%d/%d\\n' % (MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size))"
)


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("launch", "options", "size"),
    [
        ("{bin}/mpiexec -launcher fork -n 3", ("--ntasks=3", "--nodes=1"), 3),
        ("srun --mpi=pmi2 -n 4 -N 2", ("--ntasks=4", "--nodes=2"), 4),
    ],
)
def test_mpi_ranks_in_a_job(slurm, submit, tmp_path, launch, options, size):
    bin = Path(sys.executable).parent
    script = f'{launch.format(bin=bin)} {sys.executable} -m mpi4py -c "{RANKS}"'
    job = submit(script, *options, "--output=out")
    until(lambda: state(slurm, job) not in ("PENDING", "RUNNING", "COMPLETING"), "it", PATIENCE)
    assert state(slurm, job) == "COMPLETED", (tmp_path / "out").read_text()
    assert sorted(lines(tmp_path / "out")) == [f"{rank}/{size}" for rank in range(size)]
