"""A found cell in another language model: of characters instead of words, say (paper, section 4.2).

The cell is trained with the data and the training of the other experiment, and so is an LSTM.
"""

from __future__ import annotations

from pathlib import Path

from nas_hpc.children import prepare
from nas_hpc.experiment import Experiment
from nas_hpc.experiment.training import LANGUAGE_MODEL
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.retrain.selection import Found, baseline
from nas_hpc.retrain.steps import on_test_data, result_of, seed_of
from nas_hpc.retrain.work import Work, carry_out

FOUND, BESIDE = "found", "lstm"
"""What is trained: the source's chosen cell, and one that no search has to find."""

CELLS = (FOUND, BESIDE)
TRANSFER = int.from_bytes(b"transfer")


def results(source: Experiment, target: Experiment) -> dict[str, list[Path]]:
    """The published files of a transfer, one for each seed, by cell."""
    folder = Path(target.runs) / target.name / "transfer" / source.name
    seeds = range(target.retrain.seeds)
    return {cell: [folder / cell / f"{k}.json" for k in seeds] for cell in CELLS}


def transfer(source: Experiment, target: Experiment, cell: str, number: int) -> Found:
    """Train a cell as the target says, with one of its seeds, and score it on its test data.

    Args:
        source: whose chosen cell it is.
        target: has the data, prepared if need be, the training, and the seeds.
        cell: one of `CELLS`.
        number: of the seed; both cells have the same ones.

    Returns:
        model, seed_number, test_perplexity (None if it diverged), and what `steps.result_of` says.

    Raises:
        RetrainError: the source has chosen no cell, the target is no language model, or the
            training failed, see `carry_out`.
        DataError: the target's data cannot be made.
    """
    if target.training.kind != LANGUAGE_MODEL:
        raise RetrainError(f"{target.name} trains no language model: a cell can be of no use there")
    place, folder = RetrainFolder.of(source), RetrainFolder.of(target)
    chosen = place.published(place.chosen, "choose") if cell == FOUND else baseline(cell)
    prepare(target, folder.data)
    work = Work.on(chosen, target.training, seed_of(target, TRANSFER, number), tested=True)
    architecture = work.architecture(source)  # the target's space may be another one
    outcome, _ = carry_out(target, folder, work, f"transfer-{number}", architecture)
    facts = {"model": cell, "seed_number": number, **on_test_data(target, work, outcome)}
    path = results(source, target)[cell][number]
    return folder.publish(path, facts | result_of(target, work, outcome))
