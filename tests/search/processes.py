"""The processes of a running search, found by what they were started with."""

from __future__ import annotations

import time

import psutil


def ranks_of(launcher_pid: int) -> dict[str, list[psutil.Process]]:
    """The launcher's mpiexec, its proxies and the MPI ranks."""
    found: dict[str, list[psutil.Process]] = {"mpiexec": [], "ranks": []}
    try:
        below = psutil.Process(launcher_pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return found
    for process in below:
        try:
            line = process.cmdline()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if line and line[0].endswith("mpiexec"):
            found["mpiexec"].append(process)
        elif "nas_hpc.search.program" in line and "mpi4py" in line and "-n" not in line:
            found["ranks"].append(process)
    found["ranks"].sort(key=lambda process: rank_number(process))
    return found


def rank_number(process: psutil.Process) -> int:
    """Its MPI rank."""
    try:
        return int(process.environ().get("PMI_RANK", -1))
    except psutil.Error:
        return -1


def wait_until(condition, seconds: float = 60.0):
    """What the condition returns as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise TimeoutError("waited in vain")


def gone(processes) -> bool:
    """Whether none of them runs any more."""
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)
