"""The process that trains one architecture after another for a slot.

It reads one line of JSON for each trial on stdin, ``{"claim": path, "attempt": n}``, and answers
with one on stdout, ``{"trial": n, "status": ...}``, once the outcome's file is durably in place.
Its first line is ``{"ready": pid}``; it ends at the end of stdin, and after any outcome but ``ok``,
so that a trial never starts in a process in which something went wrong.

While the disk is too full for an outcome, or for what the child's code wants to write, it waits
until there is room. It then says ``{"waits": why}``: its time is no longer the trial's.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_hpc.children.data import load_search
from nas_hpc.children.evaluation import check_gpu, evaluate, load_child
from nas_hpc.experiment import Experiment
from nas_hpc.spaces import Tokens, load_space
from nas_hpc.store import Outcome, Room, RunFolder, check_room, done_without, write_outcome
from nas_hpc.store.room import complain


@dataclass(frozen=True)
class Claim:
    """What is to be trained, out of a claim's file."""

    trial: int
    arguments: Mapping[str, Any]
    tokens: Tokens

    @classmethod
    def read(cls, path: Path) -> Claim:
        data = json.loads(path.read_text())
        tokens = tuple((str(name), int(token)) for name, token in data["tokens"])
        return cls(data["trial"], data["arguments"], tokens)


def main(run_folder: Path, slot: str) -> None:
    """Train what stdin asks for; see the module's docstring.

    Raises:
        PermissionError: others could write into the run folder, and so choose what is run here.
        ExperimentError, OwnCodeError, DataError, RuntimeError: nothing can be trained; not a
            trial's fault.
    """
    requests, answers = _private_pipes()
    refuse_if_writable_by_others(run_folder)
    folder = RunFolder(run_folder)
    experiment = Experiment.model_validate_json(folder.experiment.read_text())
    check_gpu(experiment)
    load_space(experiment)
    load_child(experiment)
    data = load_search(folder.data)

    def wait(text: str) -> None:
        complain(text)
        _say(answers, waits=text)

    def attempt(claim: Claim, number: int) -> Outcome:
        with _output_to(folder.trial(claim.trial) / "log.txt"):
            outcome = evaluate(experiment, folder, claim, number, slot, data=data)
        if outcome.status == "lost":
            check_room(folder.root)  # if there is none, that is why
        return outcome

    room = Room(folder.root, wait)
    _say(answers, ready=os.getpid())
    for line in requests:
        request = json.loads(line)
        claim = Claim.read(Path(request["claim"]))
        outcome = room.awaited(attempt, claim, request["attempt"])
        room.awaited(write_outcome, folder.outcomes / f"{claim.trial:09d}.h5", outcome)
        _say(answers, trial=claim.trial, status=outcome.status)
        if outcome.status != "ok":
            return


def refuse_if_writable_by_others(folder: Path) -> None:
    """Raise PermissionError if others than the owner may write into the folder."""
    mode = folder.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(
            f"{folder} can be written by others (mode {stat.S_IMODE(mode):04o}); "
            f"run: chmod go-w {folder}"
        )


def _private_pipes() -> tuple[Any, Any]:
    """Stdin and stdout for us alone; what a child reads or prints can then not disturb them."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _say(answers: Any, **message: Any) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send everything that is printed, by whatever code, to the end of a file."""
    kept = os.dup(2)
    try:
        with done_without(str(log)):
            log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(file, 1)
            os.dup2(file, 2)
            os.close(file)
        yield
    finally:
        with done_without(f"the rest of {log}"):
            sys.stdout.flush()
            sys.stderr.flush()
        os.dup2(kept, 1)
        os.dup2(kept, 2)
        os.close(kept)
