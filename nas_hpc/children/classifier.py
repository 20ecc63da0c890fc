"""The built-in child: an image classifier, trained as in the paper's section 4.1."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from torch import nn

from nas_hpc.children.contract import Score, Trial
from nas_hpc.children.dataset import Dataset
from nas_hpc.children.images import Images
from nas_hpc.children.network import build, parameters
from nas_hpc.children.progress import Progress, save_durably
from nas_hpc.children.training import score, train
from nas_hpc.experiment.training import Training
from nas_hpc.spaces import describe, digest


def classifier(architecture: object, data: Dataset, training: Training, trial: Trial) -> Score:
    """Build the architecture's network, train it, and reward its validation accuracy.

    Metrics: ``parameters``; ``training_loss``, ``validation_loss`` and ``validation_accuracy`` for
    each epoch; ``test_accuracy`` of the trained network if the data has a test part.

    Raises:
        Diverged: a loss is not finite.
        TypeError: no network is known for this type of architecture.
    """
    channels = data.train.inputs.shape[1]
    network = build(architecture, channels, data.classes, training.batch_norm_epsilon)
    work = [describe(architecture), training.model_dump(), trial.seed]
    return train_and_score(network, data, training, trial, digest(work))


def train_and_score(
    network: nn.Module, data: Dataset, training: Training, trial: Trial, identity: str
) -> Score:
    """What `classifier` does with a network; for a child with networks of its own.

    Args:
        network: of images [n, channels, height, width] to logits [n, classes].
        identity: of architecture, training and seed: an epoch checkpoint of another is not used.
    """
    network = network.to(trial.device)
    progress = Progress(trial.folder / "progress.pt", identity)
    seen = training.augmentation, training.augmentation_margin
    history = train(
        network,
        _resident(data, "train", trial.device, *seen),
        _resident(data, "validation", trial.device, *seen),
        training,
        trial.seed,
        progress,
        trial.report,
    )
    metrics: dict[str, float | list[float]] = {"parameters": parameters(network), **history}
    if data.test is not None:
        metrics["test_accuracy"] = score(network, Images(data.test, trial.device, *seen))[1]
    if trial.weights is not None:
        save_weights(network, trial.weights)
    reward = trial.to_reward(history["validation_accuracy"])
    return Score(reward, metrics, progress.earlier_seconds)


def save_weights(network: nn.Module, path: Path) -> None:
    """Save the network's state dictionary durably, for ``torch.load(path, weights_only=True)``."""
    save_durably(network.state_dict(), path)


@lru_cache(maxsize=2)
def _resident(data: Dataset, part: str, device: str, augmentation: str, margin: float) -> Images:
    """The part on the device, kept there for the next trial."""
    return Images(getattr(data, part), device, augmentation, margin)
