"""Submits tasks through submitit: ``python -m nas_hpc.cluster.submission INTENT.json``.

Run as a process of its own, in a session of its own, so that whatever ends the search (mpiexec
kills its whole process group) leaves the slots alone. The intent is written before, and the answer
after; if this process ends in between, slots that it had started make themselves known, and Slurm
knows their jobs by the batch's name.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nas_hpc.cluster.batch import Batch
from nas_hpc.cluster.place import Handle
from nas_hpc.experiment import Arrays, Experiment
from nas_hpc.store import Identity

LONGEST_MINUTES = 60 * 24 * 365
"""submitit ends local jobs after a while, by default 2 minutes; slots end by themselves."""

SIGNAL_SECONDS = 30
"""Before a task's time limit, at which Slurm tells it so."""


def submit(batch: Batch) -> None:
    """Start the tasks of a batch and write the answer, be it that Slurm refuses."""
    import submitit

    from nas_hpc.cluster.task import run_task

    arrays = Experiment.model_validate_json(batch.folder.experiment.read_text()).slots.arrays
    common: dict[str, Any] = {"name": batch.name, "stderr_to_stdout": True}
    if arrays is None:
        executor = submitit.AutoExecutor(folder=batch.files, cluster="local")
        executor.update_parameters(**common, timeout_min=LONGEST_MINUTES)
    else:
        executor = submitit.AutoExecutor(folder=batch.files, cluster="slurm")
        executor.update_parameters(**common, **options(arrays, len(batch.tasks)))
    runs = [str(batch.folder.root)] * len(batch.tasks)
    try:
        jobs = executor.map_array(run_task, runs, batch.tasks)
    except submitit.core.utils.FailedJobError as error:
        batch.answer(None, refused=" ".join(str(error).split()))
        return
    if arrays is None:
        batch.answer([Identity.of(int(job.job_id)).json() for job in jobs])
    else:
        now = time.time()
        batch.answer([{"job": job.job_id, "submitted": now} for job in jobs])


def complete(batch: Batch, handles: Sequence[Handle]) -> None:
    """Do what is left of a submission to Slurm that ended before it heard sbatch's answer.

    A task looks for what it is to do in a file that is named after its job's number.
    """
    from submitit.core.utils import DelayedSubmission

    numbers = {task: handle["job"] for task, handle in zip(batch.tasks, handles, strict=True)}
    for path in batch.files.glob("*.pkl"):
        if path.stem.endswith("_submitted"):
            continue
        # The submitter may be slow rather than gone, and do the same.
        with contextlib.suppress(FileNotFoundError):
            task = tuple(DelayedSubmission.load(path).args[1])
            path.rename(batch.files / f"{numbers[task]}_submitted.pkl")


def options(arrays: Arrays, tasks: int) -> dict[str, Any]:
    """What submitit is told of an array of so many tasks; see its `SlurmExecutor`."""
    named = {
        "partition": arrays.partition,
        "account": arrays.account,
        "qos": arrays.qos,
        "constraint": arrays.constraint,
        "gpus_per_node": arrays.gpus or None,
        "setup": list(arrays.setup) or None,
        "additional_parameters": {
            name.replace("_", "-"): value for name, value in arrays.sbatch.items()
        },
    }
    return {
        "timeout_min": arrays.minutes,
        "slurm_cpus_per_task": arrays.cpus,
        "slurm_mem": f"{round(1024 * arrays.memory_gb)}MB",
        "slurm_array_parallelism": tasks,
        "slurm_signal_delay_s": SIGNAL_SECONDS,
        # srun has its own ideas of both since Slurm 22.05; and children are no MPI ranks.
        "slurm_srun_args": [f"--cpus-per-task={arrays.cpus}", "--mpi=none"],
        **{f"slurm_{name}": value for name, value in named.items() if value is not None},
    }


if __name__ == "__main__":
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    submit(Batch.of(Path(sys.argv[1])))
