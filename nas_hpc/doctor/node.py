"""What the probe job does on its node: ``python -m nas_hpc.doctor.node FOLDER``.

It says that it is there, answers calls through files, so that the other side can tell how late
files are seen and whether the clocks agree, and then reports what a child would meet.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import nas_hpc
from nas_hpc.cluster.probe import refusal
from nas_hpc.doctor.installation import torch_here
from nas_hpc.doctor.program import ProgramError
from nas_hpc.experiment import Arrays
from nas_hpc.store import read_json, write_json
from nas_hpc.store.identity import host

ROUNDS = 3
"""Calls and answers; the quickest tells most."""

PATIENCE = 180.0
"""Seconds to wait for a call."""

GIB = 2**30


def call_of(folder: Path, number: int) -> Path:
    """A file of the doctor's, to be answered."""
    return folder / f"call-{number}.json"


def answer_to(folder: Path, number: int) -> Path:
    """The node's answer, which holds its time; number 0 comes unasked."""
    return folder / f"answer-{number}.json"


def report_of(folder: Path) -> Path:
    """The node's report; see `look`."""
    return folder / "report.json"


def listed(path: Path) -> bool:
    """Whether a listing of its folder, such as searches make, shows the file."""
    return path.name in os.listdir(path.parent)


def await_file(path: Path, seconds: float) -> None:
    """Wait until the file is listed.

    Raises:
        TimeoutError: it is not, after so long.
    """
    until = time.monotonic() + seconds
    while not listed(path):
        if time.monotonic() > until:
            raise TimeoutError(f"{path} was not to be seen within {seconds:g} s")
        time.sleep(0.02)


def look(folder: Path, arrays: Arrays) -> dict[str, Any]:
    """What a child meets here.

    Returns:
        ``version`` and ``place`` of nas_hpc, ``python``, ``cores`` that may be used, ``memory_gb``
        that a cgroup allows (None without one), ``granted_gb`` that Slurm speaks of (None if it
        does not), ``mode`` and ``mine`` (whether it is the user's) of the folder of runs, in which
        ``folder`` is, ``submits``: what Slurm has against a submission from here, ``devices``: see
        `nas_hpc.doctor.devices.look`, or ``torch_fault`` in its place.
    """
    about = folder.parent.stat()
    granted = os.environ.get("SLURM_MEM_PER_NODE")
    report: dict[str, Any] = {
        "version": nas_hpc.__version__,
        "place": str(Path(nas_hpc.__file__).parent),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": _memory_limit(),
        "granted_gb": int(granted) / 1024 if granted else None,
        "mode": about.st_mode & 0o777,
        "mine": about.st_uid == os.getuid(),
        "submits": refusal(arrays, folder),
        "devices": None,
        "torch_fault": "",
    }
    try:
        report["devices"] = torch_here()
    except ProgramError as error:
        report["torch_fault"] = str(error)
    return report


def _memory_limit() -> float | None:
    """The least of the limits of this process's memory cgroup and those above it, in GiB."""
    limits = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, inner = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root = Path("/sys/fs/cgroup", controllers)
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        group = root / inner.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root) and (folder / name).is_file():
                limits.append((folder / name).read_text().strip())
    known = [int(limit) / GIB for limit in limits if limit.isdigit()]
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    return min((limit for limit in known if limit < machine), default=None)


def main(folder: Path) -> None:
    """See the module."""
    arrays = Arrays.model_validate(read_json(folder / "arrays.json"))
    for number in range(ROUNDS + 1):
        if number:
            await_file(call_of(folder, number), PATIENCE)
        about = {"time": time.time(), "host": host()}
        write_json(answer_to(folder, number), about)
    write_json(report_of(folder), look(folder, arrays))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
