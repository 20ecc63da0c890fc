"""A run keeps the configuration it began with; only some keys may change when it goes on."""

from __future__ import annotations

from typing import Any

from nas_hpc.experiment import Experiment, ExperimentError, is_reference, source_hash
from nas_hpc.spaces import Space, digest, fingerprint
from nas_hpc.store import RunFolder, read_json, write_json

CHANGEABLE = (
    "title",
    "runs",
    "budget",
    "slots",
    "retrain",
    "report",
    "compare_with",
    "search.checkpoint_seconds",
    "search.replica_ranks",
    "search.server_ranks",
)
"""Keys that may change when a search is resumed: budget, resources, and what comes after it."""


def of_strategy(experiment: Experiment, strategy: str) -> Experiment:
    """The experiment as one of its strategies runs it; all but its own run as a single replica."""
    search = experiment.search.model_copy(update={"strategy": strategy})
    return experiment.model_copy(update={"search": search})


def training_key(experiment: Experiment, folder: RunFolder) -> str:
    """Digest of everything but the architecture that determines how a trial ends."""
    child = experiment.child
    own = source_hash(child.name) if is_reference(child.name) else ""
    prepared = folder.data / "data.json"
    if not prepared.exists():
        raise ExperimentError(
            f"{prepared} does not exist: run nas-hpc prepare {experiment.name} first"
        )
    data = read_json(prepared)
    return digest(
        [
            experiment.seed,
            experiment.training.model_dump(mode="json"),
            experiment.reward.of(experiment.training.kind),
            [child.model_dump(mode="json"), own],
            data["fingerprint"],
        ]
    )


def fix(experiment: Experiment, space: Space, folder: RunFolder) -> None:
    """Store the configuration of a run, new or resumed.

    Raises:
        ExperimentError: see `check`.
    """
    facts = check(experiment, space, folder)
    write_json(folder.root / "fingerprints.json", facts)
    write_json(folder.experiment, experiment.model_dump(mode="json"))


def check(experiment: Experiment, space: Space, folder: RunFolder) -> dict[str, str]:
    """Hold the configuration against the one that the run began with, if it has begun.

    Returns:
        Digests of what the configuration only names.

    Raises:
        ExperimentError: a key that may not change did, or the space, the child's code or the data
            are no longer what they were; names key, old and new value. Or no data is prepared.
    """
    facts = {
        "space": fingerprint(space, experiment.arguments(0)),
        "training": training_key(experiment, folder),
    }
    if folder.experiment.exists():
        # Through the model: a key that is newer than the run has its default there.
        stored = Experiment.model_validate(read_json(folder.experiment)).model_dump(mode="json")
        changed = list(_changes(stored, experiment.model_dump(mode="json"), ""))
        if changed:
            raise ExperimentError(
                f"{folder.root} was begun with another configuration:\n  "
                + "\n  ".join(changed)
                + f"\nmay change: {', '.join(CHANGEABLE)}; or give the experiment another name"
            )
        before = read_json(folder.root / "fingerprints.json")
        for what, now in facts.items():
            if before[what] != now:
                raise ExperimentError(
                    f"{folder.root}: the code or data behind {what!r} is not what it was when the "
                    f"run began ({before[what][:12]} then, {now[:12]} now); "
                    "give the experiment another name, or delete that folder if nothing in it "
                    "matters"
                )
    return facts


def _changes(old: Any, new: Any, key: str) -> Any:
    if key in CHANGEABLE:
        return
    if isinstance(old, dict) and isinstance(new, dict) and not key.endswith("options"):
        for name in sorted(old.keys() | new.keys()):
            yield from _changes(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))
    elif old != new:
        yield f"{key}: {old!r} then, {new!r} now"
