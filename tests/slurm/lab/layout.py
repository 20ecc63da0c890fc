"""Where a throw-away cluster has its files and its ports."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NODES = ("n1", "n2", "n3", "n4")
GPUS_PER_NODE = 4


@dataclass(frozen=True)
class Layout:
    """One cluster's folder and ports; two clusters with another folder and port get along.

    The path is short, because Unix sockets lie in it, and all may pass through it, because munge
    insists.

    Attributes:
        folder: holds everything of the cluster.
        port: slurmctld's; slurmdbd and the nodes have the next five.
    """

    folder: Path = Path("/tmp/nas-hpc-slurm")
    port: int = 26800

    @property
    def database_port(self) -> int:
        return self.port + 1

    @property
    def node_ports(self) -> range:
        return range(self.port + 2, self.port + 2 + len(NODES))

    @property
    def configuration(self) -> Path:
        """The folder of slurm.conf, gres.conf and slurmdbd.conf."""
        return self.folder / "etc"

    @property
    def slurm_conf(self) -> Path:
        return self.configuration / "slurm.conf"

    @property
    def munge_key(self) -> Path:
        return self.configuration / "munge.key"

    @property
    def munge_socket(self) -> Path:
        return self.folder / "munge.socket"

    @property
    def database(self) -> Path:
        """MariaDB's data."""
        return self.folder / "database"

    @property
    def database_socket(self) -> Path:
        return self.folder / "mariadb.socket"

    @property
    def state(self) -> Path:
        """What slurmctld keeps over a restart."""
        return self.folder / "state"

    @property
    def devices(self) -> Path:
        """The device nodes that pose as GPUs."""
        return self.folder / "dev"

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def identities(self) -> Path:
        """One file per daemon: the process that it is."""
        return self.folder / "processes"

    def spool(self, node: str) -> Path:
        """What a node's slurmd keeps."""
        return self.folder / "spool" / node

    def node_log(self, node: str) -> Path:
        """Where a node's slurmd and the steps of its jobs log."""
        return self.logs / f"slurmd.{node}.log"

    def environment(self) -> dict[str, str]:
        """This process's environment, for commands that shall speak to this cluster."""
        return os.environ | {"SLURM_CONF": str(self.slurm_conf)}
