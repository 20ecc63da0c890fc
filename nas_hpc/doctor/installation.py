"""What is installed on this machine: versions, torch, and an MPI whose ranks meet."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from nas_hpc.doctor.finding import Finding, check, failed
from nas_hpc.doctor.program import ProgramError, answer
from nas_hpc.search import mpiexec as mpi

RANKS = 3
MPI_SECONDS = 120.0
TORCH_SECONDS = 300.0
"""Importing torch from a cold shared file system takes minutes."""

SAID = ("submitit", "snakemake", "snakemake-executor-plugin-slurm", "mpi4py", "h5py", "numpy")
OURS = "nas-hpc"
REPLACEABLE = ("mpich",)
"""The site's own may stand in for it; whether it does, the MPI check tells."""


def installation_checks(mpiexec: str) -> Iterator[Finding]:
    """What must be there before anything is asked of a cluster."""
    yield check("versions", versions)
    yield check("torch", torch)
    yield check("MPI", lambda: mpi_world(mpiexec))


def versions() -> Finding:
    """Python and the packages, against what this version of nas_hpc was made for."""
    faults = []
    for requirement in _requirements(extra=""):
        if requirement.name not in REPLACEABLE:
            faults += _faults(requirement)
    said = [f"{name} {metadata.version(name)}" for name in SAID if _there(name)]
    ours = metadata.version(OURS)
    found = f"Python {platform.python_version()}, nas_hpc {ours}, {', '.join(said)}"
    if faults:
        return failed("; ".join(faults), "pip install -r locks/runtime.txt")
    return Finding(found)


def torch() -> Finding:
    """Whether torch and torchvision are there, belong together, and are what was tried."""
    mend = "pip install -r locks/torch.txt; for an older driver swap that file for another build"
    faults = [fault for one in _requirements(extra="torch") for fault in _faults(one)]
    if not faults:
        try:
            seen = torch_here()
        except ProgramError as error:
            faults = [str(error)]
    if faults:
        return failed("; ".join(faults), mend)
    build = f"CUDA {seen['cuda']}" if seen["cuda"] else "no CUDA"
    gpus = ", ".join(gpu["name"] for gpu in seen["gpus"]) or "no GPU"
    return Finding(
        f"{seen['torch']} with torchvision {seen['torchvision']}, built for {build}; "
        f"on this machine it sees {gpus}"
    )


def torch_here() -> dict[str, Any]:
    """See `nas_hpc.doctor.devices.look`; in a process of its own.

    Raises:
        ProgramError: torch cannot be imported; its last words.
    """
    said = answer([sys.executable, "-m", "nas_hpc.doctor.devices"], TORCH_SECONDS)
    seen: dict[str, Any] = json.loads(said.splitlines()[-1])
    return seen


def mpi_world(mpiexec: str) -> Finding:
    """Start a few ranks, each of which sends rank 0 a message."""
    command = mpi.command(mpiexec, RANKS, "nas_hpc.search.greeting")
    started = f"{mpiexec} -n {RANKS}"
    mend = (
        "use the mpiexec of the MPI that mpi4py was built for (--mpiexec, and `mpi` in "
        "slurm/config.v8+.yaml); with srun its PMI must suit: srun --mpi=pmi2 for mpich"
    )
    try:
        said = answer(command, MPI_SECONDS, mpi.environment())
    except ProgramError as error:
        return failed(f"{started}: {error}", mend)
    lines = said.replace("}{", "}\n{").splitlines()  # a launcher may run them together
    worlds = [json.loads(line) for line in lines if line.startswith("{")]
    if len(worlds) != 1 or worlds[0]["size"] != RANKS:
        sizes = ", ".join(str(world["size"]) for world in worlds) or "none"
        return failed(f"{started} gave worlds of size {sizes}, not one of {RANKS}", mend)
    (world,) = worlds
    hosts = ", ".join(sorted(set(world["hosts"])))
    return Finding(f"{started}: {RANKS} ranks met on {hosts}; {world['library']}")


def _requirements(extra: str) -> list[Requirement]:
    every = [Requirement(line) for line in metadata.requires(OURS) or []]
    if not extra:
        return [one for one in every if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [one for one in every if one.marker and one.marker.evaluate({"extra": extra})]


def _faults(requirement: Requirement) -> list[str]:
    if not _there(requirement.name):
        return [f"{requirement.name} is missing"]
    version = metadata.version(requirement.name)
    if requirement.specifier.contains(version, prereleases=True):
        return []
    return [f"{requirement.name} is {version}, and should be {requirement.specifier}"]


def _there(name: str) -> bool:
    return any(metadata.distributions(name=name))
