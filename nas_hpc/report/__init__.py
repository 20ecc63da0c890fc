"""Reports: tables, figures and diagrams of an experiment, and what to see in a terminal.

Everything is read from the store and from the JSON files of the final training, at any moment of
an experiment. Only `analyse` and `compare` import matplotlib and scipy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nas_hpc.experiment import Experiment


def analyse(experiment: Experiment, results: Path) -> None:
    """Write tables, figures and the report of an experiment, finished or not.

    Args:
        experiment: the configuration.
        results: folder for ``trials.csv``, ``top_models.csv``, ``retrain.csv``, ``final.csv``,
            ``summary.json``, ``summary.md``, ``best.svg``, ``best.png`` and, as PNG and PDF,
            ``figures/``; made if it is missing. Files there are replaced, each at once.

    Raises:
        DamagedFile, ValueError: a file of the run cannot be read; names it.
        OwnCodeError: the space's own code cannot be imported.
    """
    from nas_hpc.report.analysis import analyse as run

    run(experiment, results)


def compare(
    first: Sequence[Experiment], second: Sequence[Experiment], contender: str, results: Path
) -> None:
    """Write tables and a figure of independent repeats of a search, each beside another one.

    Args:
        first: finished experiments.
        second: one for each of them, to stand beside it; none: a contender of each stands there.
        contender: its name in ``retrain.beside``.
        results: folder for ``repeats.md``, ``repeats.csv``, ``repeats.png`` and ``repeats.pdf``;
            made if it is missing. Files there are replaced, each at once.

    Raises:
        ExperimentError: they cannot be compared, or one of them is not finished.
        DamagedFile, ValueError: a file of a run cannot be read; names it.
        OwnCodeError: the space's own code cannot be imported.
    """
    from nas_hpc.report.analysis import compare as run

    run(first, second, contender, results)


def show(experiment: Experiment, count: int) -> None:
    """Print the best architectures of an experiment and what came of them.

    Args:
        experiment: the configuration.
        count: architectures to list.

    Raises:
        DamagedFile, ValueError: a file of the run cannot be read; names it.
        OwnCodeError: the space's own code cannot be imported.
    """
    from nas_hpc.report.terminal import show as run

    run(experiment, count)


def status(experiment: Experiment, watch: bool) -> None:
    """Print how far each strategy of an experiment has come.

    Args:
        experiment: the configuration.
        watch: go on until all are done or the user interrupts: bars on a terminal, else lines.

    Raises:
        DamagedFile: a file of the store cannot be read.
    """
    from nas_hpc.report.live import status as run

    run(experiment, watch)
