import re
from pathlib import Path

import numpy as np
import pytest
import torch

from nas_hpc.children import DataError, load_test
from nas_hpc.children.network import build
from nas_hpc.retrain import RetrainError
from nas_hpc.retrain.selection import candidates, choose, shortlist
from nas_hpc.retrain.steps import final, grid_point, rescore
from nas_hpc.spaces import load_space, replay
from tests.retrain.finished import (
    experiment_in,
    folder_of,
    searched,
    trainings,
    without_times,
)


def choosing_steps(experiment):
    """Every step up to the choice, in the order of the workflow; what each has published."""
    found = {"candidates": candidates(experiment)}
    for i in range(3):
        found[f"rescore {i}"] = without_times(rescore(experiment, i))
    found["shortlist"] = shortlist(experiment)
    for top in range(2):
        for point in range(2):
            found[f"grid {top}-{point}"] = without_times(grid_point(experiment, top, point))
    return found | {"choose": without_times(choose(experiment))}


def all_steps(experiment):
    """Every step, in the order of the workflow; what each has published."""
    found = choosing_steps(experiment)
    for k in range(3):
        found[f"final {k}"] = without_times(final(experiment, k))
    return found


@pytest.fixture(scope="module")
def retrained(tmp_path_factory):
    experiment = searched(experiment_in(tmp_path_factory.mktemp("retrained")))
    return experiment, all_steps(experiment)


def test_the_test_data_is_first_opened_when_nothing_is_left_to_choose(retrained, tmp_path):
    _, found = retrained
    experiment = searched(experiment_in(tmp_path))
    test = folder_of(experiment).data / "test.npz"
    test.unlink()
    choices = choosing_steps(experiment)
    assert choices == {step: found[step] for step in choices}
    with pytest.raises(DataError, match=re.escape(str(test))):
        final(experiment, 0)


def test_candidates_are_scored_again_at_the_fidelity_of_the_search_with_new_seeds(retrained):
    experiment, found = retrained
    seeds = [seed for i in range(3) for seed in found[f"rescore {i}"]["seeds"]]
    seeds += [found[f"final {k}"]["seed"] for k in range(3)] + [found["choose"]["seed"]]
    assert len(set(seeds)) == len(seeds)
    for i in range(3):
        scored = found[f"rescore {i}"]
        assert scored["mean"] == pytest.approx(np.mean(scored["rewards"]))
        assert scored["sd"] == pytest.approx(np.std(scored["rewards"], ddof=1))
    assert experiment.training.epochs == 2
    assert all(len(found[f"grid 0-{p}"]["epochs"]["training_loss"]) == 3 for p in range(2))


def test_the_final_trainings_repeat_the_chosen_point(retrained):
    _, found = retrained
    chosen = found["choose"]
    grid = [found[f"grid {top}-{point}"] for top in range(2) for point in range(2)]
    assert chosen["reward"] == max(result["reward"] for result in grid)
    for k in range(3):
        repeated = found[f"final {k}"]
        assert repeated["training"] == chosen["training"]
        assert repeated["trial"] == chosen["trial"]


def test_the_kept_weights_have_the_test_accuracy_that_is_published(retrained):
    experiment, found = retrained
    folder = folder_of(experiment)
    test = load_test(folder.data)
    chosen = found["choose"]
    tokens = tuple((path, token) for path, token in chosen["tokens"])
    architecture = replay(load_space(experiment), chosen["arguments"], tokens)
    for k in range(3):
        network = build(architecture, 1, 2, chosen["training"]["batch_norm_epsilon"])
        assert found[f"final {k}"]["weights"] == str(folder.weights(folder.final(k)))
        network.load_state_dict(torch.load(folder.weights(folder.final(k)), weights_only=True))
        with torch.no_grad():
            answers = network.eval()(torch.from_numpy(test.inputs)).argmax(1).numpy()
        assert (answers == test.labels).mean() == found[f"final {k}"]["test_accuracy"]


