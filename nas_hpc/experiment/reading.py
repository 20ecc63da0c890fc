"""YAML files to experiments, with errors that name file, key and allowed values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from nas_hpc.experiment.arrays import Arrays
from nas_hpc.experiment.model import Experiment
from nas_hpc.experiment.reference import absolute, is_reference
from nas_hpc.experiment.strict import Strict
from nas_hpc.experiment.training import KINDS, LANGUAGE_MODEL, LanguageTraining

SHIPPED = Path("workflow/experiments")
SUFFIXES = {".yaml", ".yml"}
"""Of an experiment's file; what has none of them is the name of a shipped one."""


class ExperimentError(ValueError):
    """An experiment cannot be used; the message names the file, the key and what is allowed."""


def find(name: str) -> Path:
    """The YAML file of an experiment: a path, or the name of a file in ``workflow/experiments``."""
    path = Path(name)
    if path.suffix in SUFFIXES:
        if not path.is_file():
            raise ExperimentError(f"{path} does not exist")
        return path
    folders = [SHIPPED, Path(__file__).parents[2] / SHIPPED]
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    shipped = sorted({file.stem for folder in folders for file in folder.glob("*.yaml")})
    raise ExperimentError(
        f"experiment {name!r} does not exist; allowed: {', '.join(shipped) or 'none'}, "
        f"or the path of a YAML file"
    )


def read(name: str, children: Path | None = None) -> Experiment:
    """Read and validate an experiment, by name or path.

    Args:
        name: of the experiment, or the path of its YAML file.
        children: YAML file of how children run as Slurm arrays; without it they run here.

    Raises:
        ExperimentError: no such file, no YAML in it, or a key or value that is not allowed.
    """
    experiment = _read_alone(name, children)
    read_targets(experiment)
    return experiment


def read_targets(experiment: Experiment, children: Path | None = None) -> tuple[Experiment, ...]:
    """Those of ``retrain.transfer``, in its order; what they transfer to themselves is not read.

    Raises:
        ExperimentError: one cannot be read, trains no language model, or has no parameters to solve
            the size for.
    """
    targets = []
    for name in experiment.retrain.transfer:
        try:
            target = _read_alone(name, children)
        except ExperimentError as error:
            raise ExperimentError(
                f"{experiment.name}: retrain.transfer = {name!r}: {error}"
            ) from None
        training = target.training
        if not isinstance(training, LanguageTraining):
            raise ExperimentError(
                f"{experiment.name}: retrain.transfer = {name!r}: its training.kind is "
                f"{training.kind}; allowed: {LANGUAGE_MODEL}"
            )
        if training.parameters is None:
            raise ExperimentError(
                f"{experiment.name}: retrain.transfer = {name!r}: it must have "
                "training.parameters, so that all cells have as many"
            )
        targets.append(target)
    return tuple(targets)


def _read_alone(name: str, children: Path | None) -> Experiment:
    path = find(name)
    experiment = validate(_load(path), path)
    return experiment if children is None else _on_slurm(experiment, read_arrays(children))


def read_arrays(path: Path) -> Arrays:
    """Read and validate how children run as Slurm arrays.

    Raises:
        ExperimentError: no such file, no YAML in it, or a key or value that is not allowed.
    """
    if not path.is_file():
        raise ExperimentError(f"{path} does not exist")
    data = _load(path) or {}
    if not isinstance(data, dict):
        raise ExperimentError(f"{path} must hold keys and values")
    try:
        return Arrays.model_validate(data)
    except ValidationError as error:
        raise ExperimentError(_explain(error, path, Arrays)) from None


def _on_slurm(experiment: Experiment, arrays: Arrays) -> Experiment:
    changed = {
        "executor": "slurm",
        "count": arrays.max_running,
        "threads": arrays.threads,
        "arrays": arrays,
    }
    slots = experiment.slots.model_copy(update=changed)
    return experiment.model_copy(update={"slots": slots})


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ExperimentError(f"{path} is not YAML: {error}") from None


def validate(data: Any, path: Path) -> Experiment:
    """The experiment of parsed YAML; ``path`` is named in errors and anchors relative files."""
    if not isinstance(data, dict):
        raise ExperimentError(f"{path} must hold keys and values")
    try:
        experiment = Experiment.model_validate({"name": path.stem} | data)
    except ValidationError as error:
        raise ExperimentError(_explain(error, path, Experiment)) from None
    return _with_absolute_files(experiment, path.parent)


def _with_absolute_files(experiment: Experiment, folder: Path) -> Experiment:
    changed: dict[str, Any] = {}
    for section in ("space", "data", "child"):
        own = getattr(experiment, section)
        if is_reference(own.name):
            changed[section] = own.model_copy(update={"name": absolute(own.name, folder)})
    strategy = absolute(experiment.search.strategy, folder)
    changed["search"] = experiment.search.model_copy(update={"strategy": strategy})
    changed["compare_with"] = tuple(absolute(name, folder) for name in experiment.compare_with)
    beside = tuple(absolute(name, folder) for name in experiment.retrain.beside)
    transfer = tuple(_absolute_file(name, folder) for name in experiment.retrain.transfer)
    final = experiment.retrain.model_copy(update={"beside": beside, "transfer": transfer})
    changed["retrain"] = final
    return experiment.model_copy(update=changed)


def _absolute_file(name: str, folder: Path) -> str:
    """An experiment's path made absolute from ``folder``; its name as it is."""
    return str((folder / name).resolve()) if Path(name).suffix in SUFFIXES else name


def _explain(error: ValidationError, path: Path, model: type[Strict]) -> str:
    lines = []
    for fault in error.errors():
        location = fault["loc"]
        key = ".".join(str(part) for part in location if part not in KINDS)
        if fault["type"] == "extra_forbidden":
            allowed = ", ".join(_siblings(location, model))
            lines.append(f"{path}: {key} is not a key; allowed here: {allowed}")
        else:
            message = fault["msg"].removeprefix("Value error, ")
            # Of whole sections the message names what is wrong in them.
            value = "" if isinstance(fault["input"], dict) else f" = {fault['input']!r}"
            lines.append(f"{path}: {key}{value}: {message}" if key else f"{path}: {message}")
    return "\n".join(lines)


def _siblings(location: tuple[int | str, ...], model: Any) -> list[str]:
    for part in location[:-1]:
        if part in KINDS:
            model = next(m for m in model if m.model_fields["kind"].default == part)
            continue
        models = _models(model.model_fields[part].annotation)
        model = models if len(models) > 1 else models[0]
    return list(model.model_fields)


def _models(annotation: Any) -> list[Any]:
    """The models among what an annotation allows."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
