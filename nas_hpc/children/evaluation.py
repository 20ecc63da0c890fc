"""One evaluation of one architecture, in this process: what is trained, with what, how it ends."""

from __future__ import annotations

import math
import platform
import random
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

import nas_hpc
from nas_hpc.children.classifier import classifier
from nas_hpc.children.contract import Diverged, Score, Trial
from nas_hpc.children.data import load_search
from nas_hpc.children.dataset import Data
from nas_hpc.children.language.child import language_model
from nas_hpc.experiment import (
    AnyTraining,
    Experiment,
    ExperimentError,
    is_reference,
    resolve,
)
from nas_hpc.spaces import Tokens, load_space, replay
from nas_hpc.spaces.learning_rate import Tuned
from nas_hpc.store import Outcome, RunFolder
from nas_hpc.store.identity import host
from nas_hpc.store.records import Status

BUILT_IN: Mapping[str, Callable[..., Any]] = {
    "classifier": classifier,
    "language-model": language_model,
}
DRIVER = Path("/dev/nvidiactl")
PURPOSE = int.from_bytes(b"child")
"""Sets the random numbers of children apart from all others that follow from the same seed."""


class Spec(Protocol):
    """What is to be trained."""

    @property
    def trial(self) -> int: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def tokens(self) -> Tokens: ...


def evaluate(
    experiment: Experiment,
    folder: RunFolder,
    spec: Spec,
    attempt: int = 1,
    slot: str = "",
    *,
    seed: int | None = None,
    data: Data | None = None,
    weights: Path | None = None,
    architecture: Any = None,
) -> Outcome:
    """Train one architecture in this process.

    Args:
        folder: where the trial has its working folder, and the experiment its prepared data.
        spec: which architecture.
        attempt: from 1; changes nothing but what the outcome says.
        slot: where this runs; its last number chooses among several GPUs.
        seed: of the child's random numbers; follows from experiment and trial unless given.
        data: to train on; the search's unless given.
        weights: where the child is to save the trained weights.
        architecture: what is trained; what the spec's tokens stand for unless given.

    Raises:
        ExperimentError, OwnCodeError, DataError: nothing can be trained; not the trial's fault.
    """
    started, clock = time.time(), time.perf_counter()
    seed = trial_seed(experiment, spec.trial) if seed is None else seed
    device = device_of(slot)
    torch.set_num_threads(experiment.slots.threads)
    space, child = load_space(experiment), load_child(experiment)
    data = load_search(folder.data) if data is None else data
    trial = Trial(
        number=spec.trial,
        seed=seed,
        device=device,
        folder=folder.trial(spec.trial),
        options=experiment.child.options,
        reward=experiment.reward,
        weights=weights,
    )
    status: Status = "ok"
    reason, score = "", Score(math.nan)
    try:
        if architecture is None:
            architecture = replay(space, spec.arguments, spec.tokens)
        _seed_everything(seed)
        architecture, training = tuned(architecture, experiment.training)
        score = _as_score(child(architecture, data, training, trial))
    except Diverged as failure:
        status, reason = "diverged", str(failure)
    except Exception as error:
        status = "out of memory" if _is_out_of_memory(error) else "lost"
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        trial.log(traceback.format_exc())
    reward = {"ok": score.reward, "lost": math.nan}.get(status, experiment.reward.failure)
    return Outcome(
        trial=spec.trial,
        status=status,
        reward=reward,
        reason=reason,
        attempt=attempt,
        seed=seed,
        started=started,
        ended=time.time(),
        seconds=score.earlier_seconds + time.perf_counter() - clock,
        slot=slot,
        devices=experiment.slots.devices,
        host=host(),
        device=torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        versions=(
            f"nas_hpc {nas_hpc.__version__}, Python {platform.python_version()}, "
            f"torch {torch.__version__}"
        ),
        metrics=score.metrics,
    )


def load_child(experiment: Experiment) -> Callable[..., Any]:
    """The child that ``child.name`` names.

    Raises:
        ExperimentError: there is no such child, or it cannot be called.
        OwnCodeError: the name leads to no code.
    """
    name = experiment.child.name
    child = resolve(name) if is_reference(name) else BUILT_IN.get(name)
    if not callable(child):
        raise ExperimentError(
            f"child.name = {name!r}: allowed: {', '.join(BUILT_IN)}, or a function as "
            f"package.module:name or path/to/file.py:name"
        )
    return child


def trial_seed(experiment: Experiment, trial: int) -> int:
    """The seed of a trial's random numbers, below 2**32; the same for every attempt at it."""
    sequence = np.random.SeedSequence(experiment.seed, spawn_key=(PURPOSE, trial))
    return int(sequence.generate_state(1)[0])


def device_of(slot: str) -> str:
    """``cpu``, or the GPU that falls to a slot by the number at the end of its name."""
    if not torch.cuda.is_available():
        return "cpu"
    index = slot.rpartition("-")[2]
    return f"cuda:{(int(index) if index.isdigit() else 0) % torch.cuda.device_count()}"


def check_gpu(experiment: Experiment) -> None:
    """See to it that children do not train on the CPU for hours beside a GPU out of order.

    Raises:
        RuntimeError: GPUs were asked for, the driver is there, and torch sees none.
    """
    arrays = experiment.slots.arrays
    if arrays and arrays.gpus and DRIVER.exists() and not torch.cuda.is_available():
        raise RuntimeError(
            f"{host()} has an NVIDIA driver and this task {arrays.gpus} GPUs, but torch sees none: "
            f"nas-hpc doctor says more; exclude the node, or set gpus: 0"
        )


def tuned(architecture: Any, training: AnyTraining) -> tuple[Any, AnyTraining]:
    """The architecture without its learning rate, which counts unless one is given."""
    if not isinstance(architecture, Tuned):
        return architecture, training
    rate = training.learning_rate or architecture.learning_rate
    return architecture.architecture, training.model_copy(update={"learning_rate": rate})


def _as_score(result: object) -> Score:
    score = result if isinstance(result, Score) else Score(float(result))  # type: ignore[arg-type]
    if not math.isfinite(score.reward):
        raise Diverged(f"reward {score.reward}")
    return score


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out; on a CPU torch says so in a plain RuntimeError only."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
