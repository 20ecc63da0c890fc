"""Training of one network: optimiser, epochs, scoring (paper, section 4.1).

Stochastic gradient descent with Nesterov's momentum and a learning rate that falls in steps. All
random numbers of an epoch follow from the seed and the epoch's number alone, so that a training
that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.children.contract import Diverged
from nas_hpc.children.images import Images
from nas_hpc.children.nesterov import Nesterov
from nas_hpc.children.progress import Progress
from nas_hpc.experiment.model import Training

History = dict[str, list[float]]
"""``training_loss``, ``validation_loss``, ``validation_accuracy``: one number for each epoch."""


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
        seed: of all random numbers from here on.
        progress: where to go on from, and to save to between epochs.
        report: called after each epoch with its number from 1 and its metrics.

    Raises:
        Diverged: a loss is not finite.
    """
    device = train_on.pixels.device
    optimiser = Nesterov(network.parameters(), training.momentum, training.weight_decay)
    history: History = {"training_loss": [], "validation_loss": [], "validation_accuracy": []}
    saved = progress.load(str(device)) if progress else None
    if saved:
        network.load_state_dict(saved["network"])
        optimiser.velocity = saved["velocity"]
        history = saved["history"]

    for epoch in range(len(history["training_loss"]), training.epochs):
        torch.manual_seed(_epoch_seed(seed, epoch))
        batches = train_on.epoch(training.batch_size)
        total = _pass(network, optimiser, learning_rate(training, epoch), batches)
        metrics = {"training_loss": total / len(train_on)}
        metrics["validation_loss"], metrics["validation_accuracy"] = score(network, score_on)
        for name, value in metrics.items():
            history[name].append(value)
        report(epoch + 1, **metrics)
        for name in ("training_loss", "validation_loss"):
            if not math.isfinite(metrics[name]):
                raise Diverged(f"{name.replace('_', ' ')} {metrics[name]} in epoch {epoch + 1}")
        if progress and progress.due():
            progress.save(
                {
                    "network": network.state_dict(),
                    "velocity": optimiser.velocity,
                    "history": history,
                }
            )
    return history


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


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=(epoch,)).generate_state(1)[0])
