"""The ranks of a search, started in a Slurm job in every way that slurm/README.md names."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nas_hpc.store import RunFolder, current_session, read_search

pytestmark = [pytest.mark.slurm, pytest.mark.mpi]

TINY = Path(__file__).parents[1] / "workflow" / "tiny.yaml"
CHILDREN = """\
gpus: 0
cpus: 1
memory_gb: 1.5
minutes: 10
max_running: 2
gather_seconds: 0.5
poll_seconds: 2
grace_seconds: 3
"""
DEBIANS = "env MPI4PY_MPIABI=openmpi mpiexec.openmpi --allow-run-as-root --oversubscribe"


@pytest.mark.parametrize(
    ("mpiexec", "nodes"),
    [("srun --mpi=pmi2", 2), (DEBIANS, 1)],
    ids=["srun over two nodes", "Debian's MPI"],
)
def test_a_search_as_a_job(slurm, tmp_path, mpiexec, nodes):
    experiment = tmp_path / "tiny.yaml"
    shutil.copy(TINY, experiment)
    (tmp_path / "children.yaml").write_text(CHILDREN)
    programs = Path(sys.executable).parent
    environment = os.environ | slurm.environment | {"PATH": f"{programs}:{os.environ['PATH']}"}
    prepared = subprocess.run(
        ["nas-hpc", "prepare", "tiny.yaml"], cwd=tmp_path, env=environment, capture_output=True
    )
    assert prepared.returncode == 0, prepared.stderr
    search = f'nas-hpc search tiny.yaml --children children.yaml --mpiexec "{mpiexec}"'
    script = f"#!/bin/sh\n{search}\n"
    (tmp_path / "job.sh").write_text(script)
    options = [f"--nodes={nodes}", "--ntasks=3", "--mem-per-cpu=900M", "--output=job.out"]
    done = subprocess.run(
        ["sbatch", "--wait", *options, "job.sh"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    said = (tmp_path / "job.out").read_text()
    assert done.returncode == 0, said
    folder = RunFolder(tmp_path / "runs" / "tiny" / "reinforce")
    log = read_search(folder)
    assert len({outcome.trial for outcome in log.outcomes if outcome.answers}) == 8
    session = current_session(folder)
    assert session is not None
    assert re.fullmatch(r"\d+", session.identity.job)
    job = session.identity.job
    hosts = slurm.run("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%D")
    assert hosts.strip() == str(nodes)
    assert {use.state for use in log.slots} == {"COMPLETED"}
