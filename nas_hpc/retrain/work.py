"""One training of one architecture: done once, whoever asks for it, however often.

Its folder is named by the digest of everything that determines how it ends. So what was paid for
is found again after a kill, an edited workflow, or a change of the grid that renumbers its points,
and a change of anything that matters is never mistaken for it.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_hpc.children import Data, load_search, load_test
from nas_hpc.children.evaluation import evaluate
from nas_hpc.experiment import AnyTraining, Experiment, is_reference, label, source_hash
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.spaces import Tokens, describe, digest, load_space, replay
from nas_hpc.spaces.recurrent_cell import BASELINES
from nas_hpc.spaces.variants import varied
from nas_hpc.store import Outcome, RunFolder, read_outcome, write_outcome
from nas_hpc.store.durable import read_json

STARTS_IN_VAIN = 5
"""Starts of a training that ended before they had saved anything, before it is given up."""


@dataclass(frozen=True)
class Work:
    """What is to be trained, and how.

    Attributes:
        trial: number of the search's trial with this architecture; 0 if no search has found it.
        arguments, tokens: the architecture, see `nas_hpc.store.Sample`.
        training: how.
        seed: of all random numbers.
        tested: whether the trained network is scored on test data.
        kept: whether its weights are kept.
        variant: of the architecture, see `nas_hpc.spaces.variants.varied`.
        baseline: instead of arguments and tokens the name of a cell that no search has to find.
    """

    trial: int
    arguments: Mapping[str, Any]
    tokens: Tokens
    training: AnyTraining
    seed: int
    tested: bool = False
    kept: bool = False
    variant: str | None = None
    baseline: str | None = None

    @classmethod
    def on(
        cls,
        architecture: Mapping[str, Any],
        training: AnyTraining,
        seed: int,
        tested: bool = False,
        kept: bool = False,
        variant: str | None = None,
    ) -> Work:
        """Of an architecture as `selection.shortlist` publishes it."""
        tokens = tuple((str(path), int(token)) for path, token in architecture["tokens"])
        trial, arguments = architecture["trial"] or 0, architecture["arguments"]
        baseline = architecture.get("baseline")
        return cls(trial, arguments, tokens, training, seed, tested, kept, variant, baseline)

    @property
    def name(self) -> str:
        """Of the architecture, for people."""
        return self.baseline or f"the architecture of trial {self.trial}"

    def architecture(self, experiment: Experiment) -> Any:
        """What is trained.

        Raises:
            SpaceError: the space does not know the tokens, or the architecture the variant.
        """
        if self.baseline is not None:
            return varied(BASELINES[self.baseline], self.variant)
        found = replay(load_space(experiment), self.arguments, self.tokens)
        return varied(found, self.variant)


def carry_out(
    experiment: Experiment,
    folder: RetrainFolder,
    work: Work,
    slot: str,
    architecture: Any = None,
) -> tuple[Outcome, Path]:
    """Train, unless it has been done; go on where an earlier attempt was ended.

    Args:
        experiment: says which child, data and reward.
        folder: has the prepared data beside it.
        work: what to train.
        slot: a name; the number at its end chooses among several GPUs.
        architecture: what is trained; that of the work in the experiment's space unless given.

    Returns:
        The outcome, ``ok`` or ``diverged``, and where the weights are if they are kept.

    Raises:
        RetrainError: the child's code failed, memory ran out, or the training gets nowhere; neither
            is a result.
        ExperimentError, OwnCodeError, DataError: nothing can be trained.
    """
    data = load_search(folder.data)
    if work.tested:
        data = data.with_test(load_test(folder.data))
    if architecture is None:
        architecture = work.architecture(experiment)
    place = folder.work(_identity(experiment, folder, work, data, architecture))
    place.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    result, weights = place.root / "outcome.h5", place.root / "weights.pt"
    with _alone(place.root):
        if result.is_file():
            return read_outcome(result), weights
        _count_start(place)
        outcome = evaluate(
            experiment.model_copy(update={"training": work.training}),
            place,
            work,
            slot=slot,
            seed=work.seed,
            data=data,
            weights=weights if work.kept else None,
            architecture=architecture,
        )
        (place.root / "starts").unlink()
        if outcome.status not in ("ok", "diverged"):
            raise RetrainError(
                f"training {work.name} ended: {outcome.reason}\n"
                f"see {place.trial(work.trial) / 'log.txt'}; the same command goes on"
            )
        write_outcome(result, outcome)
        shutil.rmtree(place.trials, ignore_errors=True)  # epoch checkpoints; no longer of use
        return outcome, weights


def _count_start(place: RunFolder) -> None:
    """Note that the training starts: one that never saves an epoch must not start for ever."""
    starts = place.root / "starts"
    earlier = [float(line) for line in starts.read_text().split()] if starts.is_file() else []
    files = [path for path in place.trials.rglob("*") if path.is_file() and path.name != "log.txt"]
    saved = max((path.stat().st_mtime for path in files), default=0.0)
    in_vain = [when for when in earlier if when > saved]
    if len(in_vain) >= STARTS_IN_VAIN:
        starts.unlink()
        raise RetrainError(
            f"{place.root}: {len(in_vain)} starts have ended before an epoch was saved: give the "
            f"job more time or memory; the same command then goes on"
        )
    starts.write_text("".join(f"{when}\n" for when in [*in_vain, time.time()]))


def _identity(
    experiment: Experiment, folder: RetrainFolder, work: Work, data: Data, architecture: Any
) -> str:
    child = experiment.child
    own = source_hash(child.name) if is_reference(child.name) else ""
    return digest(
        [
            describe(architecture),
            work.training.model_dump(mode="json"),
            [work.seed, work.kept],
            experiment.reward.of(experiment.training.kind),
            [label(child.name), child.options, own],
            [read_json(folder.data / "data.json")["fingerprint"], data.test_fingerprint],
        ]
    )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep others from the same work: a killed workflow may have left its jobs behind."""
    with (place / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{place}: another process is training this; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
