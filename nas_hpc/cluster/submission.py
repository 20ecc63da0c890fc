"""Submits slots through submitit: ``python -m nas_hpc.cluster.submission INTENT.json``.

Run as a process of its own, in a session of its own, so that whatever ends the search (mpiexec
kills its whole process group) leaves the slots alone. The intent is written before, and the answer
after; if this process ends in between, slots that it had started make themselves known.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nas_hpc.cluster.batch import Batch
from nas_hpc.store import Identity, write_json

LONGEST_MINUTES = 60 * 24 * 365
"""submitit ends local jobs after a while, by default 2 minutes; slots end by themselves."""


def submit(batch: Batch) -> None:
    """Start the slots of a batch and write the answer."""
    import submitit

    from nas_hpc.cluster.slot import run_slot

    executor = submitit.AutoExecutor(folder=batch.files, cluster="local")
    executor.update_parameters(name=batch.name, timeout_min=LONGEST_MINUTES, stderr_to_stdout=True)
    runs = [str(batch.folder.root)] * len(batch.slots)
    jobs = executor.map_array(run_slot, runs, batch.slots)
    controllers = {
        slot: Identity.of(int(job.job_id)).json()
        for slot, job in zip(batch.slots, jobs, strict=True)
    }
    write_json(batch.answer, controllers)


if __name__ == "__main__":
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    submit(Batch.of(Path(sys.argv[1])))
