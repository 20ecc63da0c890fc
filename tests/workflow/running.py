"""Snakemake, started as a user starts it, in a folder of its own."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
LOCAL = REPOSITORY / "workflow" / "profiles" / "local"


class Workplace:
    """A folder with the workflow and an experiment in it."""

    def __init__(self, folder: Path, experiment: Path) -> None:
        self.folder = folder
        self.yaml = folder / experiment.name
        shutil.copy(experiment, self.yaml)
        shutil.copy(REPOSITORY / "Snakefile", folder)
        shutil.copy(REPOSITORY / "environment.yml", folder)
        for part in ("rules", "schemas", "report"):
            shutil.copytree(REPOSITORY / "workflow" / part, folder / "workflow" / part)

    @property
    def run(self) -> Path:
        return self.folder / "runs" / self.yaml.stem

    @property
    def results(self) -> Path:
        return self.folder / "analysis" / self.yaml.stem

    def command(self, *options: str, target: str = "all") -> list[str]:
        profile, experiment = ["--profile", str(LOCAL)], f"experiment={self.yaml.name}"
        return [str(SNAKEMAKE), *profile, *options, "--config", experiment, "--", target]

    def start(self, *options: str, target: str = "all") -> subprocess.Popen[str]:
        """Snakemake in a session of its own; everything that it says is in one text."""
        return subprocess.Popen(
            self.command(*options, target=target),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def snakemake(self, *options: str, target: str = "all", code: int = 0) -> str:
        """Run it to the end, and return what it said."""
        process = self.start(*options, target=target)
        try:
            said, _ = process.communicate(timeout=280)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait()
        assert process.returncode == code, said[-5000:]
        return said

    def trainings(self) -> dict[str, tuple[int, int]]:
        """Every training of the final stage that was paid for, with its file's identity."""
        files = sorted((self.run / "retrain" / "work").glob("*/outcome.h5"))
        return {path.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    def trials(self, strategy: str) -> list[tuple[int, float]]:
        """Every trial of a search that has a reward, with when its training began."""
        from nas_hpc.store import RunFolder, read_search

        log = read_search(RunFolder(self.run / strategy))
        return [(outcome.trial, outcome.started) for outcome in log.outcomes if outcome.answers]
