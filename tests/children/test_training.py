"""Training: the optimiser against torch's, scores against numpy, going on after an interruption."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nas_hpc.children import Diverged, Split
from nas_hpc.children.digits import digits
from nas_hpc.children.images import Images
from nas_hpc.children.nesterov import Nesterov
from nas_hpc.children.network import build
from nas_hpc.children.progress import Progress
from nas_hpc.children.training import learning_rate, score, train
from nas_hpc.experiment import Training
from nas_hpc.spaces.convnet import ConvLayer, ConvNet

torch.set_num_threads(1)
ARCHITECTURE = ConvNet(
    (ConvLayer(3, 3, 8, 1, 1, ()), ConvLayer(3, 3, 16, 1, 2, (0,)), ConvLayer(5, 5, 16, 1, 1, ()))
)
SHORT = Training(epochs=4, batch_size=32, learning_rate=0.1, augmentation="shift-flip")
DATA = digits(train=150, validation=100)


def fresh_network() -> nn.Module:
    torch.manual_seed(1)
    return build(ARCHITECTURE, 1, 10, 1e-5)


def images(augmentation: str = "shift-flip") -> tuple[Images, Images]:
    return Images(DATA.train, "cpu", augmentation), Images(DATA.validation, "cpu")


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_the_optimiser_is_the_one_of_torch(momentum, weight_decay):
    ours, theirs = fresh_network(), fresh_network()
    optimiser = Nesterov(ours.parameters(), momentum, weight_decay)
    reference = torch.optim.SGD(
        theirs.parameters(), 0.1, momentum, weight_decay=weight_decay, nesterov=momentum > 0
    )
    pixels, labels = torch.randn(16, 1, 8, 8), torch.randint(10, (16,))
    for rate in (0.1, 0.1, 0.01, 0.01):
        reference.param_groups[0]["lr"] = rate
        optimiser.clear()
        F.cross_entropy(ours(pixels), labels).backward()
        optimiser.step(rate)
        reference.zero_grad()
        F.cross_entropy(theirs(pixels), labels).backward()
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert not torch.equal(next(ours.parameters()), next(fresh_network().parameters()))


def test_weights_without_gradient_stay():
    weights = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))]
    optimiser = Nesterov(weights, momentum=0.9, weight_decay=0.1)
    weights[1].grad = torch.ones(2)
    optimiser.step(1.0)
    assert weights[0].tolist() == [1, 1] and weights[1].tolist() != [1, 1]


def test_the_learning_rate_falls_at_half_and_three_quarters():
    rates = [learning_rate(Training(epochs=50, learning_rate=0.1), epoch) for epoch in range(50)]
    np.testing.assert_allclose(rates, [0.1] * 25 + [0.01] * 13 + [0.001] * 12)


def test_score_is_mean_cross_entropy_and_accuracy():
    logits = np.random.default_rng(0).normal(size=(2300, 3)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 3, 2300)
    network = nn.Flatten()  # an image of three pixels is its own logits
    loss, accuracy = score(network, Images(Split(logits[:, :, None, None], labels), "cpu"))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -np.log(probabilities[np.arange(2300), labels]).mean()
    assert math.isclose(loss, expected, rel_tol=1e-5)
    assert accuracy == (logits.argmax(1) == labels).mean()


def test_scoring_uses_what_was_learnt_and_changes_nothing():
    network, (_, validation) = fresh_network(), images()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, halves = score(network, validation), []
    for half in (slice(0, 50), slice(50, 100)):
        split = Split(DATA.validation.inputs[half], DATA.validation.labels[half])
        halves.append(score(network, Images(split, "cpu")))
    np.testing.assert_allclose(first, np.mean(halves, axis=0), rtol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_training_learns_and_reports_each_epoch():
    reported = []
    training = SHORT.model_copy(update={"epochs": 8, "batch_size": 8})

    def report(epoch: int, **metrics: float) -> None:
        reported.append((epoch, metrics))

    history = train(fresh_network(), *images("none"), training, 1, report=report)
    assert [epoch for epoch, _ in reported] == list(range(1, 9))
    for name, values in history.items():
        assert values == [metrics[name] for _, metrics in reported]
    assert history["validation_accuracy"][-1] > 0.5
    assert history["training_loss"][-1] < history["training_loss"][0]


def test_the_seed_decides_everything():
    def trained(seed):
        network = fresh_network()
        history = train(network, *images(), SHORT, seed)
        return history, torch.cat([weight.flatten() for weight in network.parameters()])

    (first, weights), (again, same), (other, _) = trained(5), trained(5), trained(6)
    assert first == again and torch.equal(weights, same)
    assert first != other


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("done", [1, 2, 3])
def test_going_on_after_an_interruption_changes_no_bit(tmp_path: Path, monkeypatch, done):
    monkeypatch.setattr(Progress, "seconds_between", 0.0)

    def stop(epoch: int, **metrics: float) -> None:
        if epoch > done:
            raise Interrupted

    undisturbed = fresh_network()
    expected = train(undisturbed, *images(), SHORT, 7)
    path = tmp_path / "trial" / "progress.pt"
    with pytest.raises(Interrupted):
        train(fresh_network(), *images(), SHORT, 7, Progress(path, "work"), stop)

    repeated: list[int] = []
    network = build(ARCHITECTURE, 1, 10, 1e-5)  # other initial weights
    progress = Progress(path, "work")
    history = train(
        network, *images(), SHORT, 7, progress, lambda epoch, **_: repeated.append(epoch)
    )
    assert repeated == list(range(done + 1, 5))
    assert progress.earlier_seconds > 0
    assert history == expected
    state, expected_state = network.state_dict(), undisturbed.state_dict()
    assert all(torch.equal(state[name], expected_state[name]) for name in expected_state)


def test_the_checkpoint_of_other_work_is_not_used(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Progress, "seconds_between", 0.0)
    path = tmp_path / "progress.pt"
    train(fresh_network(), *images(), SHORT, 7, Progress(path, "work"))
    assert Progress(path, "work").load("cpu") is not None
    assert Progress(path, "other work").load("cpu") is None
    assert Progress(tmp_path / "none.pt", "work").load("cpu") is None


def test_a_short_child_writes_no_checkpoint(tmp_path: Path):
    train(fresh_network(), *images(), SHORT, 7, Progress(tmp_path / "progress.pt", "work"))
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_not_finite_is_named():
    training = SHORT.model_copy(update={"learning_rate": 1e6, "epochs": 20})
    with pytest.raises(Diverged, match=r"(training|validation) loss (nan|inf) in epoch \d+"):
        train(fresh_network(), *images(), training, 1)
