"""From trials to outcomes: the queue, the slots, and how slots are started.

Nothing here imports torch, and only `submission` imports submitit.
"""

from nas_hpc.cluster.debug import DebugExecutor
from nas_hpc.cluster.executor import Executor, SlotError, TrialSpec
from nas_hpc.cluster.pool import LocalPool
from nas_hpc.cluster.presence import Presence, slots
from nas_hpc.cluster.spool import stop_request
from nas_hpc.experiment import Experiment
from nas_hpc.store import RunFolder

__all__ = [
    "DebugExecutor",
    "Executor",
    "LocalPool",
    "SlotError",
    "TrialSpec",
    "living_slots",
    "make_executor",
    "stop_request",
]


def make_executor(folder: RunFolder, experiment: Experiment, epoch: int) -> Executor:
    """The executor named in ``slots.executor``, for the session of this epoch."""
    if experiment.slots.executor == "debug":
        return DebugExecutor(folder, experiment)
    return LocalPool(folder, experiment, epoch)


def living_slots(folder: RunFolder) -> list[Presence]:
    """The slots of a search that may take trials, whoever started them."""
    return [presence for presence in slots(folder) if presence.alive]
