"""The race: who trains what, when, and what its laps come to."""

import numpy as np
import pytest

from nas_hpc.bench import race as module
from nas_hpc.bench.race import Comparison, Lap, race, some, subjects
from nas_hpc.children import Dataset, Split
from nas_hpc.children.digits import digits
from nas_hpc.experiment import ExperimentError
from nas_hpc.spaces.learning_rate import Tuned
from tests.children.runs import make_experiment

DATA = digits(train=40, validation=20)


def laps(subject, child, plain, images=100):
    arms = (("child", child, 0.5), ("plain", plain, 0.25))
    return [
        Lap(subject, turn, arm, images, seconds, accuracy)
        for arm, times, accuracy in arms
        for turn, seconds in enumerate(times)
    ]


def test_one_architecture_written_out():
    found = Comparison.of(laps(0, child=[1.0, 4.0, 2.0], plain=[5.0, 6.0, 30.0]))
    assert (found.child, found.plain) == (50.0, pytest.approx(100 / 6))
    assert found.ratio == pytest.approx(3.0), "of the medians, 6 s and 2 s"
    assert (found.lowest, found.highest) == (1.5, 15.0), "6/4 and 30/2, in the same rounds"
    assert (found.child_accuracy, found.plain_accuracy) == (0.5, 0.25)


def test_together_architectures_count_by_their_time():
    quick, slow = laps(0, [1.0], [4.0]), laps(1, [9.0], [16.0])
    found = Comparison.of([*quick, *slow])
    assert (found.child, found.plain) == (20.0, 10.0)
    assert found.ratio == 2.0


def test_all_train_in_every_round_and_beginners_change(monkeypatch):
    done = []

    def arm(name):
        def train(subject, data, device, seed=0, **kwargs):
            done.append((name, subject.sample, subject.training.epochs, seed))
            return 0.5

        return train

    monkeypatch.setattr(module, "train_child", arm("child"))
    monkeypatch.setattr(module, "train_plain", arm("plain"))
    experiment = make_experiment(budget={"trials": 11})
    found = race(experiment, subjects(experiment, 2), DATA, "cpu", rounds=2, workers=0)
    assert [entry[:3] for entry in done] == [
        *[("child", 0, 1), ("plain", 0, 1)],  # to warm up
        *[("child", 0, 3), ("plain", 0, 3), ("child", 10, 3), ("plain", 10, 3)],
        *[("plain", 0, 3), ("child", 0, 3), ("plain", 10, 3), ("child", 10, 3)],
    ]
    seeds = [seed for *_, seed in done[2:]]
    assert seeds[::2] == seeds[1::2] and len(set(seeds)) == 4, "a pair has the same weights"
    assert {lap.images for lap in found} == {120} and len(found) == 8


def test_both_really_train_from_the_same_weights():
    experiment = make_experiment(training={"epochs": 1, "learning_rate": 1e-9})
    entered = subjects(experiment, 1)
    child, plain = race(experiment, entered, DATA, "cpu", rounds=1, workers=0)
    assert (child.arm, plain.arm) == ("child", "plain")
    assert child.accuracy == pytest.approx(plain.accuracy, abs=0.11), "nothing has been learnt"
    weights = [dict(entered[0].network(DATA, seed).named_parameters()) for seed in (4, 4, 5)]
    name = "layer_0.convolution.weight"
    assert weights[0][name].equal(weights[1][name]) and not weights[0][name].equal(weights[2][name])


def test_architectures_are_as_large_as_the_searchs():
    space = {"arguments": {"depth": 2}, "schedule": {"argument": "depth", "add": 3, "every": 10}}
    drawn = subjects(make_experiment(space=space, budget={"trials": 21}), 3)
    assert [subject.sample for subject in drawn] == [0, 10, 20]
    assert [len(subject.architecture.layers) for subject in drawn] == [2, 5, 8]


def test_a_chosen_learning_rate_is_trained_with():
    settings = {"space": {"learning_rates": [0.03]}, "training": {"learning_rate": None}}
    grid = {"retrain": {"grid": {"learning_rate": [None]}}}
    (subject,) = subjects(make_experiment(**settings, **grid), 1)
    assert subject.training.learning_rate == 0.03 and not isinstance(subject.architecture, Tuned)


def test_another_child_cannot_be_compared():
    experiment = make_experiment(child={"name": "mine.py:child"})
    with pytest.raises(ExperimentError, match=r"child\.name = 'mine\.py:child'"):
        subjects(experiment, 1)


def test_what_cannot_be_trained_is_named():
    experiment = make_experiment(training={"learning_rate": 1e30, "epochs": 2})
    with pytest.raises(ExperimentError, match=r"diverged .* lower training\.learning_rate"):
        race(experiment, subjects(experiment, 1), DATA, "cpu", rounds=1, workers=0)


def test_fewer_images_keep_their_classes():
    labels = np.repeat(np.arange(4), 50)  # in order of their classes, as folders may be
    split = Split(np.zeros((200, 1, 2, 2), np.float32), labels)
    small = some(Dataset(split, split, split, 4), 40)
    assert np.bincount(small.train.labels).tolist() == [10] * 4
    assert np.bincount(small.validation.labels).tolist() == [10] * 4
    assert len(some(Dataset(split, split, None, 4), 1000).train) == 200
