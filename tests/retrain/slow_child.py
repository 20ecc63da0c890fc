"""The built-in child, which notes its epochs, and stands still in one until it is killed."""

import time
from dataclasses import dataclass
from pathlib import Path

from nas_hpc.children.classifier import classifier
from nas_hpc.children.progress import Progress

Progress.seconds_between = 0.0


@dataclass(frozen=True)
class Observed:
    """A trial that the test looks into."""

    trial: object

    def __getattr__(self, name):
        return getattr(self.trial, name)

    def report(self, epoch, **metrics):
        options = self.trial.options
        with Path(options["notes"]).open("a") as file:
            file.write(f"{epoch}\n")
        stop = Path(options["stop"])
        if epoch == options["stop_in"] and not stop.exists():
            stop.touch()
            time.sleep(600)


def child(architecture, data, training, trial):
    return classifier(architecture, data, training, Observed(trial))
