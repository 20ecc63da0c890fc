"""What the final training has published so far, read from its JSON files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from nas_hpc.experiment import Experiment
from nas_hpc.experiment.measure import Measure
from nas_hpc.report.measures import reward_form
from nas_hpc.retrain import RetrainFolder, contenders
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

    def __format__(self, form: str) -> str:
        around = "" if self.sd is None else f" ± {self.sd:{form}}"
        return f"{self.mean:{form}}{around} (n = {self.n})"

    def __str__(self) -> str:
        return format(self, reward_form(self.mean))


@dataclass(frozen=True)
class Retraining:
    """What is published about one contender; what is not there yet is empty.

    Attributes:
        contender: its name in ``retrain.beside``, own code by what comes after its colon; empty:
            what the search itself has found.
        strategy: whose best trials it is about; None of a cell that no search has to find.
        measure: by which networks are compared and tested.
        rescored: for each candidate its trial and the rewards under new seeds.
        grid: for each grid point its trial, how it was trained, status and validation result.
        chosen: the grid point that the final trainings repeat; empty while there is none.
        final: for each final training its seed's number, status and results.
        variants: the same of the variants of the chosen architecture, by their names.
        transfers: the same of its trainings in other experiments, in the order in which
            ``retrain.transfer`` names those.
    """

    contender: str
    strategy: str | None
    measure: Measure
    rescored: list[dict[str, Any]]
    grid: list[dict[str, Any]]
    chosen: dict[str, Any]
    final: list[dict[str, Any]]
    variants: dict[str, list[dict[str, Any]]]
    transfers: list[list[dict[str, Any]]]

    @cached_property
    def rescores(self) -> dict[int, Spread]:
        """Reward under new seeds, by trial."""
        found = {entry["trial"]: Spread.of(entry["rewards"]) for entry in self.rescored}
        return {trial: spread for trial, spread in found.items() if spread}

    @property
    def test(self) -> Spread | None:
        """Results on test data of the final trainings that ended well."""
        return Spread.of(self.results(self.measure.test))

    @property
    def validation(self) -> Spread | None:
        """Results on validation data of the same trainings."""
        return Spread.of(self.results(self.measure.validation))

    @property
    def best_trial(self) -> int | None:
        """The chosen trial; before there is one, that of the best mean reward with new seeds.

        None of a cell that no search has to find.
        """
        if self.chosen:
            trial: int | None = self.chosen["trial"]
            return trial
        return max(self.rescores, key=lambda trial: self.rescores[trial].mean, default=None)

    def results(self, metric: str) -> list[float]:
        """A metric of the final trainings that ended well, as far as the child names it."""
        well = [run for run in self.final if run["status"] == "ok"]
        return [run[metric] for run in well if run[metric] is not None]


def read_retraining(experiment: Experiment, contender: str = "") -> Retraining:
    """Read what is there about a contender, named as in `Retraining`.

    Raises:
        RetrainError: the experiment has no such contender.
        ValueError: a file is damaged; names it.
    """
    folder = RetrainFolder.of(experiment, contender)
    varied = _read_all(folder.variant(0, 0).parent)
    return Retraining(
        contender=contender,
        strategy=contenders(experiment)[contender].strategy,
        measure=experiment.training.measure,
        rescored=_read_all(folder.rescored(0).parent),
        grid=_read_all(folder.point(0, 0).parent),
        chosen=read_json(folder.chosen) if folder.chosen.exists() else {},
        final=_read_all(folder.final(0).parent),
        variants={
            name: [run for run in varied if run["variant"] == name]
            for name in ([] if contender else experiment.retrain.variants)
        },
        transfers=[
            _read_all(folder.transfer(place, 0).parent, f"{place}-*.json")
            for place in range(len(experiment.retrain.transfer))
        ],
    )


def _read_all(folder: Path, names: str = "*.json") -> list[dict[str, Any]]:
    """The published files of a folder, ordered by the numbers in their names."""
    paths = [path for path in folder.glob(names) if not path.name.startswith(".")]
    paths.sort(key=lambda path: [int(part) for part in path.stem.split("-")])
    return [read_json(path) for path in paths]
