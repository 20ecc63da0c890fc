"""Snakemake, started as a user starts it, in a folder of its own."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
LOCAL = REPOSITORY / "workflow" / "profiles" / "local"


class Workplace:
    """A folder with the workflow and an experiment in it, and the profile that it is run with."""

    def __init__(self, folder: Path, experiment: Path, profile: str = str(LOCAL)) -> None:
        self.folder, self.profile = folder, profile
        self.yaml = folder / experiment.name
        shutil.copy(experiment, self.yaml)
        shutil.copy(REPOSITORY / "Snakefile", folder)
        shutil.copy(REPOSITORY / "environment.yml", folder)
        shutil.copytree(REPOSITORY / "slurm", folder / "slurm")
        for part in ("rules", "schemas", "report"):
            shutil.copytree(REPOSITORY / "workflow" / part, folder / "workflow" / part)

    @property
    def run(self) -> Path:
        return self.folder / "runs" / self.yaml.stem

    @property
    def results(self) -> Path:
        return self.folder / "analysis" / self.yaml.stem

    def command(self, *options: str, target: str = "all") -> list[str]:
        profile, experiment = ["--profile", self.profile], f"experiment={self.yaml.name}"
        return [str(SNAKEMAKE), *profile, *options, "--config", experiment, "--", target]

    @contextmanager
    def running(self, *options: str, target: str = "all") -> Iterator[subprocess.Popen[str]]:
        """Snakemake in a session of its own; everything that it says is in one text."""
        process = subprocess.Popen(
            self.command(*options, target=target),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()

    def snakemake(self, *options: str, target: str = "all", code: int = 0) -> str:
        """Run it to the end, and return what it said."""
        with self.running(*options, target=target) as process:
            return finish(process, code)

    def marker_path(self, what: str, part: int) -> Path:
        """What a part of a search or training leaves, by its name, such as ``grid-0-1``."""
        return self.run / "done" / "parts" / f"{what}.{part}.json"

    def marker(self, what: str, part: int) -> dict[str, Any]:
        """What is in it."""
        return json.loads(self.marker_path(what, part).read_text())

    def trainings(self) -> dict[str, tuple[int, int]]:
        """Every training of the final stage that was paid for, with its file's identity."""
        files = sorted((self.run / "retrain" / "work").glob("*/outcome.h5"))
        return {path.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    def trials(self, strategy: str) -> list[tuple[int, float]]:
        """Every trial of a search that has a reward, with when its training began."""
        from nas_hpc.store import RunFolder, read_search

        log = read_search(RunFolder(self.run / strategy))
        return [(outcome.trial, outcome.started) for outcome in log.outcomes if outcome.answers]


def finish(process: subprocess.Popen[str], code: int = 0, seconds: float = 280) -> str:
    """Wait for Snakemake to end with this code, and return what it said."""
    said, _ = process.communicate(timeout=seconds)
    assert process.returncode == code, said[-5000:]
    return said


def part_below(process: subprocess.Popen[str], what: str) -> psutil.Process:
    """The running part of a command, such as ``search``, that Snakemake has started."""
    for found in psutil.Process(process.pid).children(recursive=True):
        line = found.cmdline()
        if "part" in line and what in line and not line[0].endswith("sh"):
            return found
    raise LookupError(f"no part of {what} runs")
