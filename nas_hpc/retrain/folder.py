"""Where everything of the final training lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_hpc.experiment import Experiment
from nas_hpc.retrain.contender import contenders
from nas_hpc.store import RunFolder, write_json
from nas_hpc.store.durable import read_json


class RetrainError(RuntimeError):
    """A step of the final training cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class RetrainFolder:
    """The folder of the final training, ``runs/<experiment>/retrain``, and the places in it.

    The JSON files are what the steps publish: small, and made anew in seconds. What was paid for
    lies under ``work``, common to all contenders, where no step of a workflow deletes it.

    Attributes:
        root: the folder itself; what the search has found is published right in it.
        contender: whose files are meant, see `nas_hpc.retrain.contender`; those of one that stands
            beside what was found lie in ``beside/<contender>``.
    """

    root: Path
    contender: str = ""

    @classmethod
    def of(cls, experiment: Experiment, contender: str = "") -> RetrainFolder:
        """The folder of an experiment.

        Raises:
            RetrainError: the experiment has no such contender.
        """
        known = contenders(experiment)
        if contender not in known:
            allowed = ", ".join(name for name in known if name) or "none"
            raise RetrainError(f"{contender!r} is not in retrain.beside: there are: {allowed}")
        return cls(Path(experiment.runs) / experiment.name / "retrain", contender)

    @property
    def published_in(self) -> Path:
        """The folder of what the steps publish about the contender."""
        return self.root / "beside" / self.contender if self.contender else self.root

    @property
    def data(self) -> Path:
        """The experiment's prepared data."""
        return self.root.parent / "data"

    @property
    def candidates(self) -> Path:
        """The best trials of the search."""
        return self.published_in / "candidates.json"

    def rescored(self, candidate: int) -> Path:
        """The scores of one candidate with new seeds."""
        return self.published_in / "rescore" / f"{candidate}.json"

    @property
    def shortlist(self) -> Path:
        """The candidates that go through the grid."""
        return self.published_in / "shortlist.json"

    def point(self, top: int, point: int) -> Path:
        """One point of the grid, for one architecture of the shortlist."""
        return self.published_in / "grid" / f"{top}-{point}.json"

    @property
    def chosen(self) -> Path:
        """The best point of all."""
        return self.published_in / "chosen.json"

    def final(self, seed: int) -> Path:
        """One training of the chosen point, scored on test data."""
        return self.published_in / "final" / f"{seed}.json"

    def variant(self, number: int, seed: int) -> Path:
        """One training of a variant of the chosen architecture, scored on test data."""
        return self.published_in / "variant" / f"{number}-{seed}.json"

    def transfer(self, target: int, seed: int) -> Path:
        """One training of the chosen architecture in another experiment, scored on its test set."""
        return self.published_in / "transfer" / f"{target}-{seed}.json"

    def weights(self, result: Path) -> Path:
        """The weights of such a training, as `torch.save` writes a state dictionary."""
        return result.with_suffix(".weights.pt")

    def work(self, identity: str) -> RunFolder:
        """The folder of one training, named by the digest of all that determines how it ends."""
        return RunFolder(self.root / "work" / identity[:16])

    def publish(self, path: Path, data: Any) -> Any:
        """Write what a step has found, durably, and return it."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(path, data)
        return data

    def withdraw_all_but(self, kept: Sequence[Path]) -> None:
        """Of the files published beside these, delete what a smaller configuration left over."""
        for path in kept[0].parent.glob("*.json"):
            if path not in kept:
                path.unlink()

    def published(self, path: Path, step: str, options: str = "") -> Any:
        """What an earlier step has found; ``step`` and ``options`` are the command that makes it.

        Raises:
            RetrainError: that step has not been made.
        """
        if not path.is_file():
            whose = f"--contender {self.contender}" if self.contender else ""
            words = [f"nas-hpc {step} {self.root.parent.name}", options, whose]
            command = " ".join(word for word in words if word)
            raise RetrainError(f"{path} does not exist: run {command} first")
        return read_json(path)
