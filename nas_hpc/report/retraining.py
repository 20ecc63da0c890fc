"""What the final training has published so far, read from its JSON files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from nas_hpc.experiment import Experiment
from nas_hpc.store.durable import read_json


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1; None of fewer than two) of some numbers."""

    mean: float
    sd: float | None
    n: int

    @classmethod
    def of(cls, values: list[float]) -> Spread | None:
        """None of no numbers."""
        if not values:
            return None
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, len(values))

    def __str__(self) -> str:
        around = "" if self.sd is None else f" ± {self.sd:.4f}"
        return f"{self.mean:.4f}{around} (n = {self.n})"


@dataclass(frozen=True)
class Retraining:
    """The files of ``runs/<experiment>/retrain``; those that are not there yet are empty.

    Attributes:
        rescored: for each candidate its trial and the rewards under new seeds.
        grid: for each grid point its trial, how it was trained, status and validation accuracy.
        chosen: the grid point that the final trainings repeat; empty while there is none.
        final: for each final training its seed's number, status and accuracies.
        variants: the same of the variants of the chosen architecture, by their names.
    """

    rescored: list[dict[str, Any]]
    grid: list[dict[str, Any]]
    chosen: dict[str, Any]
    final: list[dict[str, Any]]
    variants: dict[str, list[dict[str, Any]]]

    @cached_property
    def rescores(self) -> dict[int, Spread]:
        """Reward under new seeds, by trial."""
        found = {entry["trial"]: Spread.of(entry["rewards"]) for entry in self.rescored}
        return {trial: spread for trial, spread in found.items() if spread}

    @property
    def test_accuracy(self) -> Spread | None:
        """Of the final trainings that ended well."""
        return self._final("test_accuracy")

    @property
    def validation_accuracy(self) -> Spread | None:
        """Of the same trainings."""
        return self._final("validation_accuracy")

    @property
    def best_trial(self) -> int | None:
        """The chosen trial; before there is one, that of the best mean reward with new seeds."""
        if self.chosen:
            return int(self.chosen["trial"])
        return max(self.rescores, key=lambda trial: self.rescores[trial].mean, default=None)

    def _final(self, what: str) -> Spread | None:
        return Spread.of([run[what] for run in self.final if run["status"] == "ok"])


def read_retraining(experiment: Experiment) -> Retraining:
    """Read what is there.

    Raises:
        ValueError: a file is damaged; names it.
    """
    folder = Path(experiment.runs) / experiment.name / "retrain"
    chosen = folder / "chosen.json"
    varied = _read_all(folder / "variant")
    return Retraining(
        rescored=_read_all(folder / "rescore"),
        grid=_read_all(folder / "grid"),
        chosen=read_json(chosen) if chosen.exists() else {},
        final=_read_all(folder / "final"),
        variants={
            name: [run for run in varied if run["variant"] == name]
            for name in experiment.retrain.variants
        },
    )


def _read_all(folder: Path) -> list[dict[str, Any]]:
    """The published files of a folder, ordered by the numbers in their names."""
    paths = [path for path in folder.glob("*.json") if not path.name.startswith(".")]
    paths.sort(key=lambda path: [int(part) for part in path.stem.split("-")])
    return [read_json(path) for path in paths]
