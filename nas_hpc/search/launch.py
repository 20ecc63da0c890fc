"""Start a search as a user does: follow a living one, go on with a dead one, or begin."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from nas_hpc.cluster import NoAnswer, check_place, living_slots
from nas_hpc.experiment import Experiment, ExperimentError, read
from nas_hpc.policies import is_replicated
from nas_hpc.search.configuration import check, of_strategy
from nas_hpc.search.mpiexec import MPIEXEC, command, environment
from nas_hpc.search.ranks import Ranks
from nas_hpc.search.succession import Claim, follow, living_writer
from nas_hpc.spaces import load_space
from nas_hpc.store import Ending, RunFolder, check_room, read_search, write_json
from nas_hpc.store.ending import BROKEN, STOPPED, STOPPED_NOW


class SearchFailed(RuntimeError):
    """The search ended without being done; the message says why and how it goes on."""


def launch(
    name: str,
    strategy: str,
    marker: Path | None,
    mpiexec: str = MPIEXEC,
    children: Path | None = None,
    attempt: int = 1,
) -> None:
    """Search until it is done, and write the marker then.

    Args:
        name: of the experiment, or the path of its YAML file.
        strategy: which of its strategies.
        marker: a small JSON file that says that the search is done, and how it ended.
        mpiexec: starts MPI programs; ``-n`` and the program are appended.
        children: YAML file of how children run as Slurm arrays; without it they run here.
        attempt: from 1; a workflow's further ones leave a search alone that was stopped meanwhile.

    Raises:
        SearchFailed: it was stopped, or the MPI program failed.
        Refused: the run is being written by another user, configuration or folder.
        DiskFull: there is no room to begin with.
        ExperimentError: nothing is prepared, or the run began with another configuration; that of
            a search that is done is held against it too, since what follows goes by it.
    """
    experiment = of_strategy(read(name, children), strategy)
    folder = RunFolder.of(experiment)
    try:
        check(experiment, load_space(experiment), folder)
    except ExperimentError as error:
        if folder.sessions.exists() and (writer := living_writer(folder)):
            raise ExperimentError(f"{error}\nit is being written by {writer.identity}") from None
        raise
    folder.create()
    ending = Ending.of(read_search(folder), experiment.budget)
    if attempt > 1 and ending.reason in (STOPPED, STOPPED_NOW):
        raise SearchFailed(_explain(folder, ending, 0))
    if not ending.done and follow(folder, Claim.of(experiment, folder), tell):
        ending = Ending.of(read_search(folder), experiment.budget)
        if ending.reason in (STOPPED, STOPPED_NOW):
            raise SearchFailed(_explain(folder, ending, 0))
    if not ending.done:
        check_place(folder, experiment.slots.executor)
        check_room(folder.root)
        folder.stop.unlink(missing_ok=True)
        asked = [name, strategy, *([str(children)] if children else [])]
        code = _run_ranks(asked, experiment, mpiexec)
        ending = Ending.of(read_search(folder), experiment.budget)
        if not ending.done:
            raise SearchFailed(_explain(folder, ending, code))
    tell(f"[{experiment.name}/{strategy}] {ending.answered} trials: {ending.reason}")
    if marker is not None:
        marker.parent.mkdir(parents=True, exist_ok=True)
        write_json(marker, {"done": True, "reason": ending.reason, "trials": ending.answered})


def tell(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def _run_ranks(asked: list[str], experiment: Experiment, mpiexec: str) -> int:
    size = Ranks.of(experiment, is_replicated(experiment.search.strategy)).size
    program = command(mpiexec, size, "nas_hpc.search.program", *asked)
    relay = subprocess.Popen([sys.executable, "-m", "nas_hpc.search.relay"], stdin=subprocess.PIPE)
    assert relay.stdin is not None
    with relay.stdin as printed:
        ranks = subprocess.Popen(
            program, env=environment(), stdout=printed, stderr=subprocess.STDOUT
        )

    def pass_on(number: int, _: FrameType | None) -> None:
        ranks.send_signal(number)

    # Ctrl-C reaches mpiexec by itself: it is in our process group.
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
    }
    try:
        code = ranks.wait()
        # A rank that outlives its mpiexec may yet print; nobody waits for that.
        with contextlib.suppress(subprocess.TimeoutExpired):
            relay.wait(timeout=10)
        return code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _explain(folder: RunFolder, ending: Ending, code: int) -> str:
    try:
        slots = len(living_slots(folder))
    except NoAnswer as silence:
        slots = 0
        tell(f"whether slots still run cannot be told now: {silence}")
    lines = [f"the search in {folder.root} is not done: {ending.reason or f'exit code {code}'}"]
    if ending.reason == BROKEN:
        last = [o for o in read_search(folder).outcomes if not o.answers][-1]
        log = folder.trial(last.trial) / "log.txt"
        lines.append(f"the last one, trial {last.trial}: {last.reason}; its log: {log}")
    if slots:
        lines.append(
            f"{slots} slots still run: they finish the trials that are queued and then end; "
            f"to end them now: nas-hpc stop {folder.root.parent.name} --now"
        )
    lines.append("nothing that was finished is lost: the same command goes on")
    return "\n".join(lines)
