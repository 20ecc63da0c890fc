"""One task like those of a search, to see what becomes of it: would it be accepted, does it start?

Whatever submits is a process of its own, ``python -m nas_hpc.cluster.probe``, in the environment in
which slots are submitted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from nas_hpc.cluster import jobs
from nas_hpc.cluster.environment import submitter_environment, task_environment
from nas_hpc.cluster.jobs import NoAnswer
from nas_hpc.cluster.submission import options
from nas_hpc.experiment import Arrays

NAME = "nas-hpc-doctor"
"""Of the job."""

PATIENCE = 120.0
"""Seconds for a submission; importing all that it needs included."""


def refusal(arrays: Arrays, folder: Path) -> str:
    """What Slurm has against tasks with these settings; empty if it would accept them.

    Args:
        arrays: the settings.
        folder: where files can be made.
    """
    try:
        _apart(arrays, folder)
    except NoAnswer as error:
        return str(error)
    return ""


def submit(arrays: Arrays, folder: Path, module: str) -> str:
    """Submit a task that runs ``python -m <module> <folder>`` in the environment of a child.

    Returns:
        The job's number.

    Raises:
        NoAnswer: Slurm refuses it, or does not answer.
    """
    return _apart(arrays, folder, module)


def run_module(module: str, folder: str, threads: int) -> None:
    """The task.

    Raises:
        CalledProcessError: the module has failed; it has said why on standard error.
    """
    command = [sys.executable, "-m", module, folder]
    subprocess.run(command, env=task_environment(os.environ, threads), check=True)


def log(folder: Path) -> str:
    """What the task has said so far."""
    logs = sorted((folder / "files").glob("*_log.*"))
    return "".join(path.read_text(errors="replace") for path in logs)


def _apart(arrays: Arrays, folder: Path, *module: str) -> str:
    settings = arrays.model_dump_json()
    command = [sys.executable, "-m", "nas_hpc.cluster.probe", settings, str(folder), *module]
    environment = submitter_environment(os.environ, arrays.environment)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"sbatch gave no answer within {PATIENCE:g} s") from None
    if done.returncode:
        raise NoAnswer(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


def _main(settings: str, folder: str, *module: str) -> None:
    import submitit

    from nas_hpc.cluster.probe import run_module  # by its name there, not out of this process

    arrays = Arrays.model_validate_json(settings)
    executor = submitit.AutoExecutor(folder=Path(folder) / "files", cluster="slurm")
    executor.update_parameters(name=NAME, stderr_to_stdout=True, **options(arrays, tasks=1))
    try:
        if module:
            print(executor.submit(run_module, *module, folder, arrays.threads).job_id)
        else:
            script = Path(folder) / "test.sh"
            inner: Any = executor._executor
            script.write_text(inner._make_submission_file_text("true", "test"))
            jobs.run(["sbatch", "--test-only", str(script)])
    except (submitit.core.utils.FailedJobError, NoAnswer) as error:
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    _main(*sys.argv[1:])
