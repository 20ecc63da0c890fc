"""What stands beside what the search has found, through the same final training."""

import json
from pathlib import Path

import pytest
import torch

from nas_hpc.children import load_test
from nas_hpc.children.network import build
from nas_hpc.experiment import Experiment, ExperimentError
from nas_hpc.retrain import RetrainError, RetrainFolder, contenders
from nas_hpc.retrain.selection import candidates, shortlist
from nas_hpc.retrain.single import asked_for, train_one
from nas_hpc.retrain.steps import final, variant
from nas_hpc.search.configuration import of_strategy
from nas_hpc.spaces import describe, load_space, replay
from nas_hpc.spaces.recurrent_cell import BASELINES, NASCELL, StandardCell
from nas_hpc.store import Outcome
from tests.retrain.contending import GRID, all_steps, language, language_in
from tests.retrain.finished import (
    SETTINGS,
    experiment_in,
    experiment_of,
    searched,
    trainings,
)
from tests.retrain.recurrent_child import HIDDEN

SMALL = {"candidates": 2, "rescore_seeds": 1, "top": 1}
OTHERS = [Outcome(n, "ok", 0.1 * n) for n in range(4)]
"""Of another search, whose best trials are its last ones."""


def with_searches(experiment: Experiment, other: str, outcomes: list[Outcome] | None) -> Experiment:
    """The experiment after its search, and after that of another strategy."""
    searched(of_strategy(experiment, other), outcomes)
    return searched(experiment)


