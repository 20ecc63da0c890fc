"""The device that is named on the command line."""

from __future__ import annotations

import torch

from nas_hpc.experiment import ExperimentError


def checked(device: str) -> str:
    """The device as torch writes it.

    Raises:
        ExperimentError: it is not there, or neither a CPU nor a GPU.
    """
    try:
        place = torch.zeros(1, device=device).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ExperimentError(f"--device {device}: {reason}; allowed: cpu, cuda:0 ...") from error
    if place.type not in ("cpu", "cuda"):
        raise ExperimentError(f"--device {device}: allowed: cpu, cuda:0 ...")
    return str(place)
