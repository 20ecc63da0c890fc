"""Training of one network: optimiser, epochs, scoring (paper, section 4.1).

Stochastic gradient descent with Nesterov's momentum and a learning rate that falls in steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.children.epochs import History, run_epochs
from nas_hpc.children.images import Images
from nas_hpc.children.nesterov import Nesterov
from nas_hpc.children.progress import Progress
from nas_hpc.experiment.training import Training


def train(
    network: nn.Module,
    train_on: Images,
    score_on: Images,
    training: Training,
    seed: int,
    progress: Progress | None = None,
    report: Callable[..., None] = lambda epoch, **metrics: None,
) -> History:
    """Train the network in place.

    Args:
        network: on the images' device.
        train_on: training images, augmented as ``training.augmentation`` says.
        score_on: validation images, scored after each epoch.
        training: how.
        seed, progress, report: see `nas_hpc.children.epochs.run_epochs`.

    Returns:
        ``training_loss``, ``validation_loss`` and ``validation_accuracy`` of each epoch.

    Raises:
        Diverged: a loss is not finite.
    """
    trained = _Classifier(network, train_on, score_on, training)
    device = train_on.pixels.device
    return run_epochs(trained, training.epochs, seed, device, progress, report)


class _Classifier:
    """A network in training, see `nas_hpc.children.epochs.Trained`."""

    def __init__(
        self, network: nn.Module, train_on: Images, score_on: Images, training: Training
    ) -> None:
        self.network = network
        self.train_on, self.score_on = train_on, score_on
        self.training = training
        self.optimiser = Nesterov(network.parameters(), training.momentum, training.weight_decay)

    def epoch(self, number: int) -> dict[str, float]:
        batches = self.train_on.epoch(self.training.batch_size)
        total = _pass(self.network, self.optimiser, learning_rate(self.training, number), batches)
        loss, accuracy = score(self.network, self.score_on)
        return {
            "training_loss": total / len(self.train_on),
            "validation_loss": loss,
            "validation_accuracy": accuracy,
        }

    def state(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "velocity": self.optimiser.velocity}

    def load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.velocity = state["velocity"]


@torch.no_grad()
def score(network: nn.Module, images: Images) -> tuple[float, float]:
    """Mean loss in nats, and accuracy from 0 to 1."""
    network.eval()
    device = images.pixels.device
    sums = torch.zeros(2, device=device)
    for inputs, labels in images.in_order():
        with precision(device):
            logits = network(inputs)
        logits = logits.float()
        sums[0] += F.cross_entropy(logits, labels, reduction="sum")
        sums[1] += (logits.argmax(1) == labels).sum()
    loss, correct = sums.tolist()
    return loss / len(images), correct / len(images)


def learning_rate(training: Training, epoch: int) -> float:
    """The learning rate in an epoch, counted from 0."""
    assert training.learning_rate is not None, "chosen by the policy, and not filled in"
    steps = sum(epoch >= fraction * training.epochs for fraction in training.decay_at)
    return float(training.learning_rate * training.decay_factor**steps)


def _pass(
    network: nn.Module,
    optimiser: Nesterov,
    rate: float,
    batches: Iterator[tuple[Tensor, Tensor]],
) -> float:
    """One pass over the batches; the sum of the examples' losses. The device is never awaited."""
    network.train()
    total: Tensor | float = 0.0
    for inputs, labels in batches:
        with precision(inputs.device):
            loss = F.cross_entropy(network(inputs), labels)
        optimiser.clear()
        loss.backward()
        optimiser.step(rate)
        total += loss.detach() * len(labels)
    return float(total)


def precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 where it pays: on GPUs of compute capability 8.0 and above."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
