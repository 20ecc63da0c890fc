"""Experiments with a language model's keys, and all steps of the final training of a contender."""

from pathlib import Path
from typing import Any

from nas_hpc.experiment import Experiment
from nas_hpc.retrain import contenders
from nas_hpc.retrain.selection import candidates, choose, shortlist
from nas_hpc.retrain.steps import final, grid_point, rescore
from tests.retrain.finished import HERE, experiment_of, searched

LANGUAGE = {
    "space": {"name": "recurrent-cell", "options": {"base": 2}, "arguments": {}},
    "data": {"name": f"{HERE / 'images.py'}:stripes"},
    "child": {"name": f"{HERE / 'recurrent_child.py'}:child"},
    "training": {"kind": "language-model", "parameters": 2000, "epochs": 2},
    "reward": {"last_epochs": 3},
}
GRID = {
    "learning_rate": [1.0],
    "initial_range": [0.1, 0.05],
    "embedding_dropout": [0.2],
    "dropout": [0.5],
    "recurrent_dropout": [0.2],
    "decay_after": [6],
}


def language_in(place: Path, **retrain: Any) -> Experiment:
    """An experiment with a language model's keys, after its search."""
    return searched(experiment_of(place, language(**retrain)))


def language(**retrain: Any) -> dict[str, Any]:
    """Its settings."""
    asked = {"candidates": 1, "rescore_seeds": 1, "epochs": 6, "grid": GRID} | retrain
    return LANGUAGE | {"retrain": asked}


def all_steps(experiment: Experiment, contender: str = "") -> dict[str, Any]:
    """Every step of a contender, in the order of the workflow; the choice and the first test."""
    about = contenders(experiment)[contender]
    if about.strategy is not None:
        candidates(experiment, contender)
    for i in range(about.candidates):
        rescore(experiment, i, contender)
    shortlist(experiment, contender)
    for point in range(2):
        grid_point(experiment, 0, point, contender)
    return {"chosen": choose(experiment, contender), "final": final(experiment, 0, contender)}
