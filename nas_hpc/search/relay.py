"""Passes on what a search prints: ``mpiexec ... | python -m nas_hpc.search.relay``.

An mpiexec that cannot write, because its log is on a full disk or its reader is gone, ends all
ranks. This process stands in between and drops what cannot be written. It ends with its input, not
with the launcher, so that a search outlives that.
"""

from __future__ import annotations

import os
import signal


def relay(source: int, target: int) -> None:
    """Copy one file descriptor to the other until there is no more."""
    while printed := os.read(source, 65536):
        try:
            while printed:
                printed = printed[os.write(target, printed) :]
        except OSError:
            continue  # what is printed can be done without; what matters is in the store


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    relay(0, 1)
