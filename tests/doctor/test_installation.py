import subprocess
import sys
from pathlib import Path

import pytest

from nas_hpc.doctor import installation
from nas_hpc.doctor.program import ProgramError, answer
from nas_hpc.search.mpiexec import MPIEXEC

RANKS_APART = """#!/bin/sh
# An MPI launcher that mpi4py's MPI does not know: it starts programs, but they never meet.
shift 2
"$@" & "$@" & "$@" & wait
"""


def pretend(monkeypatch, folder: Path, name: str, version: str) -> None:
    """Install another version of a package in front of ours."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(folder)


def test_versions_and_torch_are_those_that_were_tried():
    assert installation.versions().level == "ok"
    found = installation.torch()
    assert found.level == "ok" and "with torchvision" in found.found


def test_a_package_that_is_too_old_is_named(monkeypatch, tmp_path):
    pretend(monkeypatch, tmp_path, "submitit", "1.2.0")
    found = installation.versions()
    assert found.level == "FAILED" and "locks/runtime.txt" in found.mend
    assert found.found == "submitit is 1.2.0, and should be <2,>=1.5.4"


def test_another_torch_is_named(monkeypatch, tmp_path):
    pretend(monkeypatch, tmp_path, "torch", "1.9.0")
    found = installation.torch()
    assert found.level == "FAILED" and "torch is 1.9.0" in found.found


def test_a_pair_that_does_not_belong_together_is_said_in_its_own_words(monkeypatch, tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = installation.torch()
    assert found.level == "FAILED" and "locks/torch.txt" in found.mend
    assert found.found == "RuntimeError: operator torchvision::nms does not exist"


@pytest.mark.mpi
def test_ranks_meet():
    found = installation.mpi_world(MPIEXEC)
    assert found.level == "ok" and "3 ranks met" in found.found and "MPICH" in found.found


@pytest.mark.mpi
def test_ranks_that_do_not_meet(tmp_path):
    launcher = tmp_path / "launcher"
    launcher.write_text(RANKS_APART)
    launcher.chmod(0o700)
    found = installation.mpi_world(str(launcher))
    assert found.level == "FAILED" and "PMI" in found.mend
    assert "gave worlds of size 1, 1, 1, not one of 3" in found.found


@pytest.mark.parametrize("mpiexec", ["no-such-mpiexec", "false"])
def test_an_mpiexec_that_does_not_work(mpiexec):
    found = installation.mpi_world(mpiexec)
    assert found.level == "FAILED" and found.found.startswith(f"{mpiexec} -n 3: {mpiexec}")


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(ProgramError, match="did not end within 2 s"):
        answer(["sh", "-c", script], 2)
    pid = int((tmp_path / "pid").read_text())
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True)
    assert state.stdout.strip() in ("", "Z")


def test_the_last_words_of_a_program_that_fails_are_told():
    with pytest.raises(ProgramError, match=r"^ZeroDivisionError: division by zero$"):
        answer([sys.executable, "-c", "1 / 0"], 60)
