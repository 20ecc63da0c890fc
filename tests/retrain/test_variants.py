import pytest
import torch

from nas_hpc.children import load_test, prepare
from nas_hpc.children.network import build
from nas_hpc.experiment import ExperimentError
from nas_hpc.retrain import RetrainError
from nas_hpc.retrain.selection import candidates, choose, shortlist
from nas_hpc.retrain.steps import final, grid_point, rescore, variant
from nas_hpc.search.rehearsal import rehearse
from nas_hpc.spaces import load_space, replay
from nas_hpc.spaces.layers import ConvNet
from nas_hpc.spaces.variants import varied
from tests.retrain.finished import experiment_in, folder_of, searched, trainings, without_times

ONE = {"candidates": 1, "rescore_seeds": 1, "top": 1, "variants": ["dense", "more-filters"]}


def chosen_in(place, **retrain):
    experiment = searched(experiment_in(place, retrain=ONE | retrain))
    candidates(experiment)
    rescore(experiment, 0)
    shortlist(experiment)
    for point in range(2):
        grid_point(experiment, 0, point)
    return experiment, choose(experiment)


def found_in(experiment, chosen) -> ConvNet:
    tokens = tuple((path, token) for path, token in chosen["tokens"])
    return replay(load_space(experiment), chosen["arguments"], tokens)


def test_variants_are_trained_and_tested_as_the_chosen_architecture_is(tmp_path):
    experiment, chosen = chosen_in(tmp_path)
    folder, test = folder_of(experiment), load_test(folder_of(experiment).data)
    ours = final(experiment, 1)
    wider = variant(experiment, 1, 1)
    assert wider["variant"] == "more-filters"
    for key in ("training", "seed", "trial"):
        assert wider[key] == ours[key]
    assert wider["training"] == chosen["training"]
    # 40 more filters in both layers: counted by hand from the sizes of the layers.
    first, second = varied(found_in(experiment, chosen), "more-filters").layers
    weights = first.height * first.width * first.filters
    inputs = first.filters if second.inputs else 1
    weights += second.height * second.width * second.filters * inputs
    ends = second.filters if second.inputs else first.filters + second.filters
    weights += 2 * (first.filters + second.filters) + 2 * ends + 2
    assert wider["parameters"] == weights > ours["parameters"]
    network = build(varied(found_in(experiment, chosen), "more-filters"), 1, 2, 1e-5)
    state = torch.load(folder.weights(folder.variant(1, 1)), weights_only=True)
    network.load_state_dict(state)
    with torch.no_grad():
        answers = network.eval()(torch.from_numpy(test.inputs)).argmax(1).numpy()
    assert (answers == test.labels).mean() == wider["test_accuracy"]


def test_a_variant_is_trained_once_and_not_at_all_if_it_changes_nothing(tmp_path):
    experiment, chosen = chosen_in(tmp_path)
    found = found_in(experiment, chosen)
    first = without_times(final(experiment, 0))
    before = trainings(experiment)
    dense = without_times(variant(experiment, 0, 0))
    changed = varied(found, "dense") != found
    assert len(trainings(experiment)) == len(before) + changed
    if not changed:
        assert dense["test_accuracy"] == first["test_accuracy"]
    assert without_times(variant(experiment, 0, 0)) == dense
    assert len(trainings(experiment)) == len(before) + changed


def test_what_does_not_exist_is_refused(tmp_path):
    experiment, _ = chosen_in(tmp_path)
    with pytest.raises(RetrainError, match="variant 2 does not exist; allowed: 0 to 1"):
        variant(experiment, 2, 0)
    with pytest.raises(RetrainError, match="seed 3 does not exist; allowed: 0 to 2"):
        variant(experiment, 0, 3)


def test_a_variant_that_the_spaces_architectures_cannot_have_shows_before_the_search(tmp_path):
    space = {"name": "cell", "options": {}, "arguments": {"repeats": 1, "filters": 2}}
    experiment = experiment_in(tmp_path, space=space, retrain={"variants": ["dense"]})
    prepare(experiment, folder_of(experiment).data)
    with pytest.raises(ExperimentError, match="'dense' is not known of a CellNet"):
        rehearse(experiment, folder_of(experiment).data)


def test_variants_differ_from_each_other(tmp_path):
    with pytest.raises(ValueError, match="variants must differ"):
        experiment_in(tmp_path, retrain={"variants": ["dense", "dense"]})
