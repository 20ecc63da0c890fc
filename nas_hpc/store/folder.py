"""Where everything of one search lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nas_hpc.experiment import Experiment, label
from nas_hpc.store.room import naming


@dataclass(frozen=True)
class RunFolder:
    """The folder of one search, ``runs/<experiment>/<strategy>``, and the places in it."""

    root: Path

    @classmethod
    def of(cls, experiment: Experiment, strategy: str | None = None) -> RunFolder:
        """The folder of the search that a strategy makes, ``search.strategy`` unless given.

        Own code is named by what comes after its colon.
        """
        name = label(strategy or experiment.search.strategy)
        return cls(Path(experiment.runs) / experiment.name / name)

    def create(self) -> None:
        """Make the folder and its places; only the owner may enter (mode 0700).

        Raises:
            DiskFull: there is no room for them.
        """
        with naming(self.root):
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for place in (
                self.sessions,
                self.segments,
                self.checkpoints,
                self.queue.parent,
                self.queue,
                self.claims,
                self.outcomes,
                self.slots,
                self.jobs,
                self.trials,
                self.logs,
            ):
                place.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def experiment(self) -> Path:
        """The resolved configuration, JSON."""
        return self.root / "experiment.json"

    @property
    def data(self) -> Path:
        """The experiment's prepared data, shared by its strategies: ``runs/<experiment>/data``."""
        return self.root.parent / "data"

    @property
    def sessions(self) -> Path:
        """One JSON file for each writer there has been, numbered by its epoch."""
        return self.root / "sessions"

    @property
    def segments(self) -> Path:
        """Immutable HDF5 files of records that are not yet in ``search.h5``."""
        return self.root / "segments"

    @property
    def search(self) -> Path:
        """The merged HDF5 file."""
        return self.root / "search.h5"

    @property
    def checkpoints(self) -> Path:
        """Cuts of the controller's parameters."""
        return self.root / "checkpoints"

    @property
    def queue(self) -> Path:
        """Trials that wait for a slot, one JSON file each."""
        return self.root / "spool" / "queue"

    @property
    def claims(self) -> Path:
        """Trials that a slot has taken, their names naming slot and attempt."""
        return self.root / "spool" / "claims"

    @property
    def outcomes(self) -> Path:
        """HDF5 files of finished trials that the dispatcher has not yet recorded."""
        return self.root / "spool" / "outcomes"

    @property
    def slots(self) -> Path:
        """One JSON file for each living slot: who it is."""
        return self.root / "spool" / "slots"

    @property
    def jobs(self) -> Path:
        """What was asked of submitit: intents, answers, its own files."""
        return self.root / "spool" / "jobs"

    @property
    def trials(self) -> Path:
        """Working folders of trials, a thousand to a folder."""
        return self.root / "trials"

    def trial(self, number: int) -> Path:
        """The working folder of one trial: attempt markers, epoch checkpoint, log."""
        return self.trials / f"{number // 1000:06d}" / f"{number:09d}"

    @property
    def logs(self) -> Path:
        """Logs of slots and of the search."""
        return self.root / "logs"

    @property
    def stop(self) -> Path:
        """If it exists, the search ends: ``drain`` or ``now`` is written in it."""
        return self.root / "stop"
