import pytest

from nas_hpc.retrain import RetrainError
from nas_hpc.retrain.selection import candidates, choose, shortlist
from nas_hpc.spaces import describe, load_space, replay
from nas_hpc.store import Outcome
from tests.retrain.finished import NAN, experiment_in, folder_of, searched


def test_candidates_are_the_best_rewards_and_of_equal_ones_the_earlier(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    found = candidates(experiment)
    assert [(entry["trial"], entry["reward"]) for entry in found] == [(1, 0.9), (3, 0.9), (4, 0.8)]
    for entry in found:
        tokens = tuple((path, token) for path, token in entry["tokens"])
        architecture = replay(load_space(experiment), entry["arguments"], tokens)
        assert describe(architecture) == entry["architecture"]


def test_a_trial_counts_by_the_attempt_that_was_trained_and_only_if_it_was(tmp_path):
    outcomes = [
        Outcome(0, "killed", NAN, attempt=1),
        Outcome(1, "diverged", 99.0),
        Outcome(2, "ok", 0.2),
        Outcome(3, "ok", 0.3),
        Outcome(0, "ok", 0.4, attempt=2),
        Outcome(4, "lost", NAN),
    ]
    experiment = searched(experiment_in(tmp_path), outcomes)
    assert [entry["trial"] for entry in candidates(experiment)] == [0, 3, 2]


def test_too_few_trials_are_an_error_that_says_how_many_there_are(tmp_path):
    outcomes = [Outcome(0, "ok", 0.4), Outcome(1, "ok", 0.5), Outcome(2, "diverged", 0.0)]
    experiment = searched(experiment_in(tmp_path), outcomes)
    with pytest.raises(RetrainError, match=r"has 2 trials with a reward, .* asks for 3"):
        candidates(experiment)


def test_shortlist_goes_by_the_mean_of_new_seeds_not_by_the_search(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    candidates(experiment)
    folder = folder_of(experiment)
    for candidate, mean in enumerate([0.5, 0.7, 0.7]):
        folder.publish(folder.rescored(candidate), {"mean": mean, "sd": 0.1})
    assert [(entry["candidate"], entry["trial"]) for entry in shortlist(experiment)] == [
        (1, 3),
        (2, 4),
    ]


def test_a_missing_step_is_named_with_the_command_that_makes_it(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    with pytest.raises(RetrainError, match="run nas-hpc candidates small first"):
        shortlist(experiment)
    candidates(experiment)
    with pytest.raises(RetrainError, match="run nas-hpc rescore small --candidate 0 first"):
        shortlist(experiment)


def listed(experiment, **statuses):
    """Publish a shortlist and its grid: rewards or failures by ``p<top>_<point>``."""
    folder = folder_of(experiment)
    entry = {"tokens": [], "arguments": {}, "architecture": {}}
    folder.publish(folder.shortlist, [entry | {"trial": 7}, entry | {"trial": 8}])
    for name, result in statuses.items():
        top, point = (int(part) for part in name[1:].split("_"))
        status = "ok" if isinstance(result, float) else result
        numbers = {"top": top, "point": point, "trial": 7 + top}
        reward = result if isinstance(result, float) else 5.0
        folder.publish(folder.point(top, point), numbers | {"status": status, "reward": reward})


def test_the_best_point_over_all_architectures_is_chosen(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    listed(experiment, p0_0=0.5, p0_1=0.6, p1_0=0.8, p1_1=0.8)
    chosen = choose(experiment)
    assert (chosen["trial"], chosen["top"], chosen["point"]) == (8, 1, 0)


def test_a_point_that_diverged_is_not_chosen_whatever_its_reward_says(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    listed(experiment, p0_0="diverged", p0_1=0.1, p1_0="diverged", p1_1="diverged")
    assert choose(experiment)["point"] == 1
    listed(experiment, p0_1="diverged")
    with pytest.raises(RetrainError, match="all 4 points"):
        choose(experiment)


def test_what_a_larger_configuration_published_is_withdrawn(tmp_path):
    experiment = searched(experiment_in(tmp_path))
    folder = folder_of(experiment)
    leftovers = [folder.rescored(3), folder.point(0, 2), folder.point(2, 0), folder.final(3)]
    for path in leftovers:
        folder.publish(path, {"mean": 1.0})
    candidates(experiment)
    for candidate in range(3):
        folder.publish(folder.rescored(candidate), {"mean": 0.5, "sd": None})
    shortlist(experiment)
    listed(experiment, p0_0=0.5, p0_1=0.6, p1_0=0.8, p1_1=0.8)
    choose(experiment)
    assert [path for path in leftovers if path.exists()] == []
