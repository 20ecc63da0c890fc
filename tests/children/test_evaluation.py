"""How trials end: with a reward, with a failure of the architecture, or with one of the code."""

import math
from pathlib import Path

import pytest
import torch

from nas_hpc.children import evaluation
from nas_hpc.children.contract import Trial
from nas_hpc.children.evaluation import device_of, evaluate, trial_seed
from nas_hpc.experiment import Arrays, Experiment, ExperimentError
from nas_hpc.experiment.model import Reward
from nas_hpc.experiment.resources import Slots
from nas_hpc.store import read_outcome, write_outcome
from tests.children.runs import make_experiment, make_run, make_spec

OWN = """
import torch
from nas_hpc.children import Diverged, Score

def memory(architecture, data, training, trial):
    raise MemoryError("no room")

def torch_memory(architecture, data, training, trial):
    torch.empty(2**60)

def mistake(architecture, data, training, trial):
    return undefined_name

def other_mistake(architecture, data, training, trial):
    raise RuntimeError("shapes do not match")

def diverged(architecture, data, training, trial):
    raise Diverged("it oscillates")

def not_a_number(architecture, data, training, trial):
    return float("nan")

def number(architecture, data, training, trial):
    assert data.test is None
    trial.report(1, accuracy=0.25)
    return 0.5

def score(architecture, data, training, trial):
    metrics = {"curve": [1.0, 2.0], "option": trial.options["x"]}
    return Score(len(architecture.layers), metrics, earlier_seconds=100.0)

def random_numbers(architecture, data, training, trial):
    import random, numpy
    drawn = [random.random(), numpy.random.random(), torch.rand(()).item()]
    return Score(1.0, {"drawn": drawn, "seed": trial.seed})
"""


def own_run(tmp_path: Path, name: str, **options: float):
    (tmp_path / "own.py").write_text(OWN)
    experiment = make_experiment(
        child={"name": f"{tmp_path}/own.py:{name}", "options": options}, reward={"failure": -2.0}
    )
    return experiment, make_run(tmp_path, experiment)


def run_own(tmp_path: Path, name: str, **options: float):
    experiment, folder = own_run(tmp_path, name, **options)
    return evaluate(experiment, folder, make_spec(experiment, 4)), folder.trial(4) / "log.txt"


def test_the_reward_is_the_best_of_the_last_accuracies_raised_to_the_power(tmp_path: Path):
    experiment = make_experiment(reward={"last_epochs": 2, "power": 3.0})
    folder = make_run(tmp_path, experiment)
    outcome = evaluate(experiment, folder, make_spec(experiment, 1), 2, "cpu-0")
    accuracies = outcome.metrics["validation_accuracy"]
    assert len(accuracies) == 3 and len(set(outcome.metrics["training_loss"])) == 3
    assert outcome.reward == max(accuracies[1:]) ** 3
    assert (outcome.trial, outcome.status, outcome.reason) == (1, "ok", "")
    assert (outcome.attempt, outcome.slot, outcome.device) == (2, "cpu-0", "cpu")
    assert outcome.started < outcome.ended and outcome.seconds > 0
    assert f"torch {torch.__version__}" in outcome.versions
    log = (folder.trial(1) / "log.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in log] == ["epoch 1", "epoch 2", "epoch 3"]


def test_the_reward_of_a_list_worked_out_by_hand():
    trial = Trial(0, 0, "cpu", Path(), {}, Reward(last_epochs=2, power=3.0))
    assert trial.to_reward([0.9, 0.1, 0.5, 0.4]) == 0.125
    assert trial.to_reward([0.5]) == 0.125


def test_divergence_of_the_built_in_child_has_the_configured_reward(tmp_path: Path):
    training = {"epochs": 20, "batch_size": 16, "learning_rate": 1e6, "augmentation": "none"}
    experiment = make_experiment(training=training, reward={"failure": 0.05})
    outcome = evaluate(experiment, make_run(tmp_path, experiment), make_spec(experiment, 0))
    assert (outcome.status, outcome.reward) == ("diverged", 0.05)
    assert "loss" in outcome.reason and "epoch" in outcome.reason


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("diverged", "diverged", "it oscillates"),
        ("not_a_number", "diverged", "reward nan"),
        ("memory", "out of memory", "MemoryError: no room"),
        ("torch_memory", "out of memory", "can't allocate memory"),
    ],
)
def test_a_failure_of_the_architecture_is_named_and_has_the_configured_reward(
    tmp_path: Path, name, status, reason
):
    outcome, _ = run_own(tmp_path, name)
    assert (outcome.status, outcome.reward) == (status, -2.0)
    assert reason in outcome.reason and "\n" not in outcome.reason
    assert outcome.answers


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mistake", "NameError: name 'undefined_name' is not defined"),
        ("other_mistake", "RuntimeError: shapes do not match"),
    ],
)
def test_a_mistake_in_the_code_is_not_blamed_on_the_architecture(tmp_path: Path, name, reason):
    outcome, log = run_own(tmp_path, name)
    assert (outcome.status, outcome.reason) == ("lost", reason)
    assert math.isnan(outcome.reward) and not outcome.answers
    text = log.read_text()
    assert "Traceback" in text and f"in {name}" in text and reason in text


