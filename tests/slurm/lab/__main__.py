"""``python -m tests.slurm.lab up|down|status|during``: a real Slurm on this machine, by hand."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.slurm.lab import packages
from tests.slurm.lab.cluster import Cluster
from tests.slurm.lab.daemons import Trouble
from tests.slurm.lab.layout import Layout


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.slurm.lab", description=__doc__)
    parser.add_argument("action", choices=("up", "down", "status", "during"))
    parser.add_argument("command", nargs="*", help="of during: what is run while the cluster is up")
    parser.add_argument("--folder", type=Path, default=Layout.folder)
    parser.add_argument("--port", type=int, default=Layout.port, help="the first of seven")
    parser.add_argument("--no-link", action="store_true", help="leave /etc/slurm alone")
    chosen = parser.parse_args()
    cluster = Cluster(Layout(chosen.folder.resolve(), chosen.port))
    try:
        if chosen.action == "during":
            return during(cluster, chosen.command)
        actions = {"up": up, "down": down, "status": status}
        return actions[chosen.action](cluster, not chosen.no_link)
    except (Trouble, subprocess.TimeoutExpired) as trouble:
        print(trouble, file=sys.stderr)
        return 1


def up(cluster: Cluster, link: bool) -> int:
    was = "was up already" if cluster.is_up() else "is up"
    cluster.up(link)
    print(f"The cluster in {cluster.layout.folder} {was}: {_nodes(cluster)}.")
    if not link:
        print(f"export SLURM_CONF={cluster.layout.slurm_conf}")
    return 0


def down(cluster: Cluster, link: bool) -> int:
    if not cluster.layout.folder.exists():
        print(f"There is no cluster in {cluster.layout.folder}.")
        return 0
    cluster.down()
    print(f"The cluster in {cluster.layout.folder} is gone.")
    return 0


def during(cluster: Cluster, command: list[str]) -> int:
    """Run a command with the cluster up, where one can be had; its exit code."""
    was_up = cluster.is_up()
    if not packages.obstacle():
        cluster.up()
    try:
        return subprocess.run(command).returncode
    finally:
        if not was_up and cluster.layout.folder.exists():
            cluster.down()


def status(cluster: Cluster, link: bool) -> int:
    for daemon in cluster.daemons:
        identity = daemon.identity()
        state = f"process {identity.pid}" if identity and identity.alive() else "does not run"
        print(f"{daemon.name:12} {state}")
    if cluster.slurmctld.alive():
        print(_nodes(cluster))
    return 0 if cluster.is_up() else 1


def _nodes(cluster: Cluster) -> str:
    return ", ".join(f"{name} {state}" for name, state in cluster.sinfo().items())


if __name__ == "__main__":
    sys.exit(main())
