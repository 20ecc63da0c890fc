"""What a rule of Snakemake cannot see of the job that it runs in."""

import json
import os
import subprocess
import sys

import pytest

HIDDEN = (
    "import json; from nas_hpc.cluster.own_job import OwnJob; print(json.dumps(OwnJob.hidden()))"
)


def hidden(below: str, **above: str) -> dict[str, str]:
    """What a process finds whose environment a shell above it has changed."""
    done = subprocess.run(
        ["sh", "-c", f'{below} "$@"; exit $?', "sh", sys.executable, "-c", HIDDEN],
        env=os.environ | above,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


OF_THE_JOB = {"SLURM_JOB_ID": "7", "SLURM_CONF": "/site/slurm.conf", "SBATCH_ACCOUNT": "mine"}


@pytest.mark.parametrize(
    ("below", "found"),
    [
        ("env -u SLURM_CONF -u SBATCH_ACCOUNT", {"SLURM_CONF", "SBATCH_ACCOUNT"}),
        ("env -u SLURM_CONF SLURM_JOB_ID=8", set()),
        ("env -u SLURM_CONF -u SLURM_JOB_ID", set()),
    ],
)
def test_variables_are_found_above_in_the_same_job(below, found):
    kept = hidden(below, SLURM_NTASKS="3", **OF_THE_JOB)
    assert kept.keys() - {"SLURM_CLUSTERS"} == found
    assert kept.items() <= OF_THE_JOB.items()
