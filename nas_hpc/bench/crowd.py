"""Several children at a time on one device, each a process of its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from nas_hpc.bench.race import WARM_UP, Subject, some, train_child
from nas_hpc.children.dataset import Dataset

PATIENCE = 600.0
"""Seconds in which all must have started."""


@dataclass(frozen=True)
class Crowd:
    """What children at a time came to.

    Attributes:
        children: how many.
        images_per_second: trained on, of all together.
    """

    children: int
    images_per_second: float


def crowd(children: int, entered: Sequence[Subject], data: Dataset, device: str) -> Crowd:
    """Let so many children train at a time, from a common start to the last one's end.

    Args:
        children: how many; the architectures go round among them.
        entered: architectures.
        data: to train and score on; each process has a copy.
        device: that they share.

    Raises:
        ExperimentError: an architecture cannot be trained.
        BrokenProcessPool: a child was ended from outside, such as for its memory.
    """
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(children, timeout=PATIENCE)
    arguments = (start, data, device, torch.get_num_threads())
    with ProcessPoolExecutor(children, context, _get_ready, arguments) as pool:
        chosen = [entered[i % len(entered)] for i in range(children)]
        times = list(pool.map(_train, chosen))
    images = sum(subject.training.epochs * len(data.train) for subject in chosen)
    begun, ended = zip(*times, strict=True)
    return Crowd(children, images / (max(ended) - min(begun)))


_ready: tuple[Any, Dataset, str]


def _get_ready(start: Any, data: Dataset, device: str, threads: int) -> None:
    global _ready
    torch.set_num_threads(threads)
    _ready = start, data, device


def _train(subject: Subject) -> tuple[float, float]:
    """When it began and ended, on a clock that is the same in all processes of a machine."""
    start, data, device = _ready
    try:
        train_child(subject, some(data, WARM_UP * subject.training.batch_size), device)
    except BaseException:
        start.abort()
        raise
    start.wait()
    begun = time.monotonic()
    train_child(subject, data, device)
    return begun, time.monotonic()
