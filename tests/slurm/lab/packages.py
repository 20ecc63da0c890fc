"""Debian's packages that the cluster is made of, and whether it can be brought up here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.slurm.lab.daemons import Trouble

PACKAGES = (
    "slurm-wlm",
    "slurm-wlm-basic-plugins",
    "munge",
    "slurmdbd",
    "slurm-wlm-mysql-plugin",
    "mariadb-server-core",
    "openmpi-bin",  # a site's own MPI, in place of the wheel
)
MARIADBD = "/usr/sbin/mariadbd"
MARIADB_TABLES = Path("/usr/share/mysql")


def obstacle() -> str:
    """Why no cluster can be brought up here; empty if one can."""
    if os.geteuid() != 0:
        return "a throw-away Slurm needs root"
    if missing() and not shutil.which("apt-get"):
        return f"Debian's packages {' '.join(PACKAGES)} are not here, nor is apt-get"
    return ""


def missing() -> list[str]:
    """Packages that are not installed."""
    if not shutil.which("dpkg-query"):
        return list(PACKAGES)
    # Packages that dpkg never heard of make it exit with 1; what it knows it lists all the same.
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *PACKAGES],
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [package for package in PACKAGES if f"{package} installed" not in listed]


def install() -> None:
    """Install what is missing.

    Raises:
        Trouble: it cannot be done here, or apt-get failed.
    """
    if reason := obstacle():
        raise Trouble(reason)
    if not (packages := missing()):
        return
    print("Installing", *packages, flush=True)
    # Package lists that are old name files that are gone, and a fresh image has none.
    if not _apt_get("install", "--yes", "--no-install-recommends", *packages):
        _apt_get("update")
        if not _apt_get("install", "--yes", "--no-install-recommends", *packages):
            raise Trouble(f"apt-get could not install {' '.join(packages)}")


def _apt_get(*arguments: str) -> bool:
    command = ["apt-get", "--quiet", "--quiet", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment).returncode == 0