def test_an_own_child_may_return_a_number(tmp_path: Path):
    outcome, log = run_own(tmp_path, "number")
    assert (outcome.status, outcome.reward) == ("ok", 0.5)
    assert log.read_text() == "epoch 1: accuracy 0.25\n"


def test_an_own_child_may_return_a_score_and_its_outcome_can_be_stored(tmp_path: Path):
    outcome, _ = run_own(tmp_path, "score", x=7.0)
    assert outcome.reward == 3.0 and outcome.seconds > 100
    assert outcome.metrics == {"curve": [1.0, 2.0], "option": 7.0}
    write_outcome(tmp_path / "outcome.h5", outcome)
    assert read_outcome(tmp_path / "outcome.h5") == outcome


def test_every_attempt_has_the_same_seed_and_every_trial_another(tmp_path: Path):
    experiment, folder = own_run(tmp_path, "random_numbers")
    first, second = (evaluate(experiment, folder, make_spec(experiment, 4), n) for n in (1, 2))
    other = evaluate(experiment, folder, make_spec(experiment, 5))
    assert first.metrics == second.metrics and first.seed == second.seed == first.metrics["seed"]
    assert not set(first.metrics["drawn"]) & set(other.metrics["drawn"])
    reseeded = evaluate(experiment, folder, make_spec(experiment, 4), seed=99)
    assert reseeded.seed == reseeded.metrics["seed"] == 99
    assert len({trial_seed(experiment, trial) for trial in range(1000)}) == 1000


def test_the_search_runs_without_test_data_and_scoring_on_it_is_asked_for(tmp_path: Path):
    from nas_hpc.children import Dataset, load_search, load_test

    experiment = make_experiment()
    folder = make_run(tmp_path, experiment)
    spec = make_spec(experiment, 0)
    search, test = load_search(folder.data), load_test(folder.data)
    (folder.data / "test.npz").unlink()
    outcome = evaluate(experiment, folder, spec)
    assert outcome.status == "ok" and "test_accuracy" not in outcome.metrics

    complete = Dataset(search.train, search.validation, test, search.classes)
    scored = evaluate(experiment, folder, spec, data=complete)
    assert 0 < scored.metrics["test_accuracy"] <= 1
    assert scored.reward == outcome.reward
    assert scored.metrics == {**outcome.metrics, "test_accuracy": scored.metrics["test_accuracy"]}


def test_a_wrong_child_is_an_error_of_the_experiment(tmp_path: Path):
    experiment = make_experiment(child={"name": "regressor"})
    folder = make_run(tmp_path, experiment)
    with pytest.raises(ExperimentError, match=r"child\.name = 'regressor': allowed: classifier"):
        evaluate(experiment, folder, make_spec(experiment, 0))


def test_slots_share_the_gpus_by_their_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    slots = ["local-0", "local-1", "local-12", "local-13", "debug", ""]
    assert [device_of(slot)[-1] for slot in slots] == list("010100")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("local-1") == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine's GPU is in order")
def test_a_gpu_out_of_order_is_no_reason_to_train_on_the_cpu(tmp_path, monkeypatch):
    slots = Slots(executor="slurm", arrays=Arrays(gpus=1))
    experiment = Experiment(name="any", slots=slots)
    monkeypatch.setattr(evaluation, "DRIVER", tmp_path)
    with pytest.raises(RuntimeError, match="torch sees none"):
        evaluation.check_gpu(experiment)
    evaluation.check_gpu(Experiment(name="any"))
    monkeypatch.setattr(evaluation, "DRIVER", tmp_path / "no driver")
    evaluation.check_gpu(experiment)
