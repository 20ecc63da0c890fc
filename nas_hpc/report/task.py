"""What an experiment's networks are for: the shape of the images and the number of classes."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.experiment import Experiment
from nas_hpc.store import RunFolder
from nas_hpc.store.durable import read_json


@dataclass(frozen=True)
class Task:
    """Numbers for words and drawings.

    Attributes:
        channels, height, width: of an image.
        classes: that the classifier tells apart.
    """

    channels: int
    height: int
    width: int
    classes: int


def task_of(experiment: Experiment) -> Task | None:
    """The task of the prepared data; None if it is not there, or its inputs are no images.

    Raises:
        ValueError: ``data.json`` is damaged; names it.
    """
    file = RunFolder.of(experiment).data / "data.json"
    if not file.exists():
        return None
    data = read_json(file)
    shape = data["train"]
    if len(shape) != 4:
        return None
    _, channels, height, width = shape
    return Task(channels, height, width, data["classes"])
