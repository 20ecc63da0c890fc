"""A small MPI program that says who is there: ``mpiexec -n N python -m mpi4py -m <this module>``.

Rank 0 prints one line of JSON: the size of its world, the hosts of all ranks as each has sent it,
and the MPI library. Where an MPI starts ranks that do not know of each other, every one is rank 0
of 1 and there are as many lines.
"""

from __future__ import annotations

import json
import os
import socket

from mpi4py import MPI


def main() -> None:
    """Be one of the ranks."""
    world = MPI.COMM_WORLD
    hosts = world.gather(socket.gethostname())
    if world.rank == 0:
        library = MPI.Get_library_version().splitlines()[0].strip("\0 ")
        line = json.dumps({"size": world.size, "hosts": hosts, "library": library}) + "\n"
        os.write(1, line.encode())  # in one piece: ranks that did not meet all say something


if __name__ == "__main__":
    main()
