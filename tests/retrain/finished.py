"""Experiments whose search is over: a store as a search leaves it, and prepared data."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nas_hpc.children import prepare
from nas_hpc.experiment import Experiment, read
from nas_hpc.retrain import RetrainFolder
from nas_hpc.retrain.selection import candidates, shortlist
from nas_hpc.spaces import canonical, describe, digest, draw, load_space
from nas_hpc.store import Identity, Outcome, Record, RunFolder, Sample, Writer, claim_session

HERE = Path(__file__).parent
SETTINGS: dict[str, Any] = {
    "space": {
        "options": {"heights": [1, 3], "widths": [1, 3], "filters": [2, 4]},
        "arguments": {"depth": 2},
    },
    "data": {"name": f"{HERE / 'images.py'}:stripes"},
    "training": {"epochs": 2, "batch_size": 16, "augmentation": "none"},
    "slots": {"threads": 1},
    "retrain": {
        "candidates": 3,
        "rescore_seeds": 2,
        "top": 2,
        "epochs": 3,
        "grid": {
            "learning_rate": [0.1, 0.03],
            "weight_decay": [1e-4],
            "batch_norm_epsilon": [1e-5],
            "decay_at": [[0.5]],
        },
        "seeds": 3,
    },
}
NAN = math.nan
EPOCHS = 6
REWARDS = (0.5, 0.9, 0.7, 0.9, 0.8, 0.6)


def experiment_in(place: Path, **changes: Any) -> Experiment:
    """An experiment whose runs are in the folder; ``changes`` are merged into its sections."""
    settings = json.loads(json.dumps(SETTINGS))
    for section, values in changes.items():
        settings[section] = settings.get(section, {}) | values
    return experiment_of(place, settings)


def experiment_of(place: Path, settings: dict[str, Any]) -> Experiment:
    """The experiment of just these settings, whose runs are in the folder."""
    place.mkdir(exist_ok=True)
    (place / "small.yaml").write_text(yaml.safe_dump(settings | {"runs": str(place / "runs")}))
    return read(str(place / "small.yaml"))


def searched(experiment: Experiment, outcomes: list[Outcome] | None = None) -> Experiment:
    """Prepare the data, and record a search; trial n has the reward `REWARDS[n]`."""
    folder = RunFolder.of(experiment)
    folder.create()
    prepare(experiment, folder.data)
    if outcomes is None:
        outcomes = [Outcome(n, "ok", reward) for n, reward in enumerate(REWARDS)]
    space, arguments = load_space(experiment), experiment.arguments(0)
    records: list[Record] = []
    for n in sorted({outcome.trial for outcome in outcomes}):
        walk = draw(space, arguments, np.random.default_rng(n))
        architecture = canonical(describe(walk.architecture))
        sample = Sample(
            number=n,
            trial=n,
            batch=0,
            replica=0,
            version=0,
            session=1,
            arguments=arguments,
            tokens=walk.tokens,
            log_probability=-1.0,
            entropy=1.0,
            key=digest(architecture),
            architecture=architecture,
            time=0.0,
        )
        records.append(sample)
    session = claim_session(folder, Identity.mine(), "")
    writer = Writer(folder, session)
    writer.commit([*records, *outcomes])
    writer.close()
    return experiment


def folder_of(experiment: Experiment) -> RetrainFolder:
    return RetrainFolder.of(experiment)


def trainings(experiment: Experiment) -> dict[str, tuple[int, int]]:
    """All trainings that have been paid for, each with the identity of its file."""
    files = sorted((folder_of(experiment).root / "work").glob("*/outcome.h5"))
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def without_times(found: Any) -> Any:
    """What a step has published, but for how long it took."""
    return {key: value for key, value in found.items() if key != "seconds"}


def before_grid(place: Path, stop_in: int) -> tuple[Path, Path]:
    """An experiment before its grid, with the child that stands still; a result and its notes."""
    child = {
        "name": f"{HERE / 'slow_child.py'}:child",
        "options": {"notes": "notes", "stop": "stop", "stop_in": stop_in},
    }
    experiment = searched(experiment_in(place, child=child, retrain={"epochs": EPOCHS}))
    candidates(experiment)
    folder = folder_of(experiment)
    for i in range(3):
        folder.publish(folder.rescored(i), {"mean": 0.5, "sd": 0.0})
    shortlist(experiment)
    return folder.point(0, 1), place / "notes"
