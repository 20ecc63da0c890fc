"""Own space, data, child and strategy without torch: which random features tell two rings apart?"""

from dataclasses import dataclass

import numpy as np

from nas_hpc.children import Dataset, Score, Split
from nas_hpc.policies.random_search import RandomSearch
from nas_hpc.spaces import Choice, Kind, Space

COUNT = Kind("count", (2, 4, 8, 16, 32))
SHAPE = Kind("shape", ("step", "wave", "ramp"))


@dataclass(frozen=True)
class Features:
    """So many random features of this shape."""

    count: int
    shape: str


def generate():
    return Features((yield Choice(COUNT, "count")), (yield Choice(SHAPE, "shape")))


features = Space("features", (COUNT, SHAPE), generate, static=True)

SHAPES = {"step": np.sign, "wave": np.sin, "ramp": lambda x: np.maximum(x, 0)}


def rings(count: int = 200) -> Dataset:
    """Points on two rings, as images of 1 x 2 pixels."""

    def part(seed):
        rng = np.random.default_rng(seed)
        labels = rng.integers(2, size=count)
        angle = rng.uniform(0, 2 * np.pi, count)
        radius = 1 + labels + rng.normal(scale=0.3, size=count)
        points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return Split(points.reshape(-1, 1, 1, 2).astype(np.float32), labels.astype(np.int64))

    return Dataset(part(0), part(1), part(2), classes=2)


def regression(architecture, data, training, trial):
    """Linear regression on the features."""
    rng = np.random.default_rng(trial.seed)
    directions, offsets = rng.normal(size=(2, architecture.count)), rng.normal(size=(1, 1))

    def seen(split):
        return SHAPES[architecture.shape](split.inputs.reshape(-1, 2) @ directions + offsets)

    def accuracy(split):
        return float(((seen(split) @ weights > 0) == split.labels).mean())

    weights = np.linalg.lstsq(seen(data.train), data.train.labels * 2.0 - 1, rcond=None)[0]
    found = accuracy(data.validation)
    metrics = {"validation_accuracy": [found], "parameters": architecture.count}
    if data.test is not None:
        metrics["test_accuracy"] = accuracy(data.test)
    return Score(trial.to_reward([found]), metrics)


class OtherSeed(RandomSearch):
    """Random search with random numbers of its own."""

    def __init__(self, experiment, space):
        super().__init__(space, experiment.seed + 1)
