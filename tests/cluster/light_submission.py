"""`nas_hpc.cluster.submission` with slots whose child needs no torch.

A second argument ``killed`` has it killed where it would write its answer.
"""

import os
import signal
import sys
from pathlib import Path

from nas_hpc.cluster import slot, submission
from nas_hpc.cluster.batch import Batch
from tests.cluster.bare_slot import run_light_slot


def die(path: Path, data: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    slot.run_slot = run_light_slot
    if sys.argv[2:] == ["killed"]:
        submission.write_json = die
    submission.submit(Batch.of(Path(sys.argv[1])))
