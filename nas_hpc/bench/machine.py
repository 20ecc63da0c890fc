"""On what something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch
import torchvision

import nas_hpc


def machine(device: str) -> dict[str, Any]:
    """Hardware, versions and load, for whoever measures again.

    ``commit`` is empty where the package is not in a git checkout; ``+`` at its end: changed since.
    """
    gpu = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name(device) if gpu else "CPU",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torchvision": str(torchvision.__version__),
        "nas_hpc": nas_hpc.__version__,
        "commit": _commit(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--dirty=+"],
        cwd=Path(nas_hpc.__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip()
