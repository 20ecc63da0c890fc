"""How the shipped experiments on CIFAR-10 train a child, seen from inside the network.

Zoph & Le 2017, section 4.1: whitened images, enlarged, a random crop of 32 x 32, mirrored at
random; batches of 64; Nesterov's momentum of 0.9, weight decay of 1e-4, a learning rate of 0.1,
divided by 10 after 50% and 75% of 50 epochs.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.children import Dataset, Split, Trial
from nas_hpc.children.classifier import classifier
from nas_hpc.children.evaluation import tuned
from nas_hpc.children.network import build
from nas_hpc.experiment import Training, read
from nas_hpc.spaces.convnet import ConvLayer, ConvNet
from nas_hpc.spaces.learning_rate import Tuned
from tests.children.test_images import upsampled, whitened

FOLDER = Path(__file__).parents[2] / "workflow" / "experiments"
NAMES = ("cifar10", "cifar10-strides", "cifar10-pooling", "cifar10-layer-types", "cifar10-cell")
COUNT, EPOCHS, BATCHES = 101, 50, 2
RATES = {0: 0.1, 24: 0.1, 25: 0.01, 36: 0.01, 37: 0.01, 38: 0.001, 49: 0.001}
"""By epoch from 0: three quarters of 50 epochs are 37.5, and so the 38th is the last at 0.01."""

SMALL = ConvNet((ConvLayer(3, 3, 4, 2, 2, ()), ConvLayer(1, 3, 4, 2, 2, (0,))))


@dataclass(frozen=True)
class Witness:
    """An architecture whose network notes what it is trained on, and its weights at each step."""

    small: ConvNet = SMALL


class WitnessNetwork(nn.Module):
    latest: "WitnessNetwork"

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.inputs: list[Tensor] = []
        self.weights: list[list[Tensor]] = []
        WitnessNetwork.latest = self

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.inputs.append(images.clone())
            self.weights.append([weight.detach().clone() for weight in self.parameters()])
        logits: Tensor = self.inner(images)
        return logits


@build.register
def _(
    architecture: Witness, in_channels: int, classes: int, batch_norm_epsilon: float
) -> nn.Module:
    return WitnessNetwork(build(architecture.small, in_channels, classes, batch_norm_epsilon))


def coloured(count: int) -> npt.NDArray[np.uint8]:
    """Images of 32 x 32 with a little noise, each of a colour that is found again in its crops."""
    noise = np.random.default_rng(2).integers(-4, 5, (count, 3, 32, 32))
    colours = np.stack([np.full(count, 20), 30 + 2 * np.arange(count), np.full(count, 235)], axis=1)
    return (colours[:, :, None, None] + noise).astype(np.uint8)


PIXELS = coloured(COUNT)


def hue(image: npt.NDArray[Any]) -> float:
    """Where the second colour lies between the others, which whitening does not change."""
    red, green, blue = image.mean((1, 2))
    return float((green - red) / (blue - red))


HUES = np.array([hue(image) for image in PIXELS])


def named(batch: Tensor) -> list[int]:
    """Which images they are."""
    return [int(np.abs(HUES - hue(image)).argmin()) for image in batch.numpy()]


@pytest.fixture(scope="module", params=["cifar10", "cifar10-layer-types"])
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> WitnessNetwork:
    """A child, trained as the experiment has it on a few images that are each a class."""
    experiment = read(str(FOLDER / f"{request.param}.yaml"))
    split = Split(PIXELS, np.arange(COUNT))
    data = Dataset(split, Split(PIXELS[:10], np.arange(10)), None, classes=COUNT)
    trial = Trial(0, 3, "cpu", tmp_path_factory.mktemp("trial"), {}, experiment.reward)
    architecture, training = Witness(), experiment.training
    if experiment.space.learning_rates:
        architecture, training = tuned(Tuned(architecture, 0.1), training)
    assert isinstance(training, Training)
    torch.set_num_threads(1)
    torch.manual_seed(3)
    score = classifier(architecture, data, training, trial)
    assert np.shape(score.metrics["training_loss"]) == (EPOCHS,)
    return WitnessNetwork.latest


def test_all_of_them_are_trained_alike() -> None:
    first, *others = (read(str(FOLDER / f"{name}.yaml")).training for name in NAMES)
    for other in others:
        # Where the policy chooses it, the learning rate is not given.
        rate = other.learning_rate or first.learning_rate
        assert other.model_copy(update={"learning_rate": rate}) == first


def test_each_epoch_has_every_image_once_in_an_order_of_its_own(trained: WitnessNetwork) -> None:
    sizes = [len(batch) for batch in trained.inputs]
    assert sizes == [51, 50] * EPOCHS  # as few batches of at most 64 as there can be, as even
    order = [number for batch in trained.inputs for number in named(batch)]
    epochs = [tuple(order[i : i + COUNT]) for i in range(0, len(order), COUNT)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len({*epochs, tuple(range(COUNT))}) == EPOCHS + 1


def test_images_are_crops_of_larger_ones_and_half_of_them_are_mirrored(
    trained: WitnessNetwork,
) -> None:
    """Each is one of 9 x 9 crops of 32 x 32 out of 40 x 40 pixels, or its mirror image."""
    seen: Counter[tuple[int, int, int]] = Counter()
    for batch in trained.inputs[: 3 * BATCHES]:
        for number, image in zip(named(batch), batch.numpy(), strict=True):
            larger = upsampled(whitened(PIXELS[number]), 40, 40)
            crops = np.lib.stride_tricks.sliding_window_view(larger, (32, 32), (1, 2))
            for mirror in (1, -1):
                distances = np.abs(crops - image[:, None, None, :, ::mirror]).max((0, 3, 4))
                for down, right in np.argwhere(distances < 1e-3).tolist():
                    seen[down, right, mirror] += 1
    assert sum(seen.values()) == 3 * COUNT
    assert {down for down, _, _ in seen} == {right for _, right, _ in seen} == set(range(9))
    mirrored = sum(times for (_, _, mirror), times in seen.items() if mirror == -1)
    assert abs(mirrored - 3 * COUNT / 2) < 4 * (3 * COUNT / 4) ** 0.5  # four standard deviations


def test_every_step_is_that_of_torchs_optimiser_at_the_papers_learning_rate(
    trained: WitnessNetwork,
) -> None:
    """From the weights and images of each step, torch makes those of the next one."""
    assert len(trained.weights) == BATCHES * EPOCHS
    network = build(SMALL, 3, COUNT, 1e-5).train()
    reference = torch.optim.SGD(
        network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    rates: dict[int, float] = {}
    for step, (batch, weights) in enumerate(zip(trained.inputs, trained.weights, strict=True)):
        epoch = step // BATCHES
        rate = rates.setdefault(epoch, 0.1 if epoch < 25 else 0.01 if epoch < 38 else 0.001)
        reference.param_groups[0]["lr"] = rate
        with torch.no_grad():
            for ours, theirs in zip(network.parameters(), weights, strict=True):
                if step:
                    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=2e-6)
                ours.copy_(theirs)
        reference.zero_grad()
        F.cross_entropy(network(batch), torch.tensor(named(batch))).backward()
        reference.step()
    assert rates.items() >= RATES.items()
