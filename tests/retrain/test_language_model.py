"""What is published of the built-in language model, in a grid and in the final training."""

import math

import numpy as np
import pytest
import torch

from nas_hpc.children import load_search, load_test, prepare
from nas_hpc.children.language.batches import Streams
from nas_hpc.children.language.model import LanguageModel
from nas_hpc.children.language.training import score
from nas_hpc.retrain import RetrainFolder
from nas_hpc.retrain.single import asked_for, train_one
from nas_hpc.spaces.recurrent_cell import BASELINES
from tests.retrain.finished import experiment_of


def test_finished_models_are_scored_as_one_stream_and_others_as_the_reward_is(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("train", 400), ("valid", 90), ("test", 70)):
        (tmp_path / f"{name}.txt").write_text(" ".join(rng.choice(list("abcdefgh"), count)))
    # Weights so large that what was read long ago matters.
    training = {"parameters": 3000, "epochs": 3, "batch_size": 5, "steps": 10, "initial_range": 2.0}
    settings = {
        "space": {"name": "recurrent-cell", "options": {"base": 2}, "arguments": {}},
        "data": {"name": "text", "options": {"folder": str(tmp_path)}},
        "child": {"name": "language-model"},
        "training": training | {"learning_rate": 0.1},
        "reward": {"last_epochs": 2},
    }
    experiment = experiment_of(tmp_path, settings)
    folder = RetrainFolder.of(experiment)
    prepare(experiment, folder.data)
    lstm = asked_for(experiment, name="lstm")
    untested, tested = (train_one(experiment, lstm, {}, tested=tested) for tested in (False, True))

    epochs = tested["epochs"]["validation_perplexity"]
    assert epochs == untested["epochs"]["validation_perplexity"]
    assert untested["validation_perplexity"] == min(epochs[-2:])
    assert tested["reward"] == untested["reward"] == 80 / min(epochs[-2:]) ** 2

    data = load_search(folder.data).with_test(load_test(folder.data))
    words = len(data.vocabulary)
    model = LanguageModel(BASELINES["lstm"], words, tested["hidden"], experiment.training)
    model.load_state_dict(torch.load(tested["weights"], weights_only=True))
    for part in ("validation", "test"):
        one, many = (math.exp(score(model, Streams(getattr(data, part), n, "cpu"))) for n in (1, 5))
        assert tested[f"{part}_perplexity"] == pytest.approx(one, rel=1e-5)
        assert abs(one / many - 1) > 1e-3, "they can be told apart"
