"""A found cell in another language model: of characters instead of words, say (paper, section 4.2).

It is trained with the data and the training of the other experiment, and so is what stands beside
it; nothing is chosen there. What was paid for lies in the other experiment's folder, common to all
that transfer to it.
"""

from __future__ import annotations

from nas_hpc.children import prepare
from nas_hpc.experiment import Experiment
from nas_hpc.retrain.folder import RetrainFolder
from nas_hpc.retrain.selection import Found
from nas_hpc.retrain.steps import numbered, on_test_data, result_of, seed_of
from nas_hpc.retrain.work import Work, carry_out

TRANSFER = int.from_bytes(b"transfer")
"""Sets its random numbers apart from those of other steps."""


def transfer(
    experiment: Experiment, target: Experiment, place: int, number: int, contender: str = ""
) -> Found:
    """Train a chosen cell as another experiment says, and score it on that one's test data.

    Args:
        experiment: whose chosen cell it is.
        target: has the data, prepared if need be, and the training.
        place: of the target in ``retrain.transfer``.
        number: of the seed; all contenders have the same ones.
        contender: whose cell, see `nas_hpc.retrain.contender`.

    Returns:
        target (its name), unit (what its tokens are), seed_number, test_perplexity (None if it
        diverged), and what `steps.result_of` says.

    Raises:
        RetrainError: no cell has been chosen, there is no such seed, or the training failed, see
            `carry_out`.
        DataError: the target's data cannot be made.
    """
    source, folder = RetrainFolder.of(experiment, contender), RetrainFolder.of(target)
    chosen = source.published(source.chosen, "choose")
    numbered(range(experiment.retrain.seeds), number, "seed")
    prepare(target, folder.data)
    work = Work.on(chosen, target.training, seed_of(target, TRANSFER, number), tested=True)
    architecture = work.architecture(experiment)  # the target's space may be another one
    outcome, _ = carry_out(target, folder, work, f"transfer-{number}", architecture)
    about = {"target": target.name, "unit": target.data.options.get("level", "token")}
    facts = {"seed_number": number, **on_test_data(target, work, outcome)}
    found = about | facts | result_of(target, work, outcome)
    return source.publish(source.transfer(place, number), found)
