"""Ask a search to stop, and wait until it has."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from nas_hpc.cluster import Executor, living_slots, make_executor
from nas_hpc.cluster.batch import batches_of
from nas_hpc.experiment import Experiment
from nas_hpc.search.succession import FAR_SECONDS, NEAR_SECONDS, living_writer
from nas_hpc.store import RunFolder, read_json


def stop(experiment: Experiment, now: bool, say: Callable[[str], None]) -> None:
    """Stop the searches of an experiment, of all its strategies, whoever started them.

    Args:
        experiment: whose.
        now: end children too, in the middle of their trials, which the next start repeats from
            their last epoch; otherwise ask for nothing new and let what is in flight finish.
        say: is told what is waited for.

    Raises:
        Refused: whether a search runs cannot be told from here.
        NoAnswer: its slots run in Slurm, which does not answer.
        SlotError: slots cannot be ended.
    """
    root = Path(experiment.runs) / experiment.name
    folders = [RunFolder(path.parent) for path in sorted(root.glob("*/experiment.json"))]
    waited_for = [folder for folder in folders if _lives(folder) or batches_of(folder)]
    request = "now" if now else "drain"
    for folder in waited_for:
        folder.stop.write_text(request)
    for folder in waited_for:
        writer, slots = living_writer(folder), living_slots(folder)
        what = f"{writer.identity} and " if writer else ""
        say(f"{folder.root}: waiting for {what}{len(slots)} slots to end")
        while _lives(folder):
            if not folder.stop.exists():  # a search that was just starting took it for an old one
                folder.stop.write_text(request)
            on_slurm = any(batch.place == "slurm" for batch in batches_of(folder))
            time.sleep(FAR_SECONDS if on_slurm else NEAR_SECONDS)
        if now and batches_of(folder):  # nobody is left to end what waits, and to clear up
            _executor(folder).cancel()
        say(f"{folder.root}: stopped; the same search command goes on where it was")
    if not waited_for:
        say(f"nothing of {experiment.name} runs")


def _executor(folder: RunFolder) -> Executor:
    """The executor of a search that nobody carries on."""
    experiment = Experiment.model_validate(read_json(folder.experiment))
    return make_executor(folder, experiment, epoch=0)


def _lives(folder: RunFolder) -> bool:
    return living_writer(folder) is not None or bool(living_slots(folder))
