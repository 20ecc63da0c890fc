"""The whole cluster: brought up, looked at, taken down."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.slurm.lab import configuration, links, packages, programs
from tests.slurm.lab.clients import Clients
from tests.slurm.lab.daemons import Daemon, Trouble, until
from tests.slurm.lab.layout import NODES, Layout
from tests.slurm.lab.node import Node


class Cluster(Clients):
    """A real Slurm on this machine, in one folder.

    Attributes:
        layout: its folder and ports.
        munge, mariadb, slurmdbd, slurmctld: its daemons. A slurmctld that is killed forgets what
            it was told in its last seconds, gives away a forgotten job's number again and drains
            the nodes where that still runs; one that is stopped forgets nothing.
        nodes: its nodes by name, each with its slurmd.
    """

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout = layout or Layout()
        super().__init__(layout.environment())
        self.munge = programs.munge(layout)
        self.mariadb = programs.mariadb(layout)
        self.slurmdbd = programs.slurmdbd(layout)
        self.slurmctld = programs.slurmctld(layout)
        self.nodes = {
            name: Node(name, programs.slurmd(layout, name, port), layout)
            for name, port in zip(NODES, layout.node_ports, strict=True)
        }

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """In the order in which they start."""
        slurmds = tuple(node.slurmd for node in self.nodes.values())
        return (self.munge, self.mariadb, self.slurmdbd, self.slurmctld, *slurmds)

    def slurmd(self, name: str) -> Daemon:
        """A node's daemon."""
        return self.nodes[name].slurmd

    def is_up(self) -> bool:
        """Whether every daemon runs."""
        return all(daemon.alive() for daemon in self.daemons)

    def up(self, link: bool = True) -> None:
        """Start what does not run, and wait until all nodes are ready for jobs.

        Args:
            link: whether programs find it without ``SLURM_CONF``.

        Raises:
            Trouble: it cannot be brought up here.
        """
        packages.install()
        self._create()
        if not any(daemon.alive() for daemon in self.daemons):
            configuration.write(self.layout)
        if link:
            links.link(self.layout)
        self.munge.start()
        if not self.layout.database.exists():
            self._bootstrap()
        self.mariadb.start()
        self.slurmdbd.start()
        self._register()
        self.slurmctld.start()
        for node in self.nodes.values():
            node.slurmd.start()
        self._undrain()
        self.wait_ready()

    def restart(self) -> None:
        """Restart slurmctld and the nodes' slurmd; running jobs go on."""
        for daemon in self.daemons[3:]:
            daemon.stop()
        for daemon in self.daemons[3:]:
            daemon.start()
        self.wait_ready()

    def down(self) -> None:
        """End all jobs and daemons and remove every trace."""
        for node in self.nodes.values():
            node.fail()
        for daemon in reversed(self.daemons):
            daemon.stop()
        links.unlink(self.layout)
        shutil.rmtree(self.layout.folder)

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Wait until every node takes jobs."""
        usable = {"idle", "mixed", "allocated"}
        until(lambda: usable.issuperset(self.sinfo().values()), "the nodes", seconds)

    def wait_idle(self, seconds: float = 60.0) -> None:
        """Wait until no node has a job."""
        until(lambda: set(self.sinfo().values()) == {"idle"}, "idle nodes", seconds)

    def _undrain(self) -> None:
        """Take back the nodes that Slurm has set aside, as an administrator would."""
        for name, state in self.sinfo().items():
            if state.startswith("drain"):
                self.run("scontrol", "update", f"nodename={name}", "state=resume")

    def _create(self) -> None:
        layout = self.layout
        for folder in (
            layout.configuration,
            layout.state,
            layout.devices,
            layout.logs,
            layout.identities,
            *(layout.spool(node) for node in NODES),
        ):
            folder.mkdir(parents=True, exist_ok=True)
        # munge's clients may be any user.
        layout.folder.chmod(0o755)
        if not layout.munge_key.exists():
            layout.munge_key.touch(mode=0o600)
            layout.munge_key.write_bytes(os.urandom(128))

    def _bootstrap(self) -> None:
        """Make the system tables; mariadb-install-db needs more packages than the server does."""
        tables = "CREATE DATABASE mysql;\nUSE mysql;\n"
        for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql"):
            tables += (packages.MARIADB_TABLES / name).read_text()
        new = self.layout.folder / "database.new"
        if new.exists():
            shutil.rmtree(new)
        new.mkdir()
        done = subprocess.run(
            [packages.MARIADBD, *programs.mariadb_options(self.layout, new), "--bootstrap"],
            input=tables.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode:
            raise Trouble(f"no database could be made:\n{done.stdout.decode(errors='replace')}")
        new.rename(self.layout.database)

    def _register(self) -> None:
        """Give the accounting its cluster, without which sacct stays empty, and a quota."""
        if self.run("sacctmgr", "--noheader", "show", "cluster").strip():
            return
        change = ("sacctmgr", "--immediate")
        self.run(*change, "add", "cluster", "lab")
        self.run(*change, "add", "qos", "few", "set", f"MaxSubmitJobsPerUser={configuration.FEW}")
        self.run(*change, "modify", "account", "root", "set", "qos+=few")
