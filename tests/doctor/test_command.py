import os
import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = Path(sys.executable).parent


def doctor(
    *arguments: str, path: str = str(BESIDE), folder: Path
) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, where there is no Slurm."""
    return subprocess.run(
        [BESIDE / "nas-hpc", "doctor", *arguments],
        cwd=folder,
        env=os.environ | {"PATH": str(BESIDE)},
        capture_output=True,
        text=True,
    )


@pytest.mark.mpi
def test_a_machine_without_slurm_is_looked_at_and_left_as_it_was(tmp_path):
    done = doctor(folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith(("ok      ", "warning ")) for line in lines[:-1])
    assert "\x1b" not in done.stdout and lines[-1] == "nothing has failed"
    assert lines[-2] == "ok      Slurm: not asked for; children run on this machine."
    assert list((tmp_path / "runs" / "digits").iterdir()) == []


@pytest.mark.mpi
def test_what_fails_is_counted_and_ends_with_1(tmp_path):
    children = tmp_path / "children.yaml"
    children.write_text("gpus: 0\n")
    (tmp_path / "runs").write_text("not a folder")
    done = doctor("--mpiexec", "no-such-mpiexec", folder=tmp_path)
    assert done.returncode == 1 and done.stderr == ""
    assert "FAILED  MPI: no-such-mpiexec -n 3: no-such-mpiexec cannot be started" in done.stdout
    assert "FAILED  folder of runs: nothing can be made in runs/digits" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 failed"

    (tmp_path / "runs").unlink()
    done = doctor("--children", "children.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert "FAILED  Slurm: scontrol is not installed here." in done.stdout
    assert "probe job" not in done.stdout
