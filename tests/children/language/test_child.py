"""The language model as a trial of an experiment: prepared data, outcome, failure by name."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nas_hpc.children import Text
from nas_hpc.children.contract import Diverged, Trial
from nas_hpc.children.evaluation import evaluate
from nas_hpc.children.language.child import language_model
from nas_hpc.experiment import Experiment, LanguageTraining
from nas_hpc.experiment.model import Reward
from nas_hpc.spaces.recurrent_cell import BASELINES, Node, RecurrentCell
from nas_hpc.store import read_outcome, write_outcome
from tests.children.runs import make_experiment, make_run, make_spec

LSTM = BASELINES["lstm"]


def experiment(place: Path, **training) -> Experiment:
    rng = np.random.default_rng(0)
    for name, lines in (("train", 60), ("valid", 10), ("test", 10)):
        words = [" ".join("abcdefg"[i] for i in rng.integers(7, size=9)) for _ in range(lines)]
        (place / f"{name}.txt").write_text("\n".join(words))
    small = {"parameters": 5000, "epochs": 2, "batch_size": 4, "steps": 10}
    return make_experiment(
        space={"name": "recurrent-cell", "options": {"base": 3}, "arguments": {}},
        data={"name": "text", "options": {"folder": str(place)}},
        child={"name": "language-model"},
        training=small | training,
        reward={"failure": -1.0},
    )


def test_the_reward_of_a_list_worked_out_by_hand():
    trial = Trial(0, 0, "cpu", Path(), {}, Reward(last_epochs=2, scale=80.0))
    assert trial.reward_of_perplexities([10.0, 100.0, 40.0, 50.0]) == 0.05
    assert trial.reward_of_perplexities([20.0]) == 0.2


def test_a_trial_ends_with_its_perplexities(tmp_path: Path):
    asked = experiment(tmp_path)
    folder = make_run(tmp_path, asked)
    outcome = evaluate(asked, folder, make_spec(asked, 1))
    assert (outcome.status, outcome.reason) == ("ok", "")
    perplexities = outcome.metrics["validation_perplexity"]
    assert len(perplexities) == 2 and outcome.reward == 80 / min(perplexities) ** 2
    assert abs(outcome.metrics["parameters"] - 5000) < 500
    log = (folder.trial(1) / "log.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in log] == ["epoch 1", "epoch 2"]
    write_outcome(tmp_path / "outcome.h5", outcome)
    assert read_outcome(tmp_path / "outcome.h5") == outcome
    again = evaluate(asked, folder, make_spec(asked, 1), attempt=2)
    assert again.metrics == outcome.metrics


def test_a_cell_from_outside_the_space_is_trained_in_the_same_way(tmp_path: Path):
    asked = experiment(tmp_path, epochs=1)
    folder = make_run(tmp_path, asked)
    outcome = evaluate(asked, folder, make_spec(asked, 1), architecture=LSTM)
    assert outcome.status == "ok"
    # 9 words: 18 h + 9 + 2 layers x (8 h^2 + 8 h) = 5,000 has the solution h = 16.6.
    assert outcome.metrics["hidden"] == 17


@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_an_explosion_is_a_named_failure_with_its_own_reward(tmp_path: Path, rate):
    asked = experiment(tmp_path, learning_rate=rate, gradient_bound=1e3)
    outcome = evaluate(asked, make_run(tmp_path, asked), make_spec(asked, 1), architecture=LSTM)
    assert (outcome.status, outcome.reward) == ("diverged", -1.0)
    assert "loss" in outcome.reason and "epoch 1" in outcome.reason


@pytest.mark.parametrize(
    ("validation", "test", "says", "trained"),
    [
        (20_000, None, "^validation loss in epoch 1: ", False),
        (4_000, 8, "^final validation loss: ", True),
        (8, 4_000, "^test loss: ", True),
    ],
)
def test_a_loss_that_explodes_in_a_longer_text_is_a_named_failure(
    tmp_path: Path, validation, test, says, trained
):
    """The cell's state grows with every step; in the second text only if it is one stream."""
    growing = RecurrentCell(
        (Node("add", "tanh"), Node("add", "tanh"), Node("add", "identity")),
        Node("add", "identity"),
        taken_from=2,
        injected_at=0,
    )
    parts = (
        None if length is None else np.arange(length, dtype=np.int32) % 2
        for length in (8, validation, test)
    )
    training = LanguageTraining(
        parameters=None,
        hidden=8,
        layers=1,
        epochs=1,
        batch_size=4,
        steps=5,
        learning_rate=1e-9,
        initial_range=1.0,
    )
    weights = tmp_path / "weights.pt"
    trial = Trial(0, 5, "cpu", tmp_path, {}, Reward(), weights=weights)
    torch.manual_seed(4)
    with pytest.raises(Diverged, match=rf"{says}\S+ nats a token$"):
        language_model(growing, Text(*parts, ("a", "b")), training, trial)
    assert weights.is_file() == trained
