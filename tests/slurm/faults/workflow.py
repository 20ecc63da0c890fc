"""Snakemake, started as a user starts it on a cluster, is killed; its jobs know nothing of it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from nas_hpc.store import write_json
from tests.slurm.faults.fault import Fault, Scene
from tests.slurm.faults.subject import until
from tests.slurm.lab import Trouble
from tests.workflow.running import Workplace


def start(scene: Scene) -> None:
    subject = scene.subject
    # The data is there; what is tried in small before a search would be in the diary.
    done = subject.run.root.parent / "done"
    done.mkdir()
    write_json(done / "prepared.json", {})
    folder = subject.folder / "workplace"
    folder.mkdir()
    workplace = Workplace(folder, subject.yaml, profile="slurm")
    shutil.copy(subject.folder / "children.yaml", folder / "slurm")
    subject.command = workplace.command(target=str(done / "search-random.json"))
    snakemake(scene)


def snakemake(scene: Scene) -> None:
    subject = scene.subject
    with subject.log.open("ab") as log:
        scene.started.append(
            subprocess.Popen(
                subject.command,
                cwd=subject.folder / "workplace",
                env=scene.cluster.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )


def killed(scene: Scene) -> None:
    """And started again, while the search goes on."""
    subject = scene.subject
    with subject.held():
        scene.started[-1].kill()
        scene.wait(0.0, 5.0)
        snakemake(scene)
        until(lambda: follows(subject.run.root.parent / "logs"), "the second search to follow")
    until(lambda: scene.started[-1].poll() is not None, "the second Snakemake")
    if code := scene.started[-1].returncode:
        raise Trouble(f"the second Snakemake ended with exit code {code}")


def follows(logs: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):  # Snakemake deletes a rule's log to run it again
        return any("following the search" in log.read_text() for log in logs.glob("search-*.log"))
    return False


FAULTS = (
    Fault(
        "snakemake killed",
        killed,
        (r"log: following the search that already runs: process",),
        start=start,
    ),
)
