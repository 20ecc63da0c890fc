"""Slurm's own commands, each with an end: with slurmctld away they would hang for minutes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.slurm.lab.daemons import Trouble

SECONDS = 20.0


class Refused(Trouble):
    """Slurm said no; the message is its own."""


class Clients:
    """Slurm's commands, spoken to one cluster.

    They raise `Refused` where Slurm refuses and ``TimeoutExpired`` where it is silent.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def run(self, *command: str, seconds: float = SECONDS, folder: Path | None = None) -> str:
        """What a command prints."""
        ended = subprocess.run(
            command,
            env=dict(self.environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        if ended.returncode != 0:
            raise Refused(f"{' '.join(command)}: {ended.stderr.strip()}")
        return ended.stdout

    def sbatch(self, script: str, *options: str, folder: Path) -> str:
        """Submit a shell script that logs into the folder; the id of the job."""
        line = self.run("sbatch", "--parsable", *options, "--wrap", script, folder=folder)
        return line.strip().partition(";")[0]

    def squeue(self, *options: str) -> list[dict[str, str]]:
        """Jobs by JOBID, NAME, STATE, NODELIST, REASON and PARTITION; array tasks apart."""
        columns = "%i|%j|%T|%N|%r|%P"
        return _rows(self.run("squeue", "--array", "--states=all", f"--format={columns}", *options))

    def sacct(self, *options: str) -> list[dict[str, str]]:
        """What the accounting knows, steps left out: JobID, JobName, State, ExitCode, NodeList."""
        columns = "--format=JobID,JobName,State,ExitCode,NodeList,Start,End,AllocTRES"
        return _rows(self.run("sacct", "--parsable2", "--allocations", columns, *options))

    def scancel(self, *options: str) -> None:
        """Cancel, or with ``--signal`` only signal, jobs."""
        self.run("scancel", *options)

    def sinfo(self) -> dict[str, str]:
        """Each node's state, such as ``idle``, ``mixed`` or ``down*``."""
        lines = self.run("sinfo", "--Node", "--noheader", "--format=%N %T").splitlines()
        return dict(line.split(maxsplit=1) for line in lines)


def _rows(text: str) -> list[dict[str, str]]:
    header, *lines = text.splitlines()
    return [dict(zip(header.split("|"), line.split("|"), strict=True)) for line in lines]