def test_what_was_paid_for_is_found_again_and_nothing_is_trained_twice(retrained):
    experiment, found = retrained
    before = trainings(experiment)
    assert len(before) == 3 * 2 + 2 * 2 + 3
    folder = folder_of(experiment)
    for path in [*folder.root.rglob("*.json"), *folder.root.glob("final/*")]:
        path.unlink(missing_ok=True)
    assert all_steps(experiment) == found
    assert trainings(experiment) == before
    assert sorted(path.name for path in folder.root.glob("work/*/*")) == sorted(
        ["lock", "outcome.h5"] * len(before) + ["weights.pt"] * 3
    )


def test_a_changed_grid_trains_only_what_is_new(tmp_path):
    grid = {"weight_decay": [1e-4], "batch_norm_epsilon": [1e-5], "decay_at": [[0.5]]}
    rates = [0.1, 0.03]
    experiment = searched(experiment_in(tmp_path))
    all_steps(experiment)
    before = trainings(experiment)
    larger = {"grid": grid | {"learning_rate": [0.2, *rates]}, "candidates": 3, "top": 2}
    changed = experiment_in(tmp_path, retrain=larger)
    grids = [grid_point(changed, 0, point) for point in range(3)]
    assert [result["training"]["learning_rate"] for result in grids] == [0.2, 0.1, 0.03]
    after = trainings(changed)
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"batch_size": 32}},
        {"reward": {"power": 1.0}},
        {"seed": 2},
        {"child": {"options": {"other": 1}}},
        {"data": {"options": {}}, "space": {"options": {}}},
    ],
    ids=str,
)
def test_whatever_determines_a_training_makes_it_another_one(tmp_path, change):
    experiment = searched(experiment_in(tmp_path))
    candidates(experiment)
    rescore(experiment, 0)
    before = trainings(experiment)
    settings = experiment.model_dump(mode="json")
    for key, values in change.items():
        settings[key] = settings[key] | values if isinstance(values, dict) else values
    if "data" in change:  # the data behind the same name is another
        path = folder_of(experiment).data / "data.json"
        path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
        settings["space"] = experiment.space.model_dump()
    rescore(type(experiment).model_validate(settings), 0)
    assert len(trainings(experiment)) == 2 * len(before)


def test_a_grid_point_that_diverges_is_a_result(tmp_path):
    grid = {"learning_rate": [1e30, 0.1], "weight_decay": [0.0]}
    experiment = searched(experiment_in(tmp_path, retrain={"grid": grid, "top": 1}))
    candidates(experiment)
    for i in range(3):
        rescore(experiment, i)
    shortlist(experiment)
    bad = grid_point(experiment, 0, 0)
    assert bad["status"] == "diverged" and "loss" in bad["reason"]
    assert bad["reward"] == experiment.reward.failure
    assert bad["validation_accuracy"] is None


def test_a_fault_in_the_childs_code_is_an_error_and_no_result(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def child(architecture, data, training, trial):\n    return {}['epochs']\n"
    )
    experiment = searched(experiment_in(tmp_path, child={"name": "mine.py:child"}))
    candidates(experiment)
    with pytest.raises(RetrainError, match=r"KeyError: 'epochs'\nsee (.*log\.txt)") as caught:
        rescore(experiment, 0)
    log = str(caught.value).split("see ")[1].split(";")[0]
    assert "mine.py" in Path(log).read_text()
    assert trainings(experiment) == {}


def test_a_child_must_say_its_test_accuracy_in_the_end(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def child(architecture, data, training, trial):\n    return 0.5\n"
    )
    experiment = searched(experiment_in(tmp_path, child={"name": "mine.py:child"}))
    with pytest.raises(RetrainError, match="must return a metric test_accuracy"):
        all_steps(experiment)


def test_numbers_that_do_not_exist_are_refused(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    candidates(experiment)
    with pytest.raises(RetrainError, match="candidate 3 does not exist; allowed: 0 to 2"):
        rescore(experiment, 3)
