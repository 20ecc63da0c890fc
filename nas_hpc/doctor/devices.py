"""What torch makes of a machine: ``python -m nas_hpc.doctor.devices`` prints it as JSON.

A process of its own, in the environment of a child: what breaks there breaks children too.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable
from typing import Any


def look() -> dict[str, Any]:
    """Versions, what this build of torch was made for, the driver, and each GPU that is seen.

    Returns:
        ``torch``, ``torchvision``: versions; ``cuda``: that of the build, or None; ``built_for``:
        such as ``sm_80``; ``allocated``: CUDA_VISIBLE_DEVICES, or None; ``driver``: the newest
        CUDA that the driver knows, or None; ``gpus``: ``name``, ``capability``, ``memory_gb`` and
        ``fault`` of each; ``fault``: why none is seen. A fault is empty if there is none.

    Raises:
        ImportError, RuntimeError: torch and torchvision do not belong together.
    """
    import torch
    import torchvision

    boxes, scores = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1)
    torchvision.ops.nms(boxes, scores, 0.5)  # the operator that a wrong pair does not have
    fault = _fault(torch.cuda.init)
    return {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": torch.version.cuda,
        "built_for": torch.cuda.get_arch_list(),
        "allocated": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "driver": _driver(),
        "gpus": [] if fault else [_gpu(n) for n in range(torch.cuda.device_count())],
        "fault": fault,
    }


def _gpu(number: int) -> dict[str, Any]:
    import torch

    def calculate() -> None:
        ones = torch.ones(8, 8, device=f"cuda:{number}")
        ones.mm(ones).cpu()

    about = torch.cuda.get_device_properties(number)
    return {
        "name": about.name,
        "capability": [about.major, about.minor],
        "memory_gb": about.total_memory / 2**30,
        "fault": _fault(calculate),
    }


def _fault(act: Callable[[], object]) -> str:
    try:
        act()
    except (AssertionError, RuntimeError) as error:
        return str(error).strip().splitlines()[0]
    return ""


def _driver() -> list[int] | None:
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    version = ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(version)) != 0:
        return None
    return [version.value // 1000, version.value % 1000 // 10]


if __name__ == "__main__":
    print(json.dumps(look()))
