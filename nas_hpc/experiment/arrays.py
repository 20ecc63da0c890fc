"""How children run as Slurm array jobs: the keys of ``slurm/children.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from nas_hpc.experiment.strict import Positive, Strict

NotNegative = Annotated[float, Field(ge=0)]
OURS = ("array", "job-name", "output", "error", "time", "ntasks", "nodes", "signal", "open-mode")
"""Options of sbatch that are set by the search itself."""


class Arrays(Strict):
    """The array jobs in which the children of a search run.

    One task of an array is one slot, or as many as ``trials_per_gpu``; it takes one trial after
    another from the search's queue.
    """

    partition: str | None = None
    """Where the tasks run; null: the cluster's default."""

    account: str | None = None
    """Who pays; null: your default account."""

    qos: str | None = None
    """Quality of service; null: your default."""

    constraint: str | None = None
    """Features that a node must have, e.g. ``a100|h100``."""

    gpus: Annotated[int, Field(ge=0)] = 1
    """GPUs of one task. 0: children train on the CPU."""

    cpus: Positive = 1
    """CPU cores of one task."""

    memory_gb: Annotated[float, Field(gt=0)] = 8.0
    """Main memory of one task, in GiB."""

    minutes: Positive = 240
    """Time limit of one task. What does not fit goes on in another task, from its last epoch."""

    setup: tuple[str, ...] = ()
    """Shell lines before the task starts, e.g. ``module load cuda``."""

    sbatch: dict[str, str | int | bool] = {}
    """Further options of sbatch by their long names, without ``--``; true for one without value."""

    environment: tuple[str, ...] = ()
    """Names of further variables that children inherit from the search, beside a short list."""

    max_running: Positive = 32
    """Trials in flight on the cluster at a time; all tasks together are bounded by it."""

    max_queued: Positive = 32
    """Tasks that may wait in the queue at a time, e.g. your quota of pending jobs."""

    trials_per_task: Positive | None = None
    """Trials after which a task ends. null: it goes on until none is left or its time is up."""

    trials_per_gpu: Positive = 1
    """Children that share the GPUs of one task."""

    gather_seconds: NotNegative = 5.0
    """A trial without a slot waits so long for others, so that few large arrays are submitted."""

    poll_seconds: Annotated[float, Field(ge=1)] = 15.0
    """Between two questions to Slurm: one command for all tasks together."""

    poll_with: Literal["auto", "squeue", "sacct"] = "auto"
    """What is asked. ``auto``: squeue, and sacct while that fails."""

    grace_seconds: NotNegative = 60.0
    """A task that has ended without a visible outcome is judged after so long: on a shared file
    system files of other nodes may be seen late."""

    @field_validator("sbatch")
    @classmethod
    def _not_ours(cls, options: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
        taken = sorted(set(OURS) & {name.replace("_", "-") for name in options})
        if taken:
            raise ValueError(f"{', '.join(taken)}: set by the search itself; not allowed here")
        return options

    @model_validator(mode="after")
    def _cores_for_all(self) -> Arrays:
        if self.trials_per_gpu > self.cpus:
            raise ValueError(f"trials_per_gpu must be at most cpus ({self.cpus})")
        return self

    @property
    def threads(self) -> int:
        """CPU threads of one child."""
        return self.cpus // self.trials_per_gpu

    @property
    def devices(self) -> float:
        """Devices that one child occupies; a task without GPUs counts as one."""
        return max(1, self.gpus) / self.trials_per_gpu
