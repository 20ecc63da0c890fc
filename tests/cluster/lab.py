"""A search's folder with a child that does as it is told, and patience for real processes."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from nas_hpc.children import prepare
from nas_hpc.cluster import Pool, TrialSpec
from nas_hpc.cluster.machine import Machine
from nas_hpc.cluster.presence import Presence, slots
from nas_hpc.experiment import Experiment
from nas_hpc.store import Outcome, RunFolder

OWN_CODE = """
import os, signal, time
from pathlib import Path

import numpy as np

from nas_hpc.children import Dataset, Diverged, Split
from nas_hpc.spaces import Choice, Kind, Space

NUMBER = Kind("number", tuple(range(100)))


def generate(act="answer", gate=""):
    number = yield Choice(NUMBER, "number")
    return (number, act, gate)


space = Space("numbers", (NUMBER,), generate)


def data():
    part = Split(np.zeros((2, 1, 2, 2), np.float32), np.array([0, 1]))
    return Dataset(part, part, part, classes=2)


def child(architecture, data, training, trial):
    number, act, gate = architecture
    print("child", os.getpid(), "trains", number)
    trial.folder.joinpath("checkpoint").write_text("of epoch 1")
    if gate:
        Path(gate + ".reached").touch()
        while not Path(gate).exists():
            time.sleep(0.01)
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "diverge":
        raise Diverged("loss nan")
    if act == "environment":
        Path(gate + ".environment").write_bytes(Path("/proc/self/environ").read_bytes())
    return number / 100
"""


class Lab:
    """One search's folder, and pools on it, each with the epoch of a new session."""

    def __init__(self, tmp_path: Path, **slots: object) -> None:
        own = tmp_path / "own.py"
        own.write_text(OWN_CODE)
        experiment = Experiment.model_validate(
            {
                "name": "experiment",
                "space": {"name": f"{own}:space", "arguments": {}},
                "data": {"name": f"{own}:data"},
                "child": {"name": f"{own}:child"},
                "reward": {"failure": -1.0},
                "slots": {"count": 2, "idle_seconds": 60, **slots},
            }
        )
        folder = RunFolder(tmp_path / "runs" / "experiment" / "strategy")
        folder.create()
        folder.experiment.write_text(experiment.model_dump_json())
        prepare(experiment, folder.data)
        (tmp_path / "gates").mkdir()
        self.resume(tmp_path)

    def resume(self, tmp_path: Path) -> None:
        """Be a lab that is there already."""
        self.tmp_path = tmp_path
        self.folder = RunFolder(tmp_path / "runs" / "experiment" / "strategy")
        self.experiment = Experiment.model_validate_json(self.folder.experiment.read_text())
        self.gates = tmp_path / "gates"
        self.epoch = 0
        self._pools: list[Pool] = []

    def place(self) -> Machine:
        """Where its slots run."""
        return Machine(self.experiment.slots.count)

    def pool(self) -> Pool:
        """The pool of a new session."""
        self.epoch += 1
        self._pools.append(Pool(self.folder, self.experiment.slots, self.place(), self.epoch))
        return self._pools[-1]

    def leave(self) -> None:
        """Close all pools, so that none asks any more for what becomes of its slots."""
        while self._pools:
            self._pools.pop().close()

    def spec(
        self, trial: int, act: str = "answer", gate: str = "", alone: bool = False
    ) -> TrialSpec:
        """A trial whose child acts so, once the gate is opened if it has one."""
        arguments = {"act": act, "gate": str(self.gates / gate) if gate else ""}
        return TrialSpec(trial, f"key {trial}", arguments, (("number", trial),), alone)

    def reached(self, gate: str) -> bool:
        """Whether a child waits at the gate."""
        return (self.gates / f"{gate}.reached").exists()

    def open(self, gate: str) -> None:
        """Let the child go on."""
        (self.gates / gate).touch()

    def presences(self) -> list[Presence]:
        """What the slots say of themselves."""
        return list(slots(self.folder))

    def processes(self) -> list[psutil.Process]:
        """Every living process that has to do with this folder, children of the test excluded."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            command = " ".join(process.info["cmdline"] or ())
            living = process.info["status"] != psutil.STATUS_ZOMBIE
            if str(self.folder.root) in command and living:
                found.append(process)
        return found

    def files(self) -> set[str]:
        """Files that a finished search should not leave behind."""
        kept = {self.folder.experiment, self.folder.slots / "neighbours.lock"}
        return {
            str(path.relative_to(self.folder.root))
            for path in self.folder.root.rglob("*")
            if path.is_file() and path not in kept
        }


def until(condition: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait for real processes; a generous end turns a hang into a failure."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def collect(pool: Pool, count: int) -> list[Outcome]:
    """Poll until so many outcomes have come; they are acknowledged."""
    outcomes: list[Outcome] = []

    def enough() -> bool:
        came = pool.poll()
        pool.acknowledge(came)
        outcomes.extend(came)
        return len(outcomes) >= count

    until(enough, f"{count} outcomes")
    assert len(outcomes) == count
    return outcomes


def one_trains_alone(lab: Lab, pool: Pool) -> None:
    """Of two slots; it waits for the trial that trains, and the one that comes later for it."""

    def poll_until(condition: Callable[[], bool], what: str) -> None:
        def met() -> bool:
            pool.acknowledge(pool.poll())
            return condition()

        until(met, what)

    pool.enqueue([lab.spec(1, gate="first"), lab.spec(2, gate="alone", alone=True)])
    poll_until(lambda: len(pool.running()) == 2 and lab.reached("first"), "both to have a slot")
    pool.enqueue([lab.spec(3, gate="last")])
    lab.open("first")
    poll_until(lambda: lab.reached("alone"), "the second to train")
    time.sleep(5)
    assert [trial for trial, _ in pool.running()] == [2] and not lab.reached("last")
    lab.open("alone")
    lab.open("last")
    assert [outcome.trial for outcome in collect(pool, 2)] == [2, 3]
