"""Which programs a cluster consists of, how each is started and when it is ready."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.slurm.lab.daemons import Daemon
from tests.slurm.lab.layout import Layout


def munge(layout: Layout) -> Daemon:
    """Signs what the others say to each other."""
    return _daemon(
        layout,
        "munge",
        (
            "munged",
            "--foreground",
            # What an earlier one left is no hindrance.
            "--force",
            "--num-threads=4",
            f"--socket={layout.munge_socket}",
            f"--key-file={layout.munge_key}",
            f"--log-file={layout.logs}/munged.log",
            f"--pid-file={layout.state}/munged.pid",
            f"--seed-file={layout.state}/munged.seed",
        ),
        _bound(layout.munge_socket),
    )


def mariadb(layout: Layout) -> Daemon:
    """slurmdbd's database, reached by its socket alone."""
    return _daemon(
        layout,
        "mariadb",
        (
            "mariadbd",
            *mariadb_options(layout, layout.database),
            "--skip-networking",
            "--skip-grant-tables",
        ),
        _bound(layout.database_socket),
    )


def mariadb_options(layout: Layout, data: Path) -> tuple[str, ...]:
    """Nothing of the machine's own MariaDB is read or written."""
    return (
        "--no-defaults",
        "--user=root",
        f"--datadir={data}",
        f"--socket={layout.database_socket}",
        f"--pid-file={layout.state}/mariadb.pid",
        # A server that starts deletes the temporary tables of all others that share a folder.
        f"--tmpdir={layout.state}",
        # Small, and no promise of durability: the folder goes with the cluster.
        "--innodb-buffer-pool-size=64M",
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-lock-wait-timeout=900",
        # The kernel's io_uring is shared by all clusters of a machine, and not always to be had.
        "--innodb-use-native-aio=0",
    )


def slurmdbd(layout: Layout) -> Daemon:
    """The accounting behind sacct."""
    return _daemon(
        layout,
        "slurmdbd",
        ("slurmdbd", "-D"),
        _bound(layout.database_port),
        MYSQL_UNIX_PORT=str(layout.database_socket),
    )


def slurmctld(layout: Layout) -> Daemon:
    """The controller."""
    return _daemon(layout, "slurmctld", ("slurmctld", "-D"), _bound(layout.port))


def slurmd(layout: Layout, node: str, port: int) -> Daemon:
    """One node."""
    return _daemon(layout, f"slurmd.{node}", ("slurmd", "-D", "-N", node), _bound(port))


def _daemon(
    layout: Layout,
    name: str,
    command: tuple[str, ...],
    ready: Callable[[], bool],
    **variables: str,
) -> Daemon:
    # Debian keeps daemons in folders that a user's PATH may lack.
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    environment = {
        "PATH": path,
        "HOME": str(Path.home()),
        "LANG": "C.UTF-8",
        "SLURM_CONF": str(layout.slurm_conf),
    }
    return Daemon(
        name=name,
        command=command,
        environment=environment | variables,
        remembered=layout.identities / f"{name}.json",
        output=layout.logs / f"{name}.out",
        ready=ready,
    )


def _bound(address: int | Path) -> Callable[[], bool]:
    """Whether a port or a Unix socket is served; a connection would only stir up the daemon."""
    if isinstance(address, Path):
        return lambda: any(str(address) == str(c.laddr) for c in psutil.net_connections("unix"))
    return lambda: any(
        c.status == psutil.CONN_LISTEN and c.laddr[1:2] == (address,)
        for c in psutil.net_connections("tcp4")
    )
