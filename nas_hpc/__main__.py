"""The command line: one sub-command for each step of the workflow, and some to look and to stop."""

from __future__ import annotations

import sys

import typer

from nas_hpc.commands import bench, doctor, experiment, export, part, results, retrain, search

app = typer.Typer(
    name="nas-hpc",
    help="Neural architecture search with reinforcement learning, on a cluster or one machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for subject in (doctor, experiment, search, retrain, results, export, bench, part):
    app.add_typer(subject.app)


def main() -> None:
    """Run the command line; what a user can mend ends as a message, not as a traceback."""
    try:
        app()
    except Exception as error:
        if not isinstance(error, expected()):
            raise
        print(f"nas-hpc: {error}", file=sys.stderr)
        sys.exit(1)


def expected() -> tuple[type[Exception], ...]:
    """The errors whose message is all that a user needs."""
    from nas_hpc.children import DataError
    from nas_hpc.cluster import NoAnswer, SlotError
    from nas_hpc.cluster.own_job import NoTimeLeft
    from nas_hpc.experiment import ExperimentError, OwnCodeError
    from nas_hpc.export import ExportError
    from nas_hpc.retrain import RetrainError
    from nas_hpc.search.launch import SearchFailed
    from nas_hpc.search.succession import Refused
    from nas_hpc.spaces import SpaceError
    from nas_hpc.store import DamagedFile, DiskFull, Superseded

    return (
        DamagedFile,
        DataError,
        DiskFull,
        ExperimentError,
        ExportError,
        NoAnswer,
        NoTimeLeft,
        OwnCodeError,
        Refused,
        RetrainError,
        SearchFailed,
        SlotError,
        SpaceError,
        Superseded,
    )


if __name__ == "__main__":
    main()
