"""The job in which this process runs: when it will be ended, and when to begin to end by itself."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass

import psutil

from nas_hpc.cluster.jobs import NoAnswer, run

RESTARTS = "SLURM_RESTART_COUNT"


HIDDEN = r"SLURM_CONF|SLURM_CLUSTERS|SBATCH_\w+"
"""What Snakemake's plugin for Slurm takes from the rules of a job, and a search must hand on: which
cluster it is, and what its user has set for all submissions."""


class NoTimeLeft(RuntimeError):
    """The job's time limit is too short for anything to be done in it."""


@dataclass(frozen=True)
class OwnJob:
    """What Slurm says of the job in which this process runs.

    Attributes:
        end: when it will be ended, in seconds since 1970.
        environment: variables of the job that Snakemake keeps from a rule, and others rely on.
    """

    end: float
    environment: dict[str, str]

    @classmethod
    def ask(cls, minutes: float) -> OwnJob:
        """Ask Slurm; ``minutes`` from now is the limit where it says nothing."""
        end, environment = time.time() + 60 * minutes, {}
        if "SLURM_JOB_ID" in os.environ:
            command = ["squeue", "--noheader", "--jobs", os.environ["SLURM_JOB_ID"]]
            try:
                said = run([*command, "--Format=EndTime:32,RestartCnt:16"]).split()
            except NoAnswer as silence:
                print(f"{silence}; this job's limit is taken to be {minutes:g} minutes", flush=True)
                said = []
            if said:
                environment[RESTARTS] = said[1]
                end = float(said[0]) if said[0].isdigit() else end  # "NONE" without limit
        return cls(end, environment)

    @staticmethod
    def hidden() -> dict[str, str]:
        """Variables that only the processes of this job above this one have; see `HIDDEN`."""
        found: dict[str, str] = {}
        job = os.environ.get("SLURM_JOB_ID")
        for process in psutil.Process().parents() if job else ():
            with contextlib.suppress(psutil.Error):
                theirs = process.environ()
                if theirs.get("SLURM_JOB_ID") == job:
                    found |= {k: v for k, v in theirs.items() if re.fullmatch(HIDDEN, k)}
        return found

    def time_to_work(self, margin: float | None = None) -> tuple[float, float]:
        """How long to work from now, and how long it may then take to end in order, in seconds.

        Args:
            margin: the latter; None: 5% of the time that is left, between 30 s and 5 minutes.

        Raises:
            NoTimeLeft: there is no time to work.
        """
        left = self.end - time.time()
        margin = min(max(30.0, 0.05 * left), 300.0) if margin is None else margin
        if left <= margin:
            raise NoTimeLeft(
                f"this job ends in {left:.0f} s, of which {margin:.0f} s are for ending in order: "
                f"give it more time"
            )
        return left - margin, margin
