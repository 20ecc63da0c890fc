"""How MPI programs of this project are started."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

MPIEXEC = "mpiexec -launcher fork"


def command(mpiexec: str, size: int, module: str, *arguments: str) -> list[str]:
    """The command line of a module as an MPI program; a rank that raises ends all of them.

    Args:
        mpiexec: starts MPI programs; ``-n`` and the program are appended.
        size: the number of ranks.
        module: what each of them runs.
        arguments: of the module.
    """
    program = [sys.executable, "-m", "mpi4py", "-m", module, *arguments]
    return [*shlex.split(mpiexec), "-n", str(size), *program]


def environment() -> dict[str, str]:
    """What the ranks inherit: the mpiexec that was installed beside this Python comes first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"OMP_NUM_THREADS": "1", "PATH": path}
