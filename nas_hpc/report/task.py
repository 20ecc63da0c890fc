"""What an experiment's networks are for, as its prepared data say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nas_hpc.experiment import Experiment, label
from nas_hpc.store import RunFolder
from nas_hpc.store.durable import read_json


@dataclass(frozen=True)
class Task:
    """Of image classifiers; numbers for words and drawings.

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
    data = _about(experiment)
    shape = data.get("train", [])
    if len(shape) != 4:
        return None
    _, channels, height, width = shape
    return Task(channels, height, width, data["classes"])


def described(experiment: Experiment) -> str:
    """The prepared data in a sentence; empty if they are not there.

    Raises:
        ValueError: ``data.json`` is damaged; names it.
    """
    data = _about(experiment)
    if not data:
        return ""
    shape = data["train"][1:]
    if "vocabulary" in data:
        what, end = "tokens", f"a vocabulary of {data['vocabulary']:,}"
    else:
        what, end = ("images" if len(shape) == 3 else "examples"), f"{data['classes']} classes"
    of = f" of {' × '.join(map(str, shape))}" if shape else ""
    validation, test = (f"{data[part][0]:,}" for part in ("validation", "test"))
    return (
        f"Data: {label(data['name'])}, {data['train'][0]:,} {what}{of} for training, {validation} "
        f"for validation, {test} for the test; {end}."
    )


def _about(experiment: Experiment) -> dict[str, Any]:
    """What ``data.json`` says; empty if it is not there."""
    file = RunFolder.of(experiment).data / "data.json"
    return dict(read_json(file)) if file.exists() else {}
