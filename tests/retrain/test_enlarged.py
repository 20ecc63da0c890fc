"""The final training of the same decisions in a larger network."""

import re

import pytest

from nas_hpc.children.network import build, parameters
from nas_hpc.experiment import OwnCodeError
from nas_hpc.report.summary import Findings, summary
from nas_hpc.report.words import markdown
from nas_hpc.retrain import RetrainError
from nas_hpc.retrain.selection import candidates, choose, shortlist
from nas_hpc.retrain.steps import grid_point, rescore
from nas_hpc.spaces import load_space, replay
from tests.retrain.finished import experiment_in, folder_of, searched

CELLS = {"name": "cell", "options": {"blocks": 1}, "arguments": {"repeats": 1, "filters": 2}}


def scored_again(experiment):
    """The experiment after a search whose candidates have been scored again, without training."""
    searched(experiment)
    candidates(experiment)
    folder = folder_of(experiment)
    for candidate in range(3):
        folder.publish(folder.rescored(candidate), {"mean": 0.5, "sd": 0.0})
    return experiment


def test_the_grid_trains_the_found_cells_in_a_larger_network(tmp_path):
    larger = {"repeats": 2, "filters": 3}
    one = {"learning_rate": [0.1], "decay_at": [[0.5]]}
    grid = {**one, "weight_decay": [1e-4], "batch_norm_epsilon": [1e-5]}
    settings = {"arguments": larger, "top": 1, "epochs": 1, "rescore_seeds": 1, "grid": grid}
    experiment = searched(experiment_in(tmp_path, space=CELLS, retrain=settings))
    space, counts = load_space(experiment), {}
    for i, found in enumerate(candidates(experiment)):
        tokens = tuple(map(tuple, found["tokens"]))
        assert found["arguments"] == CELLS["arguments"]
        for name, arguments in (("small", found["arguments"]), ("large", larger)):
            network = build(replay(space, arguments, tokens), 1, 2, 1e-5)
            counts[name, i] = parameters(network)
        rescore(experiment, i)

    (listed,) = shortlist(experiment)
    assert listed["arguments"] == larger
    assert (listed["architecture"]["repeats"], listed["architecture"]["filters"]) == (2, 3)
    trained = grid_point(experiment, 0, 0)
    assert trained["parameters"] == counts["large", listed["candidate"]]
    assert trained["parameters"] > counts["small", listed["candidate"]]

    choose(experiment)
    facts = summary(Findings.of(experiment))
    assert facts["best"]["parameters"] == trained["parameters"]
    assert facts["best"]["arguments"] == larger
    assert "2 normal of 3 filters" in markdown(facts)


def test_an_argument_that_the_space_does_not_have_is_named(tmp_path):
    experiment = experiment_in(tmp_path, space=CELLS, retrain={"arguments": {"depth": 3}})
    with pytest.raises(OwnCodeError, match=r"retrain.arguments.*allowed: repeats, filters"):
        load_space(experiment)


def test_tokens_that_a_larger_network_does_not_take_are_refused(tmp_path):
    experiment = scored_again(experiment_in(tmp_path, retrain={"arguments": {"depth": 3}}))
    message = "retrain.arguments = {'depth': 3}: space 'convnet' asks for ['layer 2/filter height']"
    with pytest.raises(RetrainError, match=re.escape(message)):
        shortlist(experiment)
