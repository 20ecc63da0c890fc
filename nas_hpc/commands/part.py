"""The sub-command that runs a long one in parts, each for as long as its job lasts.

The long one goes on where it was when it is started again; so another job can run the next part.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

app = typer.Typer()

LIMIT_NEAR = "time limit near"
TOLD_TO_END = "told to end"


@app.command()
def part(
    command: Annotated[
        list[str], typer.Argument(help="A sub-command that has --marker.", show_default=False)
    ],
    marker: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Written by the sub-command once it is done; else here."),
    ],
    minutes: Annotated[
        float | None,
        typer.Option(help="Time limit, unless Slurm says one. Without it there is none."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Seconds to keep for ending in order. [default: 5%, from 30 to 300]"),
    ] = None,
) -> None:
    """Run a sub-command until it is done, or its job's time is nearly up.

    In the second case the marker says {"done": false}, and the same command goes on:

        nas-hpc part --marker part.json --minutes 60 -- search digits --strategy random

    Either is a success. A sub-command that fails passes on its exit code.
    """
    seconds, environment = None, dict(os.environ)
    if minutes is not None:
        from nas_hpc.cluster.own_job import OwnJob

        os.environ |= OwnJob.hidden() | os.environ
        job = OwnJob.ask(minutes)
        seconds, environment = job.time_to_work(margin), os.environ | job.environment
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    program = [sys.executable, "-m", "nas_hpc", *command, "--marker", str(marker)]
    code, reason = _run(program, environment, seconds)
    if code != 0 and reason is None:
        raise typer.Exit(code if code > 0 else 128 - code)
    if code != 0 and not marker.exists():  # else it was done just when it was asked to end
        from nas_hpc.store import write_json

        print(f"{command[0]}: {reason}; another part goes on", flush=True)
        write_json(marker, {"done": False, "reason": reason})


def _run(
    program: Sequence[str], environment: dict[str, str], seconds: tuple[float, float] | None
) -> tuple[int, str | None]:
    """Run a program until it ends, or has been asked to by SIGTERM.

    That is when its time is up, or when this process gets that signal: Slurm sends it before it
    takes a job's nodes away. Ctrl-C goes to all that the program has started, and asks for no other
    part.

    Args:
        program, environment: what to run, and with which variables.
        seconds: to work, and then to end in order. None: no limit.

    Returns:
        Its exit code, and why it was asked to end, if it was.
    """
    reasons: list[str] = []
    # A group of its own, so that all of it can be ended; Ctrl-C does not reach that by itself.
    process = subprocess.Popen(program, env=environment, stdin=subprocess.DEVNULL, process_group=0)

    def ask_to_end(reason: str) -> None:
        reasons.append(reason)
        process.terminate()

    def pass_on(number: int, _: FrameType | None) -> None:
        os.killpg(process.pid, number)

    signal.signal(signal.SIGTERM, lambda *_: ask_to_end(TOLD_TO_END))
    signal.signal(signal.SIGINT, pass_on)
    if seconds is None:
        return process.wait(), next(iter(reasons), None)
    work, margin = seconds
    try:
        code = process.wait(work)
    except subprocess.TimeoutExpired:
        ask_to_end(LIMIT_NEAR)
        try:
            code = process.wait(margin / 2)  # the rest is for what comes after us in the job
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
    return code, next(iter(reasons), None)
