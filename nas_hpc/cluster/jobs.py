"""What Slurm says of jobs: one command for any number of them."""

from __future__ import annotations

import math
import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

PATIENCE = 30.0
"""Seconds for a Slurm command; with no controller it would hang for many minutes."""

WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")
RUNNING = ("CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING",
           "STAGE_OUT", "RESIZING")  # fmt: skip

YEARS = 3600.0 * 24 * 365 * 2
"""Start times further ahead than this are Slurm's guesses."""


class NoAnswer(RuntimeError):
    """Slurm does not answer, so that nothing is known; the message says what it said."""


@dataclass(frozen=True)
class Job:
    """One job, or one task of an array.

    Attributes:
        name: of the job.
        reason: why it waits, in Slurm's words; empty where that was not asked.
        state: in Slurm's words, ``RUNNING``, ``TIMEOUT`` ...
        started, ended: seconds since 1970; NaN if not known.
    """

    name: str
    state: str
    started: float
    ended: float
    reason: str = ""

    @property
    def waiting(self) -> bool:
        """Whether it has not started, or is to start again."""
        return self.state in WAITING

    @property
    def completing(self) -> bool:
        """Whether its end has begun."""
        return self.state == "COMPLETING"

    @property
    def active(self) -> bool:
        """Whether it runs or will run."""
        return self.waiting or self.state in RUNNING


@dataclass(frozen=True)
class Snapshot:
    """The jobs of this user at one time.

    Attributes:
        asked: when the question was put, seconds since 1970; what happened later is not in it.
        jobs: by number, ``123`` or ``123_4``.
        complete: whether a job of the names asked for that is not in it has ended; accounting may
            only be late.
    """

    asked: float
    jobs: Mapping[str, Job]
    complete: bool


def squeue(names: Collection[str] = ()) -> Snapshot:
    """Ask the controller for jobs of these names, or for all jobs of this user.

    Raises:
        NoAnswer: there is none.
    """
    command = ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"]
    command += [f"--name={','.join(sorted(names))}"] if names else []
    return _ask([*command, "--format=%i|%T|%S|%e|%r|%j"], complete=True)


def sacct(names: Collection[str] = (), days: int = 14) -> Snapshot:
    """Ask the accounting, which may be seconds behind; see `squeue`."""
    command = ["sacct", "--allocations", "--noheader", "--parsable2", f"--starttime=now-{days}days"]
    command += [f"--user={os.getuid()}"]
    command += [f"--name={','.join(sorted(names))}"] if names else []
    return _ask([*command, "--format=JobID,State,Start,End,Partition,JobName"], complete=False)


ASK: Mapping[str, Callable[[Collection[str]], Snapshot]] = {"squeue": squeue, "sacct": sacct}


def ask(poll_with: str = "auto", names: Collection[str] = ()) -> Snapshot:
    """Ask whoever answers; ``poll_with`` as in `nas_hpc.experiment.Arrays`.

    Raises:
        NoAnswer: nobody does.
    """
    if poll_with != "auto":
        return ASK[poll_with](names)
    try:
        return squeue(names)
    except NoAnswer as no_answer:
        try:
            return sacct(names)
        except NoAnswer as neither:
            raise NoAnswer(f"{no_answer}; {neither}") from None


def run(command: list[str], seconds: float = PATIENCE) -> str:
    """What a Slurm command prints.

    Raises:
        NoAnswer: it is not there, fails, or takes too long.
    """
    environment = os.environ | {"SLURM_TIME_FORMAT": "%s"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
            stdin=subprocess.DEVNULL,
            errors="replace",
        )
    except FileNotFoundError:
        raise NoAnswer(f"{command[0]} is not installed here") from None
    except OSError as error:  # no more processes, say
        raise NoAnswer(f"{command[0]}: {error}") from None
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"{command[0]} gave no answer within {seconds:g} s") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise NoAnswer(f"{command[0]}: {said}")
    return done.stdout


def _ask(command: list[str], complete: bool) -> Snapshot:
    asked = time.time()
    jobs = {}
    for line in run(command).splitlines():
        try:
            number, state, started, ended, reason, name = line.split("|", 5)
            state = state.split()[0].rstrip("+")  # "CANCELLED by 1000"
        except (ValueError, IndexError):
            raise NoAnswer(f"{command[0]} said {line!r}") from None
        why = reason if complete else ""
        job = Job(name, state, _seconds(started), _seconds(ended), why)
        jobs.update(dict.fromkeys(_numbers(number), job))
    return Snapshot(asked, jobs, complete)


def _seconds(text: str) -> float:
    seconds = float(text) if text.isdigit() else math.nan
    return seconds if seconds < time.time() + YEARS else math.nan


def _numbers(number: str) -> Iterator[str]:
    """``123_[0,4-5%2]`` stands for the waiting tasks of an array."""
    array = re.fullmatch(r"(\d+)_\[([\d,-]+)(%\d+)?\]", number)
    if array is None:
        yield number
        return
    for part in array[2].split(","):
        first, _, last = part.partition("-")
        for task in range(int(first), int(last or first) + 1):
            yield f"{array[1]}_{task}"
