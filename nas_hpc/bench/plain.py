"""Training as most people write it: torchvision's transforms, a DataLoader, torch's optimiser."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from nas_hpc.children.dataset import Dataset as Data
from nas_hpc.children.dataset import Split
from nas_hpc.experiment import Training


def train_plainly(
    network: nn.Module, data: Data, training: Training, device: str, workers: int
) -> list[float]:
    """Train the network in place, with what `nas_hpc.children.training.train` does by other means.

    Args:
        network: on the device.
        data: to train on, and to score on after each epoch.
        training: how.
        device: as torch names it.
        workers: processes of the loader that prepares training images.

    Returns:
        The validation accuracy after each epoch.
    """
    assert training.learning_rate is not None, "chosen by the policy, and not filled in"
    pinned = device.startswith("cuda")
    train_on = DataLoader(
        Labelled(data.train, training, augmented=True),
        batch_size=training.batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pinned,
    )
    score_on = DataLoader(
        Labelled(data.validation, training, augmented=False),
        batch_size=training.batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pinned,
    )
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=training.learning_rate,
        momentum=training.momentum,
        weight_decay=training.weight_decay,
        nesterov=training.momentum > 0,
    )
    falls = [math.ceil(fraction * training.epochs) for fraction in training.decay_at]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, falls, training.decay_factor)
    accuracies = []
    for _ in range(training.epochs):
        network.train()
        total = 0.0
        for inputs, labels in train_on:
            inputs, labels = inputs.to(device), labels.to(device)
            optimiser.zero_grad()
            loss = F.cross_entropy(network(inputs), labels)
            loss.backward()
            optimiser.step()
            total += loss.item() * len(labels)
        schedule.step()
        accuracies.append(_accuracy(network, score_on, device))
    return accuracies


class Labelled(Dataset[tuple[Tensor, int]]):
    """Images, transformed one at a time whenever they are asked for."""

    def __init__(self, split: Split, training: Training, augmented: bool) -> None:
        self.images = split.inputs.transpose(0, 2, 3, 1)
        self.labels = split.labels
        height, width = self.images.shape[1:3]
        steps: list[Any] = [transforms.ToTensor()]
        if split.inputs.dtype == "uint8":
            steps.append(whiten)
        self.transform = transforms.Compose([*steps, *_windows(training, height, width, augmented)])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def whiten(image: Tensor) -> Tensor:
    """One image, [channels, height, width] from 0 to 1, at zero mean and unit variance."""
    least = 1 / (255 * math.sqrt(image.numel()))
    return (image - image.mean()) / image.std(correction=0).clamp(min=least)


def _windows(training: Training, height: int, width: int, augmented: bool) -> list[Any]:
    """Transforms that enlarge and cut; see `nas_hpc.children.images.Images`."""
    kind, _, flip = training.augmentation.partition("-")
    down, right = (math.ceil(side * training.augmentation_margin) for side in (height, width))
    steps: list[Any] = []
    if kind == "upsample":
        larger = (height + 2 * down, width + 2 * right)
        steps.append(transforms.Resize(larger, antialias=False))
        cut = transforms.RandomCrop if augmented else transforms.CenterCrop
        steps.append(cut((height, width)))
    if kind == "shift" and augmented:
        steps.append(transforms.RandomCrop((height, width), padding=(right, down)))
    if flip and augmented:
        steps.append(transforms.RandomHorizontalFlip())
    return steps


@torch.no_grad()
def _accuracy(network: nn.Module, loader: DataLoader[Any], device: str) -> float:
    network.eval()
    correct = count = 0
    for inputs, labels in loader:
        found = network(inputs.to(device)).argmax(1)
        correct += int((found == labels.to(device)).sum().item())
        count += len(labels)
    return correct / count
