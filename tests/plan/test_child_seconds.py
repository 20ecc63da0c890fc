"""How long a child trains: from records, or by really training."""

import numpy as np
import pytest

from nas_hpc.children import Dataset, Split, prepare
from nas_hpc.experiment import ExperimentError, Training
from nas_hpc.plan import child_seconds
from nas_hpc.plan.child_seconds import measured, recorded
from nas_hpc.report.arms import Arm
from nas_hpc.store import RunFolder, SearchLog
from tests.report.laboratory import experiment_in, outcome, sample

SMALL = {
    "space": {"options": {"filters": [2, 4]}, "arguments": {"depth": 2}},
    "data": {"options": {"train": 60, "validation": 40}},
    "training": {"epochs": 7, "batch_size": 20},
}


def arm_of(place, depths, seconds, **changes) -> Arm:
    samples = tuple(sample(i, arguments={"depth": depth}) for i, depth in enumerate(depths))
    outcomes = tuple(outcome(i, seconds=s) for i, s in enumerate(seconds))
    return Arm("reinforce", experiment_in(place, **changes), SearchLog(samples, outcomes))


def test_the_median_of_what_is_recorded(tmp_path):
    arm = arm_of(tmp_path, [4] * 4, [10.0, 30.0, 20.0, 500.0])
    found = recorded([arm, arm_of(tmp_path, [4], [25.0])])
    assert (found.at(0), found.mean(30)) == (25.0, 25.0)
    assert found.source == "median of 5 recorded trials, on cpu"
    assert found.parameters == 103


def test_failures_and_few_trials_tell_nothing(tmp_path):
    arm = arm_of(tmp_path, [4] * 2, [10.0, 30.0])
    diverged = outcome(0, status="diverged", seconds=1.0)
    log = SearchLog(arm.log.samples, (*arm.log.outcomes, diverged))
    assert recorded([Arm("reinforce", arm.experiment, log)]) is None
    assert recorded([]) is None


def test_a_growing_space_has_a_median_for_each_size(tmp_path):
    schedule = {"arguments": {"depth": 4}, "schedule": {"argument": "depth", "every": 3}}
    arm = arm_of(tmp_path, [4, 4, 4, 6, 6], [10.0, 12.0, 90.0, 20.0, 24.0], space=schedule)
    found = recorded([arm])
    assert found.points == ((1, 12.0), (3.5, 22.0))
    assert found.at(29) == 22.0
    assert "one for each size of the space so far" in found.source


def test_architectures_are_really_trained(tmp_path):
    experiment = experiment_in(tmp_path, **SMALL)
    found = measured(experiment)
    assert found.at(0) > 0 and found.points == ((0, found.at(0)),)
    assert found.device and found.parameters > 0
    assert "3 drawn architectures" in found.source and "times 7 epochs" in found.source
    assert not RunFolder.of(experiment).data.exists(), "nothing is left in the run's folder"
    before = prepare(experiment, RunFolder.of(experiment).data)
    measured(experiment)
    assert prepare(experiment, RunFolder.of(experiment).data) == before


def test_a_growing_space_is_measured_at_both_ends(tmp_path):
    space = SMALL["space"] | {"schedule": {"argument": "depth", "add": 3, "every": 10}}
    found = measured(experiment_in(tmp_path, **(SMALL | {"space": space})))
    assert [number for number, _ in found.points] == [0, 29]
    assert "6 drawn architectures" in found.source


def test_a_child_that_does_not_work_is_named(tmp_path):
    (tmp_path / "mine.py").write_text("def child(a, d, t, trial):\n    raise KeyError('layer')\n")
    child = {"name": f"{tmp_path / 'mine.py'}:child"}
    with pytest.raises(ExperimentError, match="KeyError"):
        measured(experiment_in(tmp_path, **SMALL, child=child))


@pytest.mark.parametrize(("of_a_step", "trained"), [(0.01, [4, 64]), (1.0, [4, 12])])
def test_a_long_epoch_is_estimated_from_its_first_steps(of_a_step, trained):
    """Of a start of 1 s and 64 steps; the short one is trained, the long one never."""
    images = np.zeros((640, 1, 4, 4), np.uint8)
    split = Split(images, np.arange(640, dtype=np.int64) % 2)
    training = Training(batch_size=10)
    steps = []

    def train(some: Dataset) -> float:
        steps.append(some.steps(training))
        return 1.0 + of_a_step * steps[-1]

    found = child_seconds.seconds_of_an_epoch(train, Dataset(split, split, None, 2), training)
    assert found == pytest.approx(1.0 + of_a_step * 64)
    assert steps == trained
