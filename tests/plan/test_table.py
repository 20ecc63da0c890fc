"""What `nas-hpc plan` prints, and files and bytes against those of a real store."""

import io
import sys

import pytest
from rich.console import Console

from nas_hpc.__main__ import main
from nas_hpc.experiment import Arrays
from nas_hpc.plan.demand import Places
from nas_hpc.plan.footprint import bytes_of_a_trial, footprint
from nas_hpc.plan.table import plan
from nas_hpc.store import RunFolder, Writer, current_session, write_records
from tests.report.laboratory import Course, experiment_in, make_search


def printed(experiment, **options) -> str:
    screen = io.StringIO()
    plan(experiment, console=Console(file=screen, width=120), **options)
    return " ".join(screen.getvalue().split())


def test_every_number_says_what_it_is_from(tmp_path):
    arrays = Arrays(max_running=4, minutes=10)
    slots = {"executor": "slurm", "count": 4, "arrays": arrays}
    experiment = experiment_in(tmp_path, slots=slots)
    text = printed(experiment, seconds=60.0)
    assert "One child of the search trains for 60.0 s: as given." in text
    assert "At a time: 4 GPUs, 4 children of a search; a search is 3 MPI ranks." in text
    # 30 trials of a minute on four GPUs.
    assert "search: REINFORCE 30 1 4 0.5 7.5 min" in text
    # 3 x 3, 8 and 3 trainings, the latter for six times as many epochs.
    assert "scored again 9 3 0 0.15 3.0 min" in text
    assert "grid 8 8 0 0.8 12.0 min" in text
    assert "in all 80 16 8 2.25 36.0 min" in text
    assert "without weights, whose size is not known" in text
    assert printed(experiment, seconds=60.0, gpus=2.0).count("15.0 min") == 2


def test_the_command(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.yaml").write_text("budget: {trials: 40}\nslots: {count: 4}\n")
    (tmp_path / "children.yaml").write_text("max_running: 10\n")
    monkeypatch.chdir(tmp_path)
    asked = ["plan", "mine.yaml", "--seconds", "90", "--children", "children.yaml", "--gpus", "5"]
    monkeypatch.setattr(sys, "argv", ["nas-hpc", *asked, "--job-minutes", "5"])
    with pytest.raises(SystemExit) as ended:
        main()
    text = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "At a time: 5 GPUs" in text
    assert "search: REINFORCE 40 3 5 1 12.0 min" in text  # three parts of five minutes
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_times_measured_on_another_device_are_told(tmp_path):
    slots = {"executor": "slurm", "count": 4, "arrays": Arrays(max_running=4)}
    experiment = experiment_in(tmp_path, slots=slots)
    make_search(experiment, "reinforce", Course(10))
    text = printed(experiment)
    assert "median of 10 recorded trials, on cpu" in text
    assert "On the GPUs of the arrays it will take another time" in text


def test_bytes_of_a_trial_are_those_that_a_store_grows_by(tmp_path):
    """Against two searches written by the store, of 300 and 600 trials, once all is merged."""
    experiment = experiment_in(tmp_path, training={"epochs": 3})
    sizes = []
    for trials in (300, 600):
        folder = make_search(experiment, f"s{trials}", Course(trials, seed=trials))
        Writer(folder, current_session(folder)).close()
        sizes.append(sum(path.stat().st_size for path in folder.segments.iterdir()))
    grown = (sizes[1] - sizes[0]) / 300
    predicted = bytes_of_a_trial(experiment)
    assert 0 < predicted == pytest.approx(grown, rel=0.5)


def test_files_and_bytes(tmp_path):
    experiment = experiment_in(tmp_path, compare_with=())
    data = RunFolder.of(experiment).data
    data.mkdir(parents=True)
    write_records(data / "search.npz", [])
    size = (data / "search.npz").stat().st_size
    places = Places.of(experiment, gpus=2)
    small = footprint(experiment, places, trial_bytes=100.0, parameters=None)
    large = footprint(experiment, places, trial_bytes=100.0, parameters=1000)
    # Weights of three final trainings, in their work and published; 4 bytes a number.
    assert large.bytes - small.bytes == 3 * 2 * 4000
    # Two children, each with weights and velocity.
    assert large.most_bytes - small.most_bytes == 3 * 2 * 4000 + 2 * 2 * 4000
    twice = footprint(experiment, places, trial_bytes=200.0, parameters=None)
    assert twice.bytes - small.bytes == 30 * 100
    assert small.bytes > size + 30 * 100
    assert small.most_files > small.files
