"""The finally trained network, with its weights and all that is known of it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import nas_hpc
from nas_hpc.children import load_search
from nas_hpc.children.evaluation import load_child
from nas_hpc.children.images import Images
from nas_hpc.children.network import build, parameters
from nas_hpc.experiment import Experiment, Training
from nas_hpc.export import ExportError
from nas_hpc.export.preparation import preparation
from nas_hpc.retrain import RetrainFolder
from nas_hpc.spaces import Tokens, describe, load_space, replay
from nas_hpc.spaces.learning_rate import Tuned
from nas_hpc.spaces.variants import varied
from nas_hpc.store.durable import read_json

EXAMPLES = 4
"""Images; enough to tell their number from other sizes, few enough to take no time."""


@dataclass(frozen=True)
class Winner:
    """A trained network.

    Attributes:
        network: with its weights, in evaluation mode.
        raw: a few images as the data set has them, [n, channels, height, width].
        images: the same as the network is given them.
        preparation: source of the function that makes the latter of the former; may be empty.
        facts: all that is known of it, as JSON data.
    """

    network: nn.Module
    raw: Tensor
    images: Tensor
    preparation: str
    facts: dict[str, Any]


def winner(experiment: Experiment, seed: int | None = None, variant: str | None = None) -> Winner:
    """One of the final trainings: that with the best validation accuracy, unless its seed is given.

    Args:
        experiment: whose.
        seed: its number.
        variant: one of ``retrain.variants``; None: what was found itself.

    Raises:
        RetrainError: the final training is unfinished; says what to run.
        ExportError: the architecture is none of images, the training failed, its weights are not
            there, or its child trains networks that `nas_hpc.children.network.build` does not make.
    """
    folder = RetrainFolder.of(experiment)
    chosen = folder.published(folder.chosen, "choose")
    steps = _steps(experiment, folder, variant)
    architecture = _architecture(experiment, chosen, variant)
    finals = [folder.published(*step) for step in steps]
    trained = {found["seed_number"]: found for found in finals if found["status"] == "ok"}
    if seed is not None and seed not in trained:
        raise ExportError(f"seed {seed} has no trained network; those that have: {[*trained]}")
    if not trained:
        raise ExportError(f"{steps[0][0].parent}: all final trainings diverged")
    number = max(trained, key=lambda k: trained[k]["reward"]) if seed is None else seed
    final, (result, command, options) = trained[number], steps[number]

    data, training = load_search(folder.data), Training.model_validate(final["training"])
    source = Images(data.validation, "cpu", training.augmentation, training.augmentation_margin)
    images = next(source.in_order())[0]
    network = build(architecture, images.shape[1], data.classes, training.batch_norm_epsilon)
    again = f"nas-hpc {command} {experiment.name} {options}"
    _load(experiment, network, folder.weights(result), again)
    about = read_json(folder.data / "data.json")
    facts = {
        "experiment": experiment.name,
        "title": experiment.title,
        "space": {"name": experiment.space.name, "options": experiment.space.options},
        "trial": chosen["trial"],
        "arguments": chosen["arguments"],
        "tokens": chosen["tokens"],
        "variant": variant,
        "architecture": describe(architecture),
        "parameters": parameters(network),
        "training": final["training"],
        "seed": final["seed"],
        "validation_accuracy": final["validation_accuracy"],
        "test_accuracy": final["test_accuracy"],
        "test_accuracy_of_all_seeds": [found["test_accuracy"] for found in trained.values()],
        "data": {"name": about["name"], "options": about["options"]},
        "input": list(images.shape[1:]),
        "input_statistics": [_statistics(images[:, i]) for i in range(images.shape[1])],
        "classes": data.classes,
        "versions": f"nas_hpc {nas_hpc.__version__}, torch {torch.__version__}",
    }
    raw = torch.from_numpy(data.validation.inputs[:EXAMPLES])
    prepared = preparation(data.validation, source)
    return Winner(network.eval(), raw, images[:EXAMPLES], prepared, facts)


def _statistics(pixels: Tensor) -> dict[str, float]:
    deviation, mean = torch.std_mean(pixels)
    about = {"mean": mean, "sd": deviation, "min": pixels.min(), "max": pixels.max()}
    return {name: float(value) for name, value in about.items()}


def _steps(
    experiment: Experiment, folder: RetrainFolder, variant: str | None
) -> list[tuple[Path, str, str]]:
    """For each seed the result of its training, the command that makes it, and its options."""
    seeds, variants = range(experiment.retrain.seeds), experiment.retrain.variants
    if variant is None:
        return [(folder.final(k), "final", f"--seed {k}") for k in seeds]
    if variant not in variants:
        raise ExportError(f"retrain.variants are {[*variants]}; {variant!r} is none of them")
    place = variants.index(variant)
    return [(folder.variant(place, k), "variant", f"--variant {place} --seed {k}") for k in seeds]


def _architecture(experiment: Experiment, chosen: dict[str, Any], variant: str | None) -> Any:
    tokens: Tokens = tuple((str(path), int(token)) for path, token in chosen["tokens"])
    found = replay(load_space(experiment), chosen["arguments"], tokens)
    plain = found.architecture if isinstance(found, Tuned) else found
    load_child(experiment)  # the file of a child may register networks
    if build.dispatch(type(plain)) is build.dispatch(object):
        raise ExportError(
            f"space.name = {experiment.space.name!r}: only networks of images can be exported, and "
            f"nas_hpc.children.network.build makes none of a {type(plain).__name__}"
        )
    return varied(plain, variant)


def _load(experiment: Experiment, network: nn.Module, file: Path, again: str) -> None:
    if not file.is_file():
        raise ExportError(
            f"{file} does not exist: {again} puts it there, if "
            f"child.name = {experiment.child.name!r} saves its weights in trial.weights"
        )
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise ExportError(f"{file} is damaged: {error}") from error
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ExportError(
            f"child.name = {experiment.child.name!r}: its weights in {file} are not those of the "
            f"network that nas_hpc.children.network.build makes of the architecture: {error}"
        ) from error