def published(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*.json") if "work" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_another_strategys_best_takes_the_same_way_into_its_own_folder(tmp_path):
    experiment = experiment_in(tmp_path, retrain=SMALL | {"beside": ["random"]})
    with_searches(experiment, "random", OTHERS)
    all_steps(experiment)
    root = RetrainFolder.of(experiment).root
    ours, paid = published(root), trainings(experiment)
    theirs = all_steps(experiment, "random")

    now = published(root)
    assert {name: now[name] for name in ours} == ours
    assert {name.removeprefix("beside/random/") for name in now.keys() - ours.keys()} == set(ours)
    # Its trials 3 and 2, scored again and one trained at two points and once more.
    listed = json.loads((root / "beside" / "random" / "candidates.json").read_text())
    assert [entry["trial"] for entry in listed] == [3, 2]
    assert theirs["chosen"]["trial"] in (3, 2)
    assert paid.items() <= trainings(experiment).items()

    # What is tested is the network that the random search's trial describes.
    chosen, folder = theirs["chosen"], RetrainFolder.of(experiment, "random")
    tokens = tuple((path, token) for path, token in chosen["tokens"])
    found = replay(load_space(experiment), chosen["arguments"], tokens)
    assert describe(found) == chosen["architecture"]
    network = build(found, 1, 2, chosen["training"]["batch_norm_epsilon"])
    network.load_state_dict(torch.load(folder.weights(folder.final(0)), weights_only=True))
    test = load_test(folder.data)
    with torch.no_grad():
        answers = network.eval()(torch.from_numpy(test.inputs)).argmax(1).numpy()
    assert (answers == test.labels).mean() == theirs["final"]["test_accuracy"]


def test_the_same_architecture_is_not_trained_twice_for_two_contenders(tmp_path):
    experiment = experiment_in(tmp_path, retrain=SMALL | {"beside": ["random"]})
    with_searches(experiment, "random", None)
    ours = all_steps(experiment)
    paid = trainings(experiment)
    theirs = all_steps(experiment, "random")
    assert trainings(experiment) == paid
    assert theirs["final"]["test_accuracy"] == ours["final"]["test_accuracy"]


def test_own_strategies_are_named_without_their_file_and_found_from_anywhere(tmp_path):
    (tmp_path / "mine.py").write_text("class Mine:\n    replicated = False\n")
    retrain = SETTINGS["retrain"] | {"beside": ["mine.py:Mine"]}
    own = {"compare_with": ["mine.py:Mine"], "retrain": retrain}
    experiment = experiment_of(tmp_path, SETTINGS | own)
    assert experiment == Experiment.model_validate(experiment.model_dump(mode="json"))
    assert list(contenders(experiment)) == ["", "Mine"]
    with_searches(experiment, f"{tmp_path / 'mine.py'}:Mine", OTHERS)
    assert [entry["trial"] for entry in candidates(experiment, "Mine")] == [3, 2, 1]


@pytest.mark.parametrize("name", ["lstm", "gru", "nascell"])
def test_cells_to_compare_with_start_at_the_grid(tmp_path, name):
    experiment = language_in(tmp_path, beside=["lstm", "gru", "nascell"])
    found = all_steps(experiment, name)
    chosen = found["chosen"]
    assert (chosen["trial"], chosen["candidate"], chosen["baseline"]) == (None, None, name)
    assert chosen["architecture"] == describe(BASELINES[name])
    assert found["final"]["trial"] is None
    assert len(trainings(experiment)) == 2 + 1
    folder = RetrainFolder.of(experiment, name)
    cell = NASCELL if name == "nascell" else StandardCell(name)
    assert folder.weights(folder.final(0)).read_text() == repr(cell)
    again = train_one(experiment, asked_for(experiment, file=folder.chosen), {"epochs": 1})
    assert Path(again["weights"]).read_text() == repr(cell)


def test_a_language_model_is_chosen_by_its_lowest_perplexity(tmp_path):
    experiment = language_in(tmp_path, beside=["lstm"])
    chosen = all_steps(experiment)["chosen"]
    # Twice as large at the first point. Epochs are 9, 4, 8, 5, 6, 7, the last three count.
    assert (chosen["point"], chosen["validation_perplexity"]) == (1, 5.0)
    assert chosen["reward"] == 80 / 5**2
    tested = final(experiment, 1)
    assert (tested["test_perplexity"], tested["validation_perplexity"]) == (4.0, 5.0)
    assert "test_accuracy" not in tested and "validation_accuracy" not in tested


def test_the_final_models_have_their_own_number_of_parameters(tmp_path):
    experiment = language_in(tmp_path, parameters=3200)
    chosen = all_steps(experiment)["chosen"]
    rescored = RetrainFolder.of(experiment).rescored(0)
    assert json.loads(rescored.read_text())["mean"] == 80 / 4**2
    assert chosen["training"]["parameters"] == chosen["parameters"] == 3200
    same = language_in(tmp_path / "same")
    assert all_steps(same)["chosen"]["training"]["parameters"] == 2000


def test_variants_of_language_models_share_their_embeddings(tmp_path):
    names = ["shared-embeddings", "large-shared-embeddings"]
    settings = language(parameters=3200, variants=names)
    narrow = {"training": settings["training"] | {"embedding": 20}}
    experiment = searched(experiment_of(tmp_path, settings | narrow))
    found = all_steps(experiment)
    small, large = variant(experiment, 0, 0), variant(experiment, 1, 0)
    assert (small["variant"], large["variant"]) == tuple(names)
    assert found["chosen"]["training"]["embedding"] == 20
    plain = found["chosen"]["training"] | {"embedding": None}
    same = {"shared_embeddings": True, "parameters": None, "hidden": HIDDEN}
    assert small["training"] == plain | same
    # The paper's 32 M and 54 M.
    assert large["training"] == plain | {"shared_embeddings": True, "parameters": 5400}
    assert small["seed"] == large["seed"] == found["final"]["seed"]
    weights = [Path(result["weights"]).read_text() for result in (found["final"], small, large)]
    assert len(set(weights)) == 1


def test_cells_that_no_policy_has_seen_need_a_learning_rate(tmp_path):
    space = {"name": "recurrent-cell", "learning_rates": [1.0, 0.5], "arguments": {}}
    training = {"kind": "language-model", "learning_rate": None}
    settings = language(beside=["lstm"], grid=GRID | {"learning_rate": [1.0, None]})
    with pytest.raises(ExperimentError, match="may not have null beside 'lstm'"):
        experiment_of(tmp_path, settings | {"space": space, "training": training})


def test_what_is_no_contender_is_refused(tmp_path):
    experiment = language_in(tmp_path, beside=["random", "lstm"])
    with pytest.raises(RetrainError, match=r"'gru' is not in retrain.beside: .*random, lstm"):
        shortlist(experiment, "gru")
    with pytest.raises(RetrainError, match="lstm is a cell that no search finds"):
        candidates(experiment, "lstm")
    missing = "run nas-hpc rescore small --candidate 0 --contender random first"
    with pytest.raises(RetrainError, match="run nas-hpc candidates small --contender random first"):
        shortlist(experiment, "random")
    folder = RetrainFolder.of(experiment, "random")
    folder.publish(folder.candidates, [{}])
    with pytest.raises(RetrainError, match=missing):
        shortlist(experiment, "random")
