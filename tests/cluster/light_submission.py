"""`nas_hpc.cluster.submission` with slots whose child needs no torch.

A second argument ``killed`` has it killed where it would write its answer.
"""

import os
import signal
import sys
from pathlib import Path

from nas_hpc.cluster import submission, task
from nas_hpc.cluster.batch import Batch
from tests.cluster.bare_slot import run_light_task


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    task.run_task = run_light_task
    if sys.argv[2:] == ["killed"]:
        Batch.answer = die
    submission.submit(Batch.of(Path(sys.argv[1])))
