"""From trials to outcomes: the queue, the slots, and how slots are started.

Nothing here imports torch, and only `submission` imports submitit.
"""

from nas_hpc.cluster.batch import check_place
from nas_hpc.cluster.debug import DebugExecutor
from nas_hpc.cluster.executor import Executor, SlotError, TrialSpec
from nas_hpc.cluster.jobs import NoAnswer
from nas_hpc.cluster.liveness import is_alive, living_slots
from nas_hpc.cluster.machine import Machine
from nas_hpc.cluster.pool import Pool
from nas_hpc.cluster.slurm import Slurm
from nas_hpc.cluster.spool import stop_request
from nas_hpc.experiment import Experiment
from nas_hpc.store import RunFolder

__all__ = [
    "DebugExecutor",
    "Executor",
    "NoAnswer",
    "Pool",
    "SlotError",
    "TrialSpec",
    "check_place",
    "is_alive",
    "living_slots",
    "make_executor",
    "stop_request",
]


def make_executor(folder: RunFolder, experiment: Experiment, epoch: int) -> Executor:
    """The executor named in ``slots.executor``, for the session of this epoch."""
    config = experiment.slots
    if config.executor == "debug":
        return DebugExecutor(folder, experiment)
    place = Slurm(config.arrays) if config.arrays else Machine(config.count)
    return Pool(folder, config, place, epoch)
