"""The search under test: a real one, in a Slurm job, whose children are tasks of arrays."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml

from nas_hpc.children import prepare
from nas_hpc.cluster import spool
from nas_hpc.cluster.presence import Presence, slots
from nas_hpc.experiment import Experiment, read
from nas_hpc.search.configuration import of_strategy
from nas_hpc.store import Ending, RunFolder, current_session, read_search
from tests.slurm.lab import Cluster, Refused, Trouble

SEARCH_NODES, CHILDREN_NODES = ("n1", "n4"), ("n2", "n3")
"""Apart, so that a node can fail without the other half."""

TRIALS = 14
PATIENCE = 150.0
"""Seconds, for anything: long for an idle machine."""


class Subject:
    """An experiment in a folder of its own, and the jobs that search in it.

    Args:
        cluster: where it runs.
        folder: for everything of it, empty.
        runs: the run folder's parent; by default in the folder.
        arrays, child: what is changed in children.yaml and in the child's options.

    Attributes:
        command, minutes: what is submitted, and its time limit.
        programs: a folder whose programs come before all others in the search's job.
        place: where the children keep their diary; see ``own``.
    """

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        runs: Path | None = None,
        arrays: dict[str, Any] | None = None,
        child: dict[str, Any] | None = None,
    ) -> None:
        self.cluster = cluster
        self.folder = folder
        self.programs = folder / "programs"
        self.place = folder / "place"
        for place in (self.programs, self.place, self.place / "moods"):
            place.mkdir()
        (self.place / "diary").touch()
        own = Path(__file__).with_name("own.py")
        options = {"place": str(self.place), "seconds": 1.0} | (child or {})
        self.settings = {
            "seed": 5,
            "runs": str(runs or folder / "runs"),
            "space": {"name": f"{own}:space", "arguments": {}},
            "data": {"name": f"{own}:data"},
            "child": {"name": f"{own}:child", "options": options},
            "training": {"epochs": 4},
            "search": {"strategy": "random", "checkpoint_seconds": 1.0},
            "budget": {"trials": TRIALS},
            "compare_with": [],
        }
        self.children = {
            "cpus": 4,  # two tasks to a node
            "memory_gb": 1.2,
            "minutes": 10,
            "max_running": 3,
            "max_queued": 3,
            "gather_seconds": 0.5,
            "poll_seconds": 2,
            "grace_seconds": 3,
            "sbatch": {"exclude": ",".join(SEARCH_NODES)},
        } | (arrays or {})
        self.yaml = self.write("subject.yaml", self.settings)
        self.write("children.yaml", self.children)
        self.command = self.search(self.yaml)
        self.minutes = 30
        prepare(self.experiment, self.run.data)

    def write(self, name: str, data: dict[str, Any]) -> Path:
        """A YAML file in the folder."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(data))
        return path

    def search(self, experiment: Path) -> list[str]:
        """What a user would give to search."""
        search = [sys.executable, "-m", "nas_hpc", "search", str(experiment)]
        return [*search, "--children", str(self.folder / "children.yaml")]

    @property
    def experiment(self) -> Experiment:
        return of_strategy(read(str(self.yaml), self.folder / "children.yaml"), "random")

    @property
    def run(self) -> RunFolder:
        return RunFolder.of(self.experiment)

    @property
    def log(self) -> Path:
        """What the search prints, in all its jobs."""
        return self.folder / "search.log"

    def submit(self, *options: str) -> str:
        """Submit the command as a job; its number."""
        line = f"export PATH={self.programs}:$PATH; exec {shlex.join(self.command)}"
        asked = ["--job-name=search", f"--output={self.log}", "--open-mode=append", "--mem=1500"]
        asked += [f"--time={self.minutes}", f"--exclude={','.join(CHILDREN_NODES)}", *options]
        return self.cluster.sbatch(line, *asked, folder=self.folder)

    def finish(self) -> None:
        """Give the same command again until the search is done; no job of it is left then."""
        again = 0
        began = time.monotonic()
        while True:
            until(lambda: not self.active(), "the search's jobs", began)
            if self.ending().done:
                return
            again += 1
            if again > 4:
                raise Trouble("given again four times, the search is not done")
            self.submit()

    def ending(self) -> Ending:
        """How far it has come."""
        return Ending.of(read_search(self.run), self.experiment.budget)

    def active(self) -> bool:
        """Whether a job that searches waits or runs."""
        return any(not name.startswith("nas-") for name in self.queue().values())

    def queue(self) -> dict[str, str]:
        """Names of its jobs that wait or run, those of its children among them, by number."""
        lines = self.cluster.run("squeue", "--noheader", "--format=%A|%j|%Z").splitlines()
        jobs = [line.split("|") for line in lines]
        return {
            job: name
            for job, name, place in jobs
            if self.folder in (Path(place), *Path(place).parents)
        }

    def ranks(self) -> list[psutil.Process]:
        """The MPI ranks of the search, the dispatcher first."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                line = process.cmdline()
                rank = process.environ().get("PMI_RANK")
                if "nas_hpc.search.program" in line and str(self.yaml) in line and rank:
                    found.append((int(rank), process))
        return [process for _, process in sorted(found, key=lambda pair: pair[0])]

    def dispatcher(self) -> psutil.Process:
        """The process that writes."""
        session = current_session(self.run)
        if session is None:
            raise Trouble("nobody has written yet")
        return psutil.Process(session.identity.pid)

    def at_work(self) -> list[tuple[int, Presence]]:
        """Trials that are being trained, and in which slots."""

        def look() -> list[tuple[int, Presence]]:
            trains = self.training()
            present = {seen.slot: seen for seen in slots(self.run) if seen.state == "ready"}
            claims = [claim for claim in spool.claims(self.run) if claim.trial in trains]
            return [(c.trial, present[c.slot]) for c in claims if c.slot in present]

        until(look, "a trial in training", time.monotonic())
        return look()

    def diary(self) -> list[tuple[float, int, str, int]]:
        """Time, trial, what, and epoch of all that the children have noted."""
        lines = [line.split() for line in (self.place / "diary").read_text().splitlines()]
        return [(float(when), int(trial), what, int(n)) for when, trial, what, n in lines]

    def training(self) -> set[int]:
        """Trials of whose training the diary has the start, and not the finish."""
        diary = self.diary()
        finished = {trial for _, trial, what, _ in diary if what == "finish"}
        return {trial for _, trial, what, _ in diary if what == "start"} - finished

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile no training gets on, so that the search is not over too soon."""
        hold = self.place / "hold"
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()

    def remove(self) -> None:
        """Cancel what is left, and wait for its end."""

        def gone() -> bool:
            if left := self.queue():
                self.cluster.scancel(*left)
            return not left

        until(gone, "the end of cancelled jobs")


def until(condition: Callable[[], object], what: str, began: float | None = None) -> None:
    """Wait; a Slurm command that fails is asked again.

    Raises:
        Trouble: it took longer than `PATIENCE`.
    """
    began = time.monotonic() if began is None else began
    while time.monotonic() - began < PATIENCE:
        with contextlib.suppress(Refused, subprocess.TimeoutExpired):
            if condition():
                return
        time.sleep(0.1)
    raise Trouble(f"waited {PATIENCE} s for {what}")
