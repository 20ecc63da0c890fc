"""The built-in child, which notes its epochs, and waits once in the search and once in the grid."""

import time
from dataclasses import dataclass
from pathlib import Path

from nas_hpc.children.classifier import classifier
from nas_hpc.children.progress import Progress

Progress.seconds_between = 0.0


@dataclass(frozen=True)
class Observed:
    """A trial that the test looks into.

    ``<folder>/<stage>.waits`` is made when it begins to wait, and it goes on when that is gone.
    """

    trial: object
    stage: str

    def __getattr__(self, name):
        return getattr(self.trial, name)

    def report(self, epoch, **metrics):
        folder = Path(self.trial.options["folder"])
        with (folder / "notes").open("a") as file:
            file.write(f"{self.trial.folder} {epoch}\n")
        waits, waited = folder / f"{self.stage}.waits", folder / f"{self.stage}.waited"
        if epoch == 2 and (self.stage == "grid" or self.trial.number == 3) and not waited.exists():
            waited.touch()
            waits.touch()
            while waits.exists():
                time.sleep(0.02)


def child(architecture, data, training, trial):
    stage = "grid" if training.epochs == 3 else "search"
    return classifier(architecture, data, training, Observed(trial, stage))
