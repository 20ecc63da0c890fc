import pytest
import yaml

from tests.search.processes import wait_until
from tests.workflow.running import REPOSITORY, Workplace, finish

pytestmark = [pytest.mark.slurm, pytest.mark.workflow, pytest.mark.timeout(1200)]

WORKFLOW = REPOSITORY / "tests" / "workflow"
CHILDREN = {
    "cpus": 1,
    "memory_gb": 1,
    "minutes": 2,
    "max_running": 2,
    "gather_seconds": 0.5,
    "poll_seconds": 2,
    "grace_seconds": 5,
}
ONE_POINT = {
    "learning_rate": [0.1],
    "weight_decay": [0.0001],
    "batch_norm_epsilon": [0.00001],
    "decay_at": [[0.5]],
}
SOON = ("--slurm-init-seconds-before-status-checks=2", "--seconds-between-status-checks=2")


@pytest.fixture
def place(tmp_path):
    """A workplace whose search and trainings have jobs of minutes, with the child that waits."""
    place = Workplace(tmp_path, WORKFLOW / "tiny.yaml", profile="slurm")
    settings = yaml.safe_load(place.yaml.read_text()) | {"compare_with": []}
    name = f"{WORKFLOW / 'waiting_child.py'}:child"
    settings["child"] = {"name": name, "options": {"folder": str(tmp_path)}}
    settings["retrain"] |= {"candidates": 1, "rescore_seeds": 1, "grid": ONE_POINT}
    place.yaml.write_text(yaml.safe_dump(settings))
    children = tmp_path / "slurm" / "children.yaml"
    children.write_text(yaml.safe_dump(yaml.safe_load(children.read_text()) | CHILDREN))
    profile = tmp_path / "slurm" / "config.v8+.yaml"
    profile.write_text(profile.read_text().replace("runtime: 720", "runtime: 1"))
    return place


def test_searches_and_trainings_outlast_their_jobs(linked_slurm, place):
    with place.running(*SOON) as snakemake:
        for stage, what in (("search", "search-reinforce"), ("grid", "grid-0-0")):
            waits, marker = place.folder / f"{stage}.waits", place.marker_path(what, 1)
            wait_until(lambda file=waits: file.exists() or snakemake.poll() is not None, 300)
            wait_until(lambda file=marker: file.exists() or snakemake.poll() is not None, 300)
            waits.unlink()
        said = finish(snakemake, seconds=900)
    cut = {"done": False, "reason": "time limit near"}
    assert place.marker("search-reinforce", 1) == place.marker("grid-0-0", 1) == cut
    assert "Search with reinforce, part 2" in said and "Train for grid 0-0, part 2" in said
    assert sorted(trial for trial, _ in place.trials("reinforce")) == list(range(8))
    assert len(place.trainings()) == 1 + 1 + 3
    assert (place.results / "report.html").is_file()
