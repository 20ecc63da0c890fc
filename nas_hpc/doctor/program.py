"""Programs that are asked something: they answer in time, and nothing of them is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

GRACE = 10.0
"""Seconds that a program has for ending in order."""


class ProgramError(RuntimeError):
    """A program could not do what it was started for; the message is the last that it said."""


def answer(
    command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> str:
    """What a program writes to standard output, or else to standard error.

    Args:
        command: the program and its arguments.
        seconds: after which it is ended, with all that it has started.
        environment: instead of ours.

    Raises:
        ProgramError: it is not there, failed, or did not end in time.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"{command[0]} cannot be started: {error.strerror}") from None
    try:
        said, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{command[0]} did not end within {seconds:g} s") from None
    finally:
        if process.poll() is None:
            _end(process)
    if process.returncode != 0:
        last = (complaint.strip() or said.strip()).splitlines()[-1:]
        raise ProgramError(last[0] if last else f"{command[0]}: exit code {process.returncode}")
    return said or complaint


def _end(process: subprocess.Popen[str]) -> None:
    """End the program's process group; in order if it can, as srun then takes back its job."""
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
