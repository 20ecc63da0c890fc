"""Everything that an experiment names, called once in small, before anything is submitted."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_hpc.children import Data, load_search
from nas_hpc.children.evaluation import evaluate
from nas_hpc.experiment import Experiment, ExperimentError, OwnCodeError, is_reference
from nas_hpc.experiment.training import CLASSIFIER
from nas_hpc.policies import is_replicated, make
from nas_hpc.policies.strategy import Request
from nas_hpc.search.configuration import of_strategy
from nas_hpc.spaces import SpaceError, Tokens, describe, draw, load_space, replay
from nas_hpc.spaces.variants import varied
from nas_hpc.store import Outcome, RunFolder

BATCH = 4
"""Images, or streams of text, in a step of the rehearsal; it takes two steps."""


@dataclass(frozen=True)
class _Spec:
    trial: int
    arguments: dict[str, Any]
    tokens: Tokens


def rehearse(experiment: Experiment, data: Path) -> Outcome:
    """Draw an architecture, train it for one epoch of two small batches, ask every strategy once.

    Args:
        experiment: what to rehearse.
        data: folder of the prepared data.

    Returns:
        How the training ended: ``ok`` or ``diverged``.

    Raises:
        ExperimentError: something that the experiment names does not work; says what and where.
        OwnCodeError: a name leads to no code.
        DataError: the data cannot be read.
    """
    with naming("space", experiment.space.name):
        space = load_space(experiment)
        first, last = experiment.arguments(0), experiment.arguments(experiment.budget.trials - 1)
        grown = draw(space, last, np.random.default_rng(0))
        describe(grown.architecture)
        larger = replay(space, {**last, **experiment.retrain.arguments}, grown.tokens)
        describe(larger)
        if experiment.training.kind == CLASSIFIER:  # else variants are of the training
            for variant in experiment.retrain.variants:
                describe(varied(larger, variant))
        walk = draw(space, first, np.random.default_rng(0))
        describe(walk.architecture)
    for name in (experiment.search.strategy, *experiment.compare_with):
        with naming("strategy", name):
            is_replicated(name)
            make(name, of_strategy(experiment, name), space).ask([Request(0, first)])
    return _train(experiment, _Spec(0, first, walk.tokens), load_search(data))


@contextmanager
def naming(key: str, name: str) -> Iterator[None]:
    """Let an error of own code say which key of the experiment names it, and where it arose."""
    try:
        yield
    except (ExperimentError, OwnCodeError):
        raise
    except SpaceError as error:
        raise ExperimentError(f"{key} {name}: {error}") from error
    except Exception as error:
        if not is_reference(name):
            raise
        frames = [
            f"{frame.filename}, line {frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        reason = f"{type(error).__name__}: {error}"
        raise ExperimentError(f"{key} {name}: {_place(frames, name)}: {reason}") from error


def _train(experiment: Experiment, spec: _Spec, data: Data) -> Outcome:
    training = experiment.training.model_copy(update={"epochs": 1, "batch_size": BATCH})
    some = data.beginning(2, training)
    with tempfile.TemporaryDirectory(prefix="nas-rehearsal-") as place:
        folder = RunFolder(Path(place))
        small = experiment.model_copy(update={"training": training})
        outcome = evaluate(small, folder, spec, data=some)
        if outcome.status not in ("ok", "diverged"):
            log = (folder.trial(spec.trial) / "log.txt").read_text().splitlines()
            frames = [line.strip() for line in log if line.strip().startswith("File ")]
            name = experiment.child.name
            raise ExperimentError(f"child {name}: {_place(frames, name)}: {outcome.reason}")
    return outcome


def _place(frames: Sequence[str], name: str) -> str:
    """The innermost of the frames that lies in the named file, else the innermost of all."""
    file = name.rpartition(":")[0]
    return [*frames, *(frame for frame in frames if file and file in frame)][-1]
