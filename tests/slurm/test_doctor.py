"""The doctor on a real Slurm, whose GPUs are false."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nas_hpc.doctor import cluster, installation
from nas_hpc.doctor.finding import Finding
from nas_hpc.doctor.probe import Probe
from nas_hpc.experiment import Arrays
from tests.slurm.lab import Cluster

pytestmark = pytest.mark.slurm

SMALL = {"gpus": 1, "cpus": 1, "memory_gb": 1, "minutes": 20, "grace_seconds": 3}


def findings(folder: Path, minutes: float = 2, **changes: object) -> dict[str, Finding]:
    """What the checks of a cluster find, by what was looked at."""
    arrays = Arrays.model_validate(SMALL | changes)
    found = cluster.cluster_checks(arrays, folder, minutes)
    return {finding.what: finding for finding in found}


def probe(folder: Path, minutes: float = 2, **changes: object) -> Finding:
    """What becomes of a probe job."""
    return Probe(Arrays.model_validate(SMALL | changes), folder, minutes).run()


def doctors(slurm: Cluster) -> list[dict[str, str]]:
    """Probe jobs that have not ended."""
    living = "--states=PENDING,RUNNING,COMPLETING"
    return slurm.squeue("--name=nas-hpc-doctor", living)


def test_all_is_well_but_for_the_false_gpu(slurm: Cluster, tmp_path: Path) -> None:
    children = tmp_path / "children.yaml"
    children.write_text("cpus: 1\nmemory_gb: 1\n")
    command = [Path(sys.executable).parent / "nas-hpc", "doctor", "--children", str(children)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    lines = done.stdout.splitlines()
    (wrong,) = [line for line in lines if line.startswith("FAILED")]
    assert wrong.startswith("FAILED  GPU: a GPU was allocated (CUDA_VISIBLE_DEVICES=")
    assert "but torch sees none" in wrong and "no NVIDIA driver answers there" in wrong
    assert done.returncode == 1 and lines[-1] == "1 failed" and done.stderr == ""
    assert re.search(
        r"^ok      probe job: job \d+ started on n\d after \d+ s\.$", done.stdout, re.M
    )
    assert "ok      search job: may submit its children from a compute node." in lines
    assert list((tmp_path / "runs" / "digits").iterdir()) == []
    assert doctors(slurm) == []


@pytest.mark.parametrize(
    ("changes", "what", "minded"),
    [
        ({"partition": "nowhere"}, "partition", "there is no partition nowhere, but main, high"),
        ({"partition": "nowhere"}, "children's settings", "`partition`"),
        ({"gpus": 9}, "children's settings", "`gpus`"),
        ({"constraint": "a100"}, "children's settings", "`constraint`"),
        ({"memory_gb": 900}, "children's settings", "`memory_gb`"),
        ({"sbatch": {"begin": "whenever"}}, "children's settings", "`sbatch`"),
    ],
)
def test_settings_that_slurm_does_not_take_are_named(
    slurm: Cluster, tmp_path: Path, changes: dict[str, object], what: str, minded: str
) -> None:
    found = findings(tmp_path, **changes)
    assert found[what].level == "FAILED" and minded in found[what].found + found[what].mend
    assert "probe job" not in found


def test_a_time_limit_that_is_too_long_for_the_partition(slurm: Cluster) -> None:
    slurm.run("scontrol", "update", "PartitionName=high", "MaxTime=30")
    try:
        found = cluster.partition(Arrays(partition="high", minutes=45))
        assert found.level == "FAILED" and "30 minutes; tasks ask for 45" in found.found
        assert cluster.partition(Arrays(partition="main,high", minutes=30)).level == "ok"
        slurm.run("scontrol", "update", "PartitionName=high", "State=DOWN")
        found = cluster.partition(Arrays(partition="high", minutes=30))
        assert found.level == "FAILED" and found.found == "high is DOWN"
    finally:
        slurm.run("scontrol", "update", "PartitionName=high", "State=UP", "MaxTime=UNLIMITED")


def test_a_quality_of_service_that_allows_few_jobs(slurm: Cluster) -> None:
    found = cluster.limits(Arrays(qos="few", max_running=32, cpus=2, trials_per_gpu=2))
    assert found.level == "warning" and "`max_running` 16" in found.mend
    assert found.found == "QOS few: 8 submitted at a time; the search wants up to 16 tasks"
    assert cluster.limits(Arrays(qos="few", max_running=8)).level == "ok"
    assert cluster.limits(Arrays(max_running=32)).found == "none for you"


def test_a_job_that_does_not_start_is_cancelled_and_says_why_it_waits(
    slurm: Cluster, tmp_path: Path
) -> None:
    found = probe(tmp_path, minutes=0.05, sbatch={"begin": "now+2hours"})
    assert found.level == "warning" and "reason BeginTime; Slurm expects it to start on 20" in (
        found.found
    )
    assert doctors(slurm) == []


def test_a_task_that_ends_without_a_word(slurm: Cluster, tmp_path: Path) -> None:
    found = probe(tmp_path, setup=("echo this node is broken", "exit 3"))
    assert found.level == "FAILED" and "answer-0.json cannot be seen here" in found.found
    assert found.mend == "its last words: this node is broken"


def test_a_task_that_dies_before_it_has_told_all(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its node, torch ends the process in which it is imported."""
    monkeypatch.setenv("DEADLY", str(tmp_path / "deadly"))
    (tmp_path / "deadly").mkdir()
    deadly = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"
    (tmp_path / "deadly" / "torch.py").write_text(deadly)
    found = probe(tmp_path, setup=('export PYTHONPATH="$DEADLY"',), environment=("DEADLY",))
    assert found.level == "FAILED" and "report.json cannot be seen here" in found.found
    assert found.mend.startswith("its last words: ")


def test_a_controller_that_does_not_answer(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm's own commands, told to look for it where nobody listens."""
    text = slurm.layout.slurm_conf.read_text()
    elsewhere = tmp_path / "slurm.conf"
    elsewhere.write_text(re.sub(r"(?m)^SlurmctldPort=.*$", "SlurmctldPort=1", text))
    monkeypatch.setenv("SLURM_CONF", str(elsewhere))
    found = findings(tmp_path)
    assert list(found) == ["Slurm"]
    assert found["Slurm"].level == "FAILED" and "Unable to contact slurm" in found["Slurm"].found
    polled = cluster.pollers(Arrays())
    assert polled.level == "warning" and polled.found.startswith("squeue: ")
    assert cluster.pollers(Arrays(poll_with="squeue")).level == "FAILED"
    assert cluster.pollers(Arrays(poll_with="sacct")).level == "warning"


@pytest.mark.mpi
def test_ranks_that_srun_starts_meet_only_with_its_pmi(slurm: Cluster) -> None:
    found = installation.mpi_world("srun --mpi=pmi2 --mem=500")
    assert found.level == "ok", found
    found = installation.mpi_world("srun --mpi=none --mem=500")
    assert found.level == "FAILED" and "worlds of size 1, 1, 1" in found.found
