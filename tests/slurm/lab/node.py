"""A node of the cluster, with its slurmd and the jobs that run on it."""

from __future__ import annotations

import psutil

from tests.slurm.lab.daemons import Daemon, until
from tests.slurm.lab.layout import Layout


class Node:
    """All nodes are this one machine, so what a node loses when it fails is looked up here.

    Attributes:
        name: what Slurm calls it.
        slurmd: its daemon. To end that alone leaves its jobs running.
    """

    def __init__(self, name: str, slurmd: Daemon, layout: Layout) -> None:
        self.name = name
        self.slurmd = slurmd
        self._layout = layout

    def processes(self) -> set[psutil.Process]:
        """The living processes of its jobs, slurmd itself left out."""
        found = set()
        for process in psutil.process_iter():
            try:
                if self._holds_a_step(process) or self._is_of_a_job(process):
                    found |= {process, *process.children(recursive=True)}
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return {process for process in found if _lives(process)}

    def fail(self) -> None:
        """The node loses its power: slurmd and all processes of its jobs are gone at once."""
        self.slurmd.kill()
        # A process that is killed while its child starts another would let that one escape.
        stopped: set[psutil.Process] = set()
        while found := self.processes() - stopped:
            for process in found:
                if process.is_running():
                    process.suspend()
            stopped |= found
        for process in stopped:
            if process.is_running():
                process.kill()
        until(lambda: not any(map(_lives, stopped)), f"the end of the jobs on {self.name}", 30)

    def back(self) -> None:
        """The node is switched on again."""
        self.slurmd.start()

    def _holds_a_step(self, process: psutil.Process) -> bool:
        """Whether it is one of the processes that stand between slurmd and a job's step."""
        if process.name() != "slurmstepd":
            return False
        log = str(self._layout.node_log(self.name))
        return any(file.path == log for file in process.open_files())

    def _is_of_a_job(self, process: psutil.Process) -> bool:
        """Whether Slurm started it here; it may have left the tree of its step."""
        variables = process.environ()
        return variables.get("SLURMD_NODENAME") == self.name and variables.get("SLURM_CONF") == str(
            self._layout.slurm_conf
        )


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
