import re
from itertools import pairwise

import pytest
import yaml

from nas_hpc.experiment import Arrays, read_arrays
from tests.workflow.running import REPOSITORY, Workplace

SLURM = REPOSITORY / "slurm"
FILES = sorted(SLURM.glob("*.yaml"))
TINY = REPOSITORY / "tests" / "workflow" / "tiny.yaml"


def test_the_shipped_file_for_children_shows_every_key_with_its_default():
    shown = yaml.safe_load((SLURM / "children.yaml").read_text())
    assert list(shown) == list(Arrays.model_fields)
    assert read_arrays(SLURM / "children.yaml") == Arrays()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_reason_stands_above_every_key(path):
    for above, line in pairwise(path.read_text().splitlines()):
        if re.match(r" *[\w-]+:( |$)", line):
            assert above.lstrip().startswith("#"), line


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path, TINY, profile="slurm")


@pytest.mark.workflow
def test_a_dry_run_says_in_a_line_what_each_job_does(place):
    said = place.snakemake("--dry-run")
    jobs = re.findall(r"^Job \d+: (.+)$", said, re.MULTILINE)
    assert "Search with reinforce, part 1" in jobs and "Train for grid 0-1, part 1" in jobs
    counts = dict(re.findall(r"^(\w+) +(\d+)$", said.partition("Job stats:")[2], re.MULTILINE))
    assert len(jobs) == int(counts["total"]) - int(counts["all"])
    assert "resources:" not in said.partition("rule all:")[0]


@pytest.mark.workflow
def test_a_wrong_key_for_children_is_named_before_anything_starts(place):
    file = place.folder / "slurm" / "children.yaml"
    file.write_text(file.read_text() + "gpu: 1\n")
    said = place.snakemake("--dry-run", code=1)
    assert "slurm/children.yaml: gpu is not a key; allowed here: partition, account" in said
    assert "Traceback" not in said


@pytest.mark.workflow
def test_a_search_runs_as_a_job_or_on_the_login_node_and_nowhere_else(place):
    file = place.folder / "slurm" / "search.yaml"
    file.write_text(file.read_text().replace("search_on: compute", "search_on: moon"))
    said = place.snakemake("--dry-run", code=1)
    assert "search_on = 'moon': allowed: compute, login" in said
