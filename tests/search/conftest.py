"""A small search whose child only looks at the architecture: what is tested is the MPI program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nas_hpc.children import prepare
from nas_hpc.experiment import read
from nas_hpc.search.configuration import of_strategy
from nas_hpc.store import RunFolder

CHILD = '''
import time

def child(architecture, data, training, trial):
    """The more 3x3 filters and connections, the better; noise from the trial's seed."""
    time.sleep(trial.options["seconds"])
    if trial.options.get("broken"):
        raise KeyError("no such layer")
    good = sum(l.height == 3 for l in architecture.layers) / len(architecture.layers)
    links = sum(len(l.inputs) for l in architecture.layers) / 10
    return 0.5 * good + 0.3 * links + (trial.seed % 1000) / 1e5
'''


class SmallSearch:
    """An experiment in a folder of its own, and how to run it."""

    def __init__(self, folder: Path, **sections) -> None:
        self.folder = folder
        self.yaml = folder / "small.yaml"
        (folder / "child.py").write_text(CHILD)
        self.settings = {
            "seed": 3,
            "runs": str(folder / "runs"),
            "space": {"arguments": {"depth": 4}, "options": {"filters": [4, 8]}},
            "data": {"options": {"train": 100, "validation": 100}},
            "child": {"name": "child.py:child", "options": {"seconds": 0.0}},
            "training": {"epochs": 1},
            "controller": {"learning_rate": 0.02},
            "search": {
                "replicas": 1,
                "shards": 3,
                "children_per_replica": 4,
                "replica_ranks": 1,
                "server_ranks": 2,
                "checkpoint_seconds": 0.5,
            },
            "budget": {"trials": 40},
            "slots": {"executor": "debug", "count": 1},
        }
        self.change(**sections)

    def change(self, **sections) -> None:
        for section, values in sections.items():
            if isinstance(values, dict):
                values = self.settings.get(section, {}) | values
            self.settings[section] = values
        self.yaml.write_text(yaml.safe_dump(self.settings))

    @property
    def experiment(self):
        return of_strategy(read(str(self.yaml)), "reinforce")

    @property
    def run_folder(self) -> RunFolder:
        return RunFolder.of(self.experiment)

    def command(self) -> list[str]:
        call = f"launch({str(self.yaml)!r}, 'reinforce', None)"
        return [sys.executable, "-c", f"from nas_hpc.search.launch import launch; {call}"]

    def start(self, **options) -> subprocess.Popen:
        prepare(self.experiment, self.run_folder.data)
        with (self.folder / "launch.log").open("ab") as log:
            return subprocess.Popen(
                self.command(), stdout=log, stderr=log, start_new_session=True, **options
            )

    def run(self) -> None:
        code = self.start().wait(timeout=120)
        assert code == 0, (self.folder / "launch.log").read_text()[-3000:]

    def copy_to(self, folder: Path) -> SmallSearch:
        folder.mkdir()
        other = SmallSearch(folder)
        other.change(**(self.settings | {"runs": str(folder / "runs")}))
        return other


@pytest.fixture
def small_search(tmp_path):
    """Makes small searches; ends what they left running."""
    made = []

    def make(**sections) -> SmallSearch:
        folder = tmp_path / f"search{len(made)}"
        folder.mkdir()
        made.append(SmallSearch(folder, **sections))
        return made[-1]

    yield make
    for search in made:
        search.run_folder.create()
        search.run_folder.stop.write_text("now")
