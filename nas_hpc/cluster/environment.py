"""The environment of slots and children: a short list of what they may inherit.

What a process inherits from a Slurm job or an MPI rank breaks its children: bindings to CPUs that
are not theirs, MPI variables that make them wait for ranks that do not exist, folders of another
node. No list of what to remove is ever complete; so this one says what stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ALLOWED = ("PATH", "HOME", "USER", "LANG", "LD_LIBRARY_PATH", "SLURM_CONF", "SLURM_CLUSTERS")
ALLOWED_PREFIX = "LC_"
AT_SUBMISSION = "SBATCH_"
NODE = "SLURMD_NODENAME"
"""Names the machine of a process; slots of a search inside a Slurm job share its node."""

DEVICES = "CUDA_VISIBLE_DEVICES"
LOCAL_DEVICES = "NAS_HPC_LOCAL_DEVICES"
"""Carries `DEVICES` past submitit's local executor, which overwrites that variable."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def slot_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What slots of this machine may inherit, among it the GPUs that were given to the search."""
    kept = _allowed(environment)
    if DEVICES in environment:
        kept[LOCAL_DEVICES] = environment[DEVICES]
    if NODE in environment:
        kept[NODE] = environment[NODE]
    return kept | dict.fromkeys(THREADS, "1")


def submitter_environment(environment: Mapping[str, str], further: Sequence[str]) -> dict[str, str]:
    """What submits to Slurm may inherit, and with it all tasks; ``further`` names more of it."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in further or name.startswith(AT_SUBMISSION)
    }
    return _allowed(environment) | kept


def task_environment(environment: Mapping[str, str], threads: int) -> dict[str, str]:
    """What the children of a Slurm task inherit: all of their task's own, which began clean."""
    return dict(environment) | dict.fromkeys(THREADS, str(threads))


def child_environment(environment: Mapping[str, str], threads: int) -> dict[str, str]:
    """What the children of a slot may inherit, and their number of CPU threads."""
    kept = _allowed(environment)
    if LOCAL_DEVICES in environment:
        kept[DEVICES] = environment[LOCAL_DEVICES]
    return kept | dict.fromkeys(THREADS, str(threads))


def _allowed(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name in ALLOWED or name.startswith(ALLOWED_PREFIX)
    }
