"""Run folders with prepared data, and trials in them, for tests of children."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_hpc.children import prepare
from nas_hpc.experiment import Experiment
from nas_hpc.spaces import Tokens, draw, load_space
from nas_hpc.store import RunFolder, write_json

SETTINGS: dict[str, Any] = {
    "name": "small",
    "space": {
        "options": {"heights": [1, 3], "widths": [1, 3], "filters": [4, 8], "strides": [1, 2]},
        "arguments": {"depth": 3},
    },
    "data": {"options": {"train": 120, "validation": 100}},
    "training": {"epochs": 3, "batch_size": 8, "augmentation": "shift"},
}


@dataclass(frozen=True)
class Spec:
    trial: int
    arguments: dict[str, Any]
    tokens: Tokens


def make_experiment(**changes: Any) -> Experiment:
    return Experiment.model_validate(SETTINGS | changes)


def make_run(place: Path, experiment: Experiment) -> RunFolder:
    folder = RunFolder(place / "runs" / experiment.name / "reinforce")
    folder.create()
    folder.experiment.write_text(experiment.model_dump_json())
    prepare(experiment, folder.data)
    return folder


def make_spec(experiment: Experiment, trial: int) -> Spec:
    arguments = experiment.arguments(0)
    walk = draw(load_space(experiment), arguments, np.random.default_rng(trial))
    return Spec(trial, arguments, walk.tokens)


def make_claim(folder: RunFolder, spec: Spec) -> Path:
    claim = folder.claims / f"{spec.trial:09d}--1--test-0.json"
    tokens = [list(pair) for pair in spec.tokens]
    write_json(
        claim,
        {"trial": spec.trial, "key": "", "arguments": spec.arguments, "tokens": tokens},
    )
    return claim
