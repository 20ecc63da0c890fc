"""What the probe's report says of the node, of its files, and of submitting from there."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nas_hpc
from nas_hpc.doctor.finding import Finding, check, failed, warning
from nas_hpc.doctor.gpu import gpu
from nas_hpc.doctor.probe import Probe
from nas_hpc.experiment import Arrays

LATE_SECONDS = 30.0
CLOCK_SECONDS = 5.0
SPARE = 0.95
"""Part of the memory asked for that is enough; Slurm rounds."""

Trip = tuple[float, float, float]


def task_checks(probe: Probe) -> Iterator[Finding]:
    """The job itself, and, once it has reported, all that it has seen."""
    yield check("probe job", probe.run)
    report = probe.report
    if report is None:
        return
    yield check("installation there", lambda: installation(report))
    yield check("GPU", lambda: devices(probe.arrays, report))
    yield check("CPU cores", lambda: cores(probe.arrays, report))
    yield check("memory", lambda: memory(probe.arrays, report))
    yield check("folder there", lambda: folder(report))
    yield check("late files", lambda: visibility(probe.arrays, probe.trips))
    yield check("clocks", lambda: clocks(probe.host, probe.trips))
    yield check("search job", lambda: submits(report))


def installation(report: dict[str, Any]) -> Finding:
    """The same code must run here and there."""
    place = Path(nas_hpc.__file__).parent
    mine = (nas_hpc.__version__, platform.python_version())
    theirs = (report["version"], report["python"])
    found = f"nas_hpc {theirs[0]} in {report['place']}, Python {theirs[1]}"
    if mine != theirs:
        return failed(
            f"{found}; here {mine[0]} in {place}, Python {mine[1]}",
            "install on a shared file system; `setup` in slurm/children.yaml must not hide it",
        )
    return Finding(found)


def devices(arrays: Arrays, report: dict[str, Any]) -> Finding:
    """See `gpu`."""
    if report["devices"] is None:
        return failed(
            f"torch cannot be imported: {report['torch_fault']}", "pip install -r locks/torch.txt"
        )
    return gpu(arrays.gpus, report["devices"])


def cores(arrays: Arrays, report: dict[str, Any]) -> Finding:
    """Too few of them starve the loading of data."""
    asked, there = arrays.cpus, report["cores"]
    if there < asked:
        return failed(
            f"{there} can be used, {asked} asked for",
            "`cpus` in slurm/children.yaml, or under `sbatch`: hint: multithread",
        )
    free = "" if there == asked else f"; {there} can be used: the site does not bind tasks"
    return Finding(f"{asked} asked for{free}")


def memory(arrays: Arrays, report: dict[str, Any]) -> Finding:
    """A task that takes more than its limit is killed."""
    asked, granted, limit = arrays.memory_gb, report["granted_gb"], report["memory_gb"]
    known = [size for size in (granted, limit) if size is not None]
    enforced = "no limit is enforced" if limit is None else f"{limit:.1f} GiB are the limit"
    found = f"{asked:g} GiB asked for; {enforced}"
    if known and min(known) < SPARE * asked:
        return failed(
            f"{found}; {min(known):.1f} GiB granted", "`memory_gb` in slurm/children.yaml"
        )
    return Finding(found)


def folder(report: dict[str, Any]) -> Finding:
    """Seen from the node, it is the user's own, and nobody else can write to it."""
    found = f"mode {report['mode']:04o}; files were made and renamed"
    if not report["mine"]:
        return failed(f"{found}; it is not yours there", "users must have the same numbers there")
    if report["mode"] & 0o022:
        return failed(f"{found}; others can write to it there", "another file system (`runs`)")
    return Finding(found)


def visibility(arrays: Arrays, trips: list[Trip]) -> Finding:
    """How long a call and its answer take, each a file that the other side must see."""
    seconds = sorted(seen - asked for asked, _, seen in trips)
    found = f"a file and its answer are seen within {seconds[0]:.1f} to {seconds[-1]:.1f} s"
    if seconds[-1] > arrays.grace_seconds:
        return failed(
            found, f"`grace_seconds` in slurm/children.yaml: {2 * seconds[-1]:.0f} or more"
        )
    if seconds[-1] > LATE_SECONDS:
        return warning(found, "many trials per task are best here: long `minutes`")
    return Finding(found)


def clocks(host: str, trips: list[Trip]) -> Finding:
    """The node has answered between call and answer, so its clock is off by at least so much."""
    least = max(there - seen for _, there, seen in trips)  # ahead by no less
    most = min(there - asked for asked, there, _ in trips)  # and by no more
    off = max(least, -most, 0.0)
    found = f"{host}'s is {least:+.1f} to {most:+.1f} s from ours"
    if off > CLOCK_SECONDS:
        return warning(found, "ask the administrators to synchronise the clocks (NTP)")
    return Finding(found)


def submits(report: dict[str, Any]) -> Finding:
    """The search is a job, and submits its children from there."""
    if report["submits"]:
        return failed(
            f"a compute node may not submit: {report['submits']}",
            "run the search where sbatch works: `search_on: login` in slurm/search.yaml",
        )
    return Finding("may submit its children from a compute node")
