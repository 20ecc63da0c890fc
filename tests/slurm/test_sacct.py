"""What Slurm accounts, asked of a real one."""

import pytest

from nas_hpc.cluster.sacct import accounted
from tests.slurm.lab import Cluster, until

pytestmark = pytest.mark.slurm

PATIENCE = 120.0


def elapsed(slurm: Cluster, task: str) -> int:
    """Seconds of a task that has ended; -1 before."""
    rows = slurm.sacct("--jobs", task, "--format=JobID,State,ElapsedRaw")
    ended = [int(row["ElapsedRaw"]) for row in rows if row["State"] == "COMPLETED"]
    return ended[0] if ended else -1


def test_tasks_count_with_their_gpus(slurm, tmp_path):
    array = slurm.sbatch("sleep 2", "--array=0-2", "--gres=gpu:1", folder=tmp_path)
    single = slurm.sbatch("sleep 2", "--gres=gpu:2", folder=tmp_path)
    none = slurm.sbatch("sleep 2", folder=tmp_path)
    tasks = [f"{array}_0", f"{array}_2", single, none]  # and not the array's second one
    until(lambda: all(elapsed(slurm, task) >= 0 for task in tasks), "sacct", PATIENCE)
    first, last, two, cpu = (elapsed(slurm, task) for task in tasks)
    found = accounted({*tasks, "999999_1"})
    assert found.tasks == 4
    assert found.device_seconds == first + last + 2 * two + cpu > 0
