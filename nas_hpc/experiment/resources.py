"""What a search may cost, and where its children run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nas_hpc.experiment.arrays import Arrays
from nas_hpc.experiment.strict import Positive, Rate, Strict


class Budget(Strict):
    """When the search ends; may be changed when a search is resumed."""

    trials: Positive = 12800
    """Architectures trained, each counted once."""

    samples_per_trial: Positive = 10
    """The search also ends after so many times ``trials`` samples ..."""

    known_in_a_row: Positive = 200
    """... or after so many samples in a row that were known already: the policy has collapsed."""

    device_hours: Rate | None = None
    """Asks for nothing new once the attempts at trials have taken so many hours of GPUs, or of
    slots where there are none. null: no limit."""


class Slots(Strict):
    """Where children run; may be changed when a search is resumed."""

    executor: Literal["local", "debug", "slurm"] = "local"
    """``local``: processes on this machine. ``debug``: inside the dispatcher, one after another.
    ``slurm``: arrays of tasks, as ``arrays`` says; set by ``--children slurm/children.yaml``."""

    count: Positive = 2
    """Children at a time."""

    threads: Positive = 1
    """CPU threads of one child."""

    attempts: Positive = 3
    """Starts of one trial before it is given up as lost to the infrastructure."""

    trial_seconds: Rate | None = None
    """A child that takes longer is ended and counted as diverged. null: no limit."""

    idle_seconds: Annotated[float, Field(ge=1)] = 60.0
    """A slot without work ends after so long."""

    arrays: Arrays | None = None
    """Of the executor ``slurm``."""

    @model_validator(mode="after")
    def _arrays_are_slurms(self) -> Slots:
        if (self.executor == "slurm") != (self.arrays is not None):
            raise ValueError("executor must be slurm where, and only where, arrays are given")
        return self

    @property
    def devices(self) -> float:
        """Devices that one slot occupies."""
        return 1.0 if self.arrays is None else self.arrays.devices

    @property
    def shared(self) -> bool:
        """Whether trials run beside each other where memory is common to them."""
        return (self.count if self.arrays is None else self.arrays.trials_per_gpu) > 1
