"""Whose learning rate counts: the policy's, or the one that training gives."""

from pathlib import Path

import pytest

from nas_hpc.children import Score, evaluation
from nas_hpc.children.evaluation import evaluate
from nas_hpc.experiment import Training
from nas_hpc.retrain.selection import candidates, shortlist
from nas_hpc.retrain.steps import grid_point, rescore
from nas_hpc.spaces.layers import ConvNet
from tests.children.runs import SETTINGS, make_experiment, make_run, make_spec
from tests.retrain.finished import experiment_in, searched

RATES = [0.3, 0.1, 0.01]


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    """An experiment that leaves the learning rate to the policy, and what its child was given."""
    seen = []

    def child(architecture, data, training, trial):
        seen.append((architecture, training.learning_rate))
        return Score(0.5)

    monkeypatch.setitem(evaluation.BUILT_IN, "classifier", child)
    experiment = make_experiment(
        space=SETTINGS["space"] | {"learning_rates": RATES},
        training=SETTINGS["training"] | {"learning_rate": None},
    )
    return experiment, make_run(tmp_path, experiment), seen


def test_the_one_that_was_chosen_counts_in_a_search(run):
    experiment, folder, seen = run
    specs = [make_spec(experiment, trial) for trial in range(12)]
    assert {evaluate(experiment, folder, spec).status for spec in specs} == {"ok"}
    chosen = [RATES[dict(spec.tokens)["learning rate"]] for spec in specs]
    assert [rate for _, rate in seen] == chosen
    assert set(chosen) == set(RATES)
    assert all(isinstance(architecture, ConvNet) for architecture, _ in seen)


def test_one_that_the_grid_of_the_final_training_gives_counts_more(run):
    experiment, folder, seen = run
    training = Training(learning_rate=0.05)
    evaluate(experiment.model_copy(update={"training": training}), folder, make_spec(experiment, 1))
    assert [rate for _, rate in seen] == [0.05]


def test_the_built_in_child_trains_with_it(tmp_path):
    losses = []
    for rates in ([0.1], [0.01]):
        experiment = make_experiment(
            space=SETTINGS["space"] | {"learning_rates": rates},
            training=SETTINGS["training"] | {"learning_rate": None},
        )
        folder = make_run(tmp_path / str(rates[0]), experiment)
        losses.append(evaluate(experiment, folder, make_spec(experiment, 0)).metrics)
    fixed = make_experiment(training=SETTINGS["training"] | {"learning_rate": 0.01})
    folder = make_run(tmp_path / "fixed", fixed)
    expected = evaluate(fixed, folder, make_spec(fixed, 0)).metrics
    assert losses[1]["training_loss"] == expected["training_loss"] != losses[0]["training_loss"]


def test_it_goes_through_the_final_training_and_null_in_the_grid_is_the_chosen_one(tmp_path):
    alike = {"weight_decay": [1e-4], "batch_norm_epsilon": [1e-5]}
    settings = {
        "space": {"learning_rates": [0.2]},
        "training": {"learning_rate": None},
        "retrain": {"grid": {"learning_rate": [None, 0.2, 0.01]} | alike},
    }
    experiment = searched(experiment_in(tmp_path, **settings))
    candidates(experiment)
    rewards = [rescore(experiment, i)["rewards"] for i in range(3)]
    assert all(reward > 0 for pair in rewards for reward in pair)
    shortlist(experiment)
    chosen, written, other = (grid_point(experiment, 0, point) for point in range(3))
    assert chosen["training"]["learning_rate"] is None
    assert chosen["epochs"] == written["epochs"] != other["epochs"]
