"""One training apart from the workflow: of a trial, a file, or a known cell."""

import pytest

from nas_hpc.retrain import RetrainError, RetrainFolder
from nas_hpc.retrain.single import asked_for, train_one
from nas_hpc.spaces import describe
from nas_hpc.spaces.recurrent_cell import BASELINES
from tests.retrain.contending import language, language_in
from tests.retrain.finished import experiment_in, experiment_of, searched
from tests.retrain.recurrent_child import perplexity_of


def test_a_known_cell_is_trained_without_any_search_and_tested_if_asked(tmp_path):
    experiment = language_in(tmp_path)
    architecture = asked_for(experiment, name="lstm")
    assert architecture["architecture"] == describe(BASELINES["lstm"])
    found = train_one(experiment, architecture, {"epochs": 1})
    assert found["validation_perplexity"] == 9.0 and "test_perplexity" not in found
    found = train_one(experiment, architecture, {"epochs": 3}, tested=True)
    assert (found["test_perplexity"], found["validation_perplexity"]) == (perplexity_of(None), 4.0)
    assert found["training"]["epochs"] == 3


def test_the_data_is_made_where_nothing_was_prepared(tmp_path):
    experiment = experiment_of(tmp_path, language())
    assert not RetrainFolder.of(experiment).data.exists()
    found = train_one(experiment, asked_for(experiment, name="gru"), {"epochs": 1})
    assert found["status"] == "ok"


def test_a_trial_is_trained_again_with_its_own_seed(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    found = train_one(experiment, asked_for(experiment, trial=2), {})
    assert found["trial"] == 2
    assert found["seed"] != train_one(experiment, asked_for(experiment, trial=1), {})["seed"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "give one of these"),
        ({"trial": 1, "name": "lstm"}, "give one of these"),
        ({"name": "gruu"}, "cell gruu: must be one of lstm, gru, nascell"),
        ({"name": "lstm"}, "trains no language model"),
        ({"trial": 999}, "has no trial 999"),
    ],
)
def test_an_architecture_that_is_not_there_is_refused(tmp_path, asked, says):
    experiment = searched(experiment_in(tmp_path))
    if asked == {"name": "gruu"}:
        experiment = language_in(tmp_path / "language")
    with pytest.raises(RetrainError, match=says):
        asked_for(experiment, **asked)
