"""Children at a time, as real processes."""

import threading

import pytest
import torch

from nas_hpc.bench import crowd as module
from nas_hpc.bench.crowd import crowd
from nas_hpc.bench.race import subjects
from nas_hpc.children.digits import digits
from nas_hpc.experiment import ExperimentError
from tests.children.runs import make_experiment

torch.set_num_threads(1)
DATA = digits(train=40, validation=20)


def test_children_train_at_a_time():
    found = crowd(2, subjects(make_experiment(), 1), DATA, "cpu")
    assert found.children == 2 and found.images_per_second > 0


def test_one_that_fails_does_not_keep_the_others_waiting(monkeypatch):
    start = threading.Barrier(2)
    monkeypatch.setattr(module, "_ready", (start, DATA, "cpu"), raising=False)
    (subject,) = subjects(make_experiment(training={"learning_rate": 1e30}), 1)
    with pytest.raises(ExperimentError, match="diverged"):
        module._train(subject)
    assert start.broken
