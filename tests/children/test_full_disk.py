"""Children on a disk that is really full: a training goes on, and its outcome waits for room."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nas_hpc.children import Trial
from nas_hpc.children.progress import Progress, save_durably
from nas_hpc.experiment.model import Reward
from nas_hpc.store import DiskFull
from tests.children.runs import make_experiment, make_run
from tests.children.test_process import child_of
from tests.small_disk import SmallDisk

pytestmark = pytest.mark.disk("4m", 300)

OWN = """
import time
from pathlib import Path

def train(trial, write):
    places = trial.options
    with Path(places["diary"]).open("a") as diary:
        print(trial.number, file=diary)
    while not Path(places["gate"]).exists():
        time.sleep(0.01)
    write()
    return 0.5

def reports(architecture, data, training, trial):
    return train(trial, lambda: trial.report(1, accuracy=0.5))

def prints(architecture, data, training, trial):
    return train(trial, lambda: print("x" * 10**5, flush=True))
"""


@pytest.mark.parametrize("child", ["reports", "prints"])
@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_a_finished_training_waits_for_room(
    child: str, what: str, small_disk: SmallDisk, tmp_path: Path
) -> None:
    """Own code that cannot do without what it writes begins again, in the same attempt."""
    (tmp_path / "own.py").write_text(OWN)
    options = {"diary": str(tmp_path / "diary"), "gate": str(tmp_path / "gate")}
    own = {"name": f"{tmp_path}/own.py:{child}", "options": options}
    experiment = make_experiment(child=own)
    folder = make_run(small_disk.path, experiment)
    diary = tmp_path / "diary"
    with child_of(folder, experiment) as process:
        process.ask(0)
        while not diary.exists():
            assert process.process.poll() is None
        small_disk.fill() if what == "bytes" else small_disk.fill_inodes()
        (tmp_path / "gate").touch()
        (said,) = process.answer().items()
        assert said[0] == "waits" and str(folder.root) in said[1]
        assert not list(folder.outcomes.iterdir())
        small_disk.free()
        assert process.answer() == {"trial": 0, "status": "ok"}
        outcome = process.outcome(0)
        assert (outcome.status, outcome.reward, outcome.attempt) == ("ok", 0.5, 1)
    printing_failed = child == "prints" and what == "bytes"  # the log is there, and takes no inode
    assert diary.read_text().split() == ["0"] * (2 if printing_failed else 1)


def test_checkpoint_and_log_are_done_without(
    small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = small_disk.path / "trial"
    progress = Progress(folder / "progress.pt", "work")
    progress.save({"epoch": 1})
    trial = Trial(7, 0, "cpu", folder, {}, Reward())
    trial.log("before")
    small_disk.fill()
    progress.save({"epoch": 2, "network": torch.zeros(10**5)})
    trial.log("in between" * 1000)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"without saving {folder}/progress.pt: No space left")
    assert said[1].startswith("without a line of the log of trial 7: ")
    assert Progress(folder / "progress.pt", "work").load("cpu") == {"epoch": 1}
    with pytest.raises(DiskFull):
        save_durably({"network": torch.zeros(10**5)}, folder / "weights.pt")
    small_disk.free()
    trial.log("after")
    progress.save({"epoch": 3})
    assert Progress(folder / "progress.pt", "work").load("cpu") == {"epoch": 3}
    assert (folder / "log.txt").read_text().splitlines()[-1].endswith("after")
