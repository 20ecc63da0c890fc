"""Links in /etc/slurm, for programs that drop SLURM_CONF from their environment."""

from __future__ import annotations

from pathlib import Path

from tests.slurm.lab.daemons import Trouble
from tests.slurm.lab.layout import Layout

SYSTEM = Path("/etc/slurm")
NAMES = ("slurm.conf", "gres.conf")


def link(layout: Layout) -> None:
    """Make this cluster the machine's own.

    Raises:
        Trouble: another cluster is.
    """
    SYSTEM.mkdir(exist_ok=True)
    for name in NAMES:
        path = SYSTEM / name
        if _ours(path, layout):
            continue
        if path.exists() or path.is_symlink():
            raise Trouble(
                f"{path} belongs to another cluster{_where(path)}; "
                "take that down first, or bring this one up with --no-link"
            )
        path.symlink_to(layout.configuration / name)


def unlink(layout: Layout) -> None:
    """Remove what `link` made."""
    for name in NAMES:
        if _ours(SYSTEM / name, layout):
            (SYSTEM / name).unlink()


def _ours(path: Path, layout: Layout) -> bool:
    return path.is_symlink() and path.readlink() == layout.configuration / path.name


def _where(path: Path) -> str:
    return f" ({path.readlink()})" if path.is_symlink() else ""
