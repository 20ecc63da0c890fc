"""Whether HDF5 can lock files in a folder: ``python -m nas_hpc.store.locking FILE``.

Nothing that is stored here relies on it, but readers of HDF5 files fail where locking does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py


def refuses_second_writer(file: Path) -> bool:
    """Make a file, open it for writing, and then once more from another process.

    Returns:
        Whether the second one was refused, as it should be.

    Raises:
        OSError: it cannot be opened even once, or not be read afterwards.
    """
    with h5py.File(file, "w"):
        pass
    with h5py.File(file, "r+"):
        second = subprocess.run(
            [sys.executable, "-m", "nas_hpc.store.locking", str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    with h5py.File(file, "r"):
        pass
    if second.returncode == 0:
        return second.stdout.strip() == "refused"
    raise OSError((second.stderr.strip().splitlines() or ["the second process ended"])[-1])


def _open_again(file: Path) -> None:
    try:
        with h5py.File(file, "r+"):
            print("opened")
    except BlockingIOError:
        print("refused")


if __name__ == "__main__":
    _open_again(Path(sys.argv[1]))
