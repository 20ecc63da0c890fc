"""What must hold whatever happens, and one line of the table that says whether it did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from nas_hpc.store import read_search
from tests.slurm.faults import own
from tests.slurm.faults.subject import Subject
from tests.slurm.faults.watch import Watch


@dataclass
class Row:
    """How a search went through a fault.

    Attributes:
        fault, seed: what happened, and what its instants follow from.
        acknowledged: rewards that were at the fault.
        lost: rewards that were acknowledged at any time and later missing, or others.
        again: trainings of trials that had been finished.
        repeated: epochs that were trained twice.
        trials, asked: with a reward at the end, and how many were to be.
        reader_failures: of the reader that was open throughout.
        told: what log or store say of it.
        seconds: all in all.
        broken: promises that were not kept, in words.
    """

    fault: str
    seed: int
    acknowledged: int = 0
    lost: int = 0
    again: int = 0
    repeated: int = 0
    trials: int = 0
    asked: int = 0
    reader_failures: int = 0
    told: str = ""
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


def judge(row: Row, subject: Subject, watch: Watch, told: Sequence[str]) -> None:
    """Fill in a row after the end of its search; ``told`` are patterns that must be found."""
    log = read_search(subject.run)
    answers = [outcome for outcome in log.outcomes if outcome.answers]
    ended = {outcome.trial: outcome.ended for outcome in answers}
    row.lost = len(watch.lost)
    row.again = len(answers) - len(ended)
    row.again += sum(
        what == "start" and when > ended.get(trial, when)
        for when, trial, what, _ in subject.diary()
    )
    epochs = Counter((trial, epoch) for _, trial, what, epoch in subject.diary() if what == "epoch")
    row.repeated = sum(times - 1 for times in epochs.values())
    row.trials, row.asked = len(ended), subject.experiment.budget.trials
    row.reader_failures = len(watch.failures)
    lines = said(subject)
    found = [next((line for line in lines if re.search(p, line)), None) for p in told]
    row.told = next((line for line in found if line), "")
    wrong = [o.trial for o in answers if o.status == "ok" and o.reward != own.reward(o.seed)]
    lives = {use.slot for use in log.slots}
    row.broken += [
        *([f"rewards of trials {sorted(watch.lost)} were lost"] if row.lost else []),
        *([f"{row.again} finished trainings were begun again"] if row.again else []),
        *([f"{row.repeated} epochs were trained twice"] if row.repeated else []),
        *([f"{row.trials} trials, not {row.asked}"] if row.trials != row.asked else []),
        *([f"the reader failed: {watch.failures[0]}"] if watch.failures else []),
        *([f"rewards of trials {wrong} are not theirs"] if wrong else []),
        *(["a slot's life was recorded twice"] if len(lives) < len(log.slots) else []),
        *(f"nothing says {p!r}" for p, line in zip(told, found, strict=True) if line is None),
    ]


def said(subject: Subject) -> list[str]:
    """Everything that the store and the log say, line by line."""
    log = read_search(subject.run)
    folders = (subject.run.logs, subject.run.root.parent / "logs")
    logs = [subject.log, *(path for folder in folders for path in sorted(folder.glob("*.log")))]
    return [
        *(f"event {event.kind}: {event.text}" for event in log.events),
        *(f"outcome {o.trial}.{o.attempt} {o.status}: {o.reason}" for o in log.outcomes),
        *(f"slot {use.slot} in {use.job} on {use.host}: {use.state}" for use in log.slots),
        *(
            f"log: {line}"
            for path in logs
            for line in path.read_text(errors="replace").splitlines()
        ),
    ]
