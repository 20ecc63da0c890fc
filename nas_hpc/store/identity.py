"""Who a process is, so that another one can tell whether it still lives."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Identity:
    """A process, told apart from a later one with the same number.

    Attributes:
        host: its machine's name, or the name of its node where Slurm has given it one.
        boot: the machine's boot id; another one means that the process is gone.
        pid: its number.
        started: its start time, in clock ticks since boot (Linux, ``/proc/<pid>/stat``).
        user: whose it is.
        job: the Slurm job it runs in, ``123`` or ``123_4`` in an array; empty outside of one.
        restart: how often Slurm had requeued that job before.
    """

    host: str
    boot: str
    pid: int
    started: int
    user: str
    job: str = ""
    restart: int = 0

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The identity of a living process of this machine.

        Raises:
            ProcessLookupError: there is no such process.
        """
        return cls(
            host=host(),
            boot=_boot_id(),
            pid=pid,
            started=_start_ticks(pid),
            user=getpass.getuser(),
            job=slurm_job(),
            restart=int(os.environ.get("SLURM_RESTART_COUNT", "0")),
        )

    @classmethod
    def mine(cls) -> Identity:
        """The identity of this process."""
        return cls.of(os.getpid())

    def here(self) -> bool:
        """Whether the process belongs to this machine, so that `alive` can judge it."""
        return self.host == host()

    def alive(self) -> bool:
        """Whether the process still runs on this machine (a zombie does not)."""
        if not self.here() or self.boot != _boot_id():
            return False
        try:
            if _start_ticks(self.pid) != self.started:
                return False
            return bool(psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    def json(self) -> dict[str, Any]:
        """As JSON data; ``Identity(**data)`` gives it back."""
        return asdict(self)

    def __str__(self) -> str:
        job = f", Slurm job {self.job}" if self.job else ""
        return f"process {self.pid} on {self.host} (user {self.user}{job})"


def host() -> str:
    """Name of this machine: of the node, where Slurm has given it a name of its own."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def slurm_job() -> str:
    """The Slurm job that this process runs in, as Slurm lists it; empty outside of one."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array:
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID", "")


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None
    # The command name, in parentheses, may itself hold spaces and parentheses.
    return int(stat.rpartition(")")[2].split()[19])
