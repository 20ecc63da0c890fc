"""One training apart from the workflow: of a trial, an architecture in a file, or a known cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nas_hpc.children import prepare
from nas_hpc.children.evaluation import trial_seed
from nas_hpc.experiment import Experiment
from nas_hpc.experiment.training import LANGUAGE_MODEL
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.retrain.selection import Found, baseline
from nas_hpc.retrain.steps import on_test_data, result_of
from nas_hpc.retrain.work import Work, carry_out
from nas_hpc.spaces.recurrent_cell import BASELINES
from nas_hpc.store import RunFolder, read_search
from nas_hpc.store.durable import read_json


def asked_for(
    experiment: Experiment,
    trial: int | None = None,
    strategy: str | None = None,
    file: Path | None = None,
    name: str | None = None,
) -> Mapping[str, Any]:
    """The architecture that is meant by exactly one of three.

    Args:
        experiment: whose search.
        trial: number of a trial of the search; or
        strategy: whose trial, the experiment's own unless given.
        file: JSON with ``tokens`` and ``arguments``, as `candidates` writes it.
        name: of a cell that no search has to find, one of `BASELINES`.

    Raises:
        RetrainError: not one of the three is given, or there is no such architecture.
    """
    if [trial, file, name].count(None) != 2:
        raise RetrainError("give one of these: the number of a trial, a file with tokens, a cell")
    if file is not None:
        return _in_file(file)
    if name is None:
        return _of_trial(experiment, trial, strategy)
    if name not in BASELINES:
        raise RetrainError(f"cell {name}: must be one of {', '.join(BASELINES)}")
    if experiment.training.kind != LANGUAGE_MODEL:
        raise RetrainError(f"{experiment.name} trains no language model: {name} is of no use there")
    return baseline(name)


def train_one(
    experiment: Experiment,
    architecture: Mapping[str, Any],
    changes: Mapping[str, Any],
    seed: int | None = None,
    tested: bool = False,
) -> Found:
    """Train one architecture, and keep its weights.

    Args:
        experiment: says how, on which data, prepared if need be, with which child.
        architecture: see `asked_for`.
        changes: values of ``training``.
        seed: of all random numbers; the trial's unless given.
        tested: whether it is then scored on test data.

    Returns:
        What `steps.result_of` says, the measure on test data if asked for, and ``weights``, the
        file in which they are.

    Raises:
        RetrainError: a value of ``training`` that is not allowed, or see `carry_out`.
        DataError: the data cannot be made.
    """
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
    folder = RetrainFolder.of(experiment)
    prepare(experiment, folder.data)
    work = Work.on(architecture, training, seed, tested=tested, kept=True)
    outcome, weights = carry_out(experiment, folder, work, "train-0")
    on_test = on_test_data(experiment, work, outcome) if tested else {}
    kept = str(weights) if weights.is_file() else None
    return result_of(experiment, work, outcome) | on_test | {"weights": kept}


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
