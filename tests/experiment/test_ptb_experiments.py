"""The shipped experiments on texts, resolved, against a table typed from the paper.

Zoph & Le 2017, sections 3.4 and 4.2; where it is silent, the "medium" model of Zaremba et al. 2014,
what it says of characters (rates of dropout), and of images (which epochs make the reward).
"""

import os
from pathlib import Path

import numpy as np
import pytest

from nas_hpc.children.data import make_dataset
from nas_hpc.children.language.model import hidden_size
from nas_hpc.experiment import Experiment, read
from nas_hpc.experiment.model import DataConfig
from nas_hpc.spaces import draw, load_space
from nas_hpc.spaces.recurrent_cell import NASCELL, RecurrentCell

FOLDER = Path(__file__).parents[2] / "workflow" / "experiments"
PAPER = {
    "space.name": "recurrent-cell",
    "space.arguments": {},
    "space.schedule": None,
    "data.name": "ptb",
    "child.name": "language-model",
    "controller.layers": 2,
    "controller.hidden": 35,
    "controller.initial_range": 0.08,
    "controller.learning_rate": 0.0005,
    "controller.entropy_weight": 0,
    "controller.gradients_per_update": 10,
    "search.strategy": "reinforce",
    "search.mode": "paper",
    "search.shards": 20,
    "search.replicas": 400,
    "search.children_per_replica": 1,
    "budget.trials": 15_000,
    "training.epochs": 35,
    "training.layers": 2,
    "training.parameters": 20_000_000,
    "training.shared_embeddings": False,
    "reward.scale": 80,
    "retrain.parameters": 32_000_000,
    "report.published": "ptb",
}
MEDIUM = {
    "training.optimiser": "sgd",
    "training.batch_size": 20,
    "training.steps": 35,
    "training.learning_rate": 1.0,
    "training.decay_after": 6,
    "training.decay_factor": 1 / 1.2,
    "training.gradient_bound": 5.0,
    "training.initial_range": 0.05,
    "training.weight_decay": 0,
    "training.embedding_dropout": 0.2,
    "training.dropout": 0.5,
    "training.recurrent_dropout": 0.2,
    "reward.last_epochs": 5,
}
CHARACTERS = {
    "data.options": {"folder": "datasets/ptb", "level": "character"},
    "training.layers": 2,
    "training.optimiser": "adam",
    "training.learning_rate": 1e-3,
    "training.embedding": 128,
    "training.parameters": 16_280_000,
    "training.batch_size": 32,
    "training.steps": 100,
    "training.recurrent_dropout": 0.2,
    "training.dropout": 0.5,
}
NAMES = (
    "ptb",
    "ptb-max-sin",
    "ptb-small",
    "ptb-characters",
    "ptb-part",
    "ptb-part-characters",
    "words",
)


def shipped(name: str) -> Experiment:
    return read(str(FOLDER / f"{name}.yaml"))


def differences(experiment: Experiment, expected: dict[str, object]) -> dict[str, object]:
    found = {}
    for key, value in expected.items():
        there = experiment
        for part in key.split("."):
            there = getattr(there, part)
        if there != value:
            found[key] = there
    return found


@pytest.mark.parametrize("name", ["ptb", "ptb-max-sin"])
def test_what_the_paper_says(name):
    assert differences(shipped(name), PAPER | MEDIUM) == {}
    assert differences(shipped("words"), PAPER) != {}


def test_the_transfer_to_characters_is_that_of_the_paper():
    experiment = shipped("ptb-characters")
    assert differences(experiment, CHARACTERS) == {}
    assert hidden_size(NASCELL, 50, experiment.training) == pytest.approx(800, abs=2)


def test_the_paper_s_control_experiments():
    assert shipped("ptb").compare_with == ("random",)
    plain, control = (load_space(shipped(name)) for name in ("ptb", "ptb-max-sin"))
    assert [kind.options for kind in plain.kinds] == [
        ("add", "elem_mult"),
        ("identity", "tanh", "sigmoid", "relu"),
        tuple(range(15)),
    ]
    assert [kind.options for kind in control.kinds] == [
        ("add", "elem_mult", "max"),
        ("identity", "tanh", "sigmoid", "relu", "sin"),
        tuple(range(15)),
    ]


def test_the_paper_s_final_models():
    """32M, and with shared embeddings 25M of the same hidden size, and 54M."""
    experiment = shipped("ptb")
    assert experiment.retrain.variants == ("shared-embeddings", "large-shared-embeddings")
    assert set(experiment.retrain.beside) == {"random", "lstm", "gru", "nascell"}
    final = experiment.training.model_copy(update={"parameters": experiment.retrain.parameters})
    hidden = hidden_size(NASCELL, 10_000, final)
    assert round((32_000_000 - 10_000 * hidden) / 1e6) == 25


@pytest.mark.parametrize("name", NAMES)
def test_architectures_can_be_drawn_and_models_of_them_sized(name):
    experiment = shipped(name)
    space = load_space(experiment)
    cell = draw(space, experiment.arguments(0), np.random.default_rng(0)).architecture
    assert isinstance(cell, RecurrentCell)
    assert cell.leaves == (4 if name == "words" else 8)
    words = {"words": 500, "ptb-characters": 50, "ptb-part": 1000, "ptb-part-characters": 50}.get(
        name, 10_000
    )
    assert hidden_size(cell, words, experiment.training) >= 20


def test_the_small_twin_has_the_same_space_and_data():
    one, other = shipped("ptb"), shipped("ptb-small")
    assert (one.space, one.data) == (other.space, other.data)
    arms = 1 + len(other.compare_with)
    assert arms * other.budget.device_hours / other.slots.count <= 24


def test_the_demo_reads_the_text_that_every_python_has():
    data = make_dataset(shipped("words").data)
    assert len(data.vocabulary) == 500
    assert [len(data.train), len(data.validation)] == [30_000, 4000]


@pytest.mark.parametrize("name", ["ptb", "ptb-characters"])
def test_the_treebank_is_read_as_the_experiments_name_it(name):
    if "NAS_HPC_DATA" not in os.environ:
        pytest.skip("NAS_HPC_DATA does not name the folder with ptb/ptb.train.txt")
    asked = shipped(name).data
    folder = str(Path(os.environ["NAS_HPC_DATA"]) / "ptb")
    data = make_dataset(DataConfig(name=asked.name, options=asked.options | {"folder": folder}))
    assert len(data.vocabulary) == (50 if name == "ptb-characters" else 10_000)
