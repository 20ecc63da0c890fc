"""The shipped experiments on CIFAR-10, resolved, against a table typed from the paper.

Zoph & Le 2017, sections 3.3 and 4.1.
"""

from pathlib import Path

import numpy as np
import pytest

from nas_hpc.experiment import Experiment, read
from nas_hpc.spaces import draw, load_space

FOLDER = Path(__file__).parents[2] / "workflow" / "experiments"
PAPER = {
    "data.name": "cifar10",
    "child.name": "classifier",
    "controller.layers": 2,
    "controller.hidden": 35,
    "controller.initial_range": 0.08,
    "controller.learning_rate": 0.0006,
    "controller.entropy_weight": 0,
    "controller.gradients_per_update": 1,
    "search.strategy": "reinforce",
    "search.mode": "paper",
    "search.shards": 20,
    "search.replicas": 100,
    "search.children_per_replica": 8,
    "budget.trials": 12_800,
    "training.epochs": 50,
    "training.batch_size": 64,
    "training.learning_rate": 0.1,
    "training.momentum": 0.9,
    "training.weight_decay": 1e-4,
    "training.decay_at": (0.5, 0.75),
    "training.decay_factor": 0.1,
    "reward.last_epochs": 5,
    "reward.power": 3,
    "compare_with": (),
}
NAMES = ("cifar10", "cifar10-strides", "cifar10-pooling", "cifar10-layer-types")
OTHER_IMAGES = ("cifar100", "fashion-mnist")
GROWING = {0: 6, 1599: 6, 1600: 8, 12_799: 20}
FIXED = dict.fromkeys(GROWING, 13)
SIDES, FILTERS, STRIDES = (1, 3, 5, 7), (24, 36, 48, 64), (1, 2, 3)


def shipped(name: str) -> Experiment:
    return read(str(FOLDER / f"{name}.yaml"))


@pytest.mark.parametrize("name", [*NAMES, "cifar10-cell", *OTHER_IMAGES])
def test_what_the_paper_says_of_all_of_them(name):
    own = {"training.learning_rate": None} if name == "cifar10-layer-types" else {}
    own |= {"data.name": name} if name in OTHER_IMAGES else {}
    for key, value in (PAPER | own).items():
        found = shipped(name)
        for part in key.split("."):
            found = getattr(found, part)
        assert found == value, key


@pytest.mark.parametrize(
    ("name", "options", "depths"),
    [
        *((name, (SIDES, SIDES, FILTERS), GROWING) for name in ("cifar10", *OTHER_IMAGES)),
        ("cifar10-strides", (SIDES, SIDES, FILTERS, STRIDES, STRIDES), GROWING),
        ("cifar10-pooling", (SIDES, SIDES, (6, 12, 24, 36)), FIXED),
    ],
)
def test_the_spaces_of_the_paper(name, options, depths):
    experiment = shipped(name)
    assert tuple(kind.options for kind in load_space(experiment).kinds) == options
    assert {n: experiment.arguments(n)["depth"] for n in depths} == depths


@pytest.mark.parametrize(
    "name", [*NAMES, *OTHER_IMAGES, *(f"{name}-small" for name in (*NAMES, *OTHER_IMAGES))]
)
def test_architectures_can_be_drawn_from_first_to_last_sample(name):
    experiment = shipped(name)
    space, rng = load_space(experiment), np.random.default_rng(0)
    for sample in (0, experiment.budget.trials - 1):
        arguments = experiment.arguments(sample)
        architecture = draw(space, arguments, rng).architecture
        network = getattr(architecture, "architecture", architecture)
        parts = getattr(network, "blocks", None) or network.layers
        assert len(parts) == arguments["depth"]


def test_layers_have_types_and_children_their_own_learning_rate():
    experiment = shipped("cifar10-layer-types")
    kinds = {kind.name: kind.options for kind in load_space(experiment).kinds}
    assert kinds["layer type"] == (
        "convolution",
        "max pooling",
        "average pooling",
        "batch normalisation",
        "local contrast normalisation",
    )
    assert 0.1 in kinds["learning rate"]
    assert experiment.arguments(12_799) == {"depth": 20}


@pytest.mark.parametrize("name", [*NAMES, *OTHER_IMAGES])
def test_small_twins_have_the_same_space_and_data(name):
    one, other = shipped(name), shipped(f"{name}-small")
    for key in ("name", "options", "arguments", "learning_rates"):
        assert getattr(one.space, key) == getattr(other.space, key)
    assert one.data == other.data
    arms = 1 + len(other.compare_with)
    assert arms * other.budget.device_hours / other.slots.count <= 24
