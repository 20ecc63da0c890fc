"""One training apart from the workflow: of a trial, or of an architecture in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nas_hpc.children.evaluation import trial_seed
from nas_hpc.experiment import Experiment
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.retrain.selection import Found
from nas_hpc.retrain.steps import result_of
from nas_hpc.retrain.work import Work, carry_out
from nas_hpc.store import RunFolder, read_search
from nas_hpc.store.durable import read_json


def train_one(
    experiment: Experiment,
    trial: int | None,
    strategy: str | None,
    file: Path | None,
    changes: Mapping[str, Any],
    seed: int | None,
) -> Found:
    """Train one architecture, without test data, and keep its weights.

    Args:
        experiment: says how, on which data, with which child.
        trial: number of a trial of the search; or
        strategy: whose trial, the experiment's own unless given.
        file: JSON with ``tokens`` and ``arguments``, as in `candidates`.
        changes: values of ``training``.
        seed: of all random numbers; the trial's unless given.

    Returns:
        What `steps.result_of` says, and ``weights``, the file in which they are.

    Raises:
        RetrainError: no such trial, no such file, a value of ``training`` that is not allowed, or
            see `carry_out`.
    """
    if (trial is None) == (file is None):
        raise RetrainError("give either the number of a trial or a file with tokens")
    architecture = _in_file(file) if file else _of_trial(experiment, trial, strategy)
    try:
        known = experiment.training
        training = type(known).model_validate({**known.model_dump(), **changes})
    except ValidationError as error:
        fault = error.errors()[0]
        raise RetrainError(
            f"training.{fault['loc'][0]} = {fault['input']}: {fault['msg']}"
        ) from None
    if seed is None:
        seed = trial_seed(experiment, architecture["trial"] or 0)
    work = Work.on(architecture, training, seed, kept=True)
    outcome, weights = carry_out(experiment, RetrainFolder.of(experiment), work, "train-0")
    kept = str(weights) if weights.is_file() else None
    return result_of(experiment, work, outcome) | {"weights": kept}


def _in_file(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        raise RetrainError(f"{file} does not exist")
    found = read_json(file)
    if not isinstance(found, dict) or not {"tokens", "arguments"} <= found.keys():
        raise RetrainError(f"{file} must be an object with tokens and arguments")
    return {"trial": 0} | found


def _of_trial(experiment: Experiment, trial: int | None, strategy: str | None) -> Mapping[str, Any]:
    folder = RunFolder.of(experiment, strategy)
    for sample in read_search(folder).samples:
        if sample.trial == sample.number == trial:
            return {"trial": trial, "tokens": sample.tokens, "arguments": sample.arguments}
    raise RetrainError(f"{folder.root} has no trial {trial}")
