"""How much of what a device can calculate a training uses."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas_hpc.children.dataset import Dataset
from nas_hpc.children.training import precision
from nas_hpc.experiment import Training

SIDE = {"cuda": 8192, "cpu": 1024}
"""Of the matrices that are multiplied: large enough to keep the device busy."""

REPEATS = 10


def flops(network: nn.Module, data: Dataset, training: Training) -> float:
    """Floating-point operations of convolutions and matrix products in a whole training.

    A multiplication and an addition count as two; scoring after each epoch counts too.
    """
    image = torch.zeros(1, *data.train.inputs.shape[1:])
    network = network.cpu().eval()
    with FlopCounterMode(display=False) as scoring, torch.no_grad():
        network(image)
    with FlopCounterMode(display=False) as training_step:
        network(image).sum().backward()
    one_epoch = (
        len(data.train) * training_step.get_total_flops()
        + len(data.validation) * scoring.get_total_flops()
    )
    return float(training.epochs * one_epoch)


def reachable(device: str) -> float:
    """Floating-point operations per second of a large matrix product, the best of ten.

    In the precision in which children train there. What a GPU's data sheet promises is higher.
    """
    place = torch.device(device)
    side = SIDE[place.type]
    with precision(place):
        dtype = (torch.ones(1, 1, device=place) @ torch.ones(1, 1, device=place)).dtype
    matrix = torch.randn(side, side, device=place).to(dtype)
    seconds = []
    for _ in range(REPEATS):
        _await(place)
        clock = time.perf_counter()
        matrix @ matrix
        _await(place)
        seconds.append(time.perf_counter() - clock)
    return 2 * side**3 / min(seconds)


def _await(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
