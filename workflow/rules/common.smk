# The experiment, and what the rules need to know of it.

import json
import math
import sys
from itertools import count
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from nas_hpc.experiment import ExperimentError, label, read

# What was installed beside this Python comes first, whether its environment is activated or not.
shell.prefix(f"set -euo pipefail; export PATH={Path(sys.executable).parent}:$PATH; ")

EXPERIMENT = str(config.get("experiment", "digits"))
# On Slurm, where children run: a file of keys, which slurm/search.yaml names.
CHILDREN = config.get("children")
try:
    experiment = read(EXPERIMENT, Path(CHILDREN) if CHILDREN else None)
except ExperimentError as error:
    raise WorkflowError(str(error)) from None
validate(
    experiment.model_dump(mode="json"),
    "../schemas/experiment.schema.json",
    set_default=False,  # defaults have one home, the model
)

RUN = Path(experiment.runs) / experiment.name
RETRAIN = RUN / "retrain"
LOGS = RUN / "logs"
PARTS = RUN / "done" / "parts"
RESULTS = Path("analysis") / experiment.name

# Own strategies are named by a file or module, their folders by what comes after the colon.
STRATEGIES = {label(name): name for name in (experiment.search.strategy, *experiment.compare_with)}
POINTS = math.prod(len(values) for values in experiment.retrain.grid.model_dump().values())

# What one training takes of the machine: as many run at a time as there are slots.
ONE_SLOT = max(1, 100 // experiment.slots.count)


FIGURES = [
    "reward_by_trial",
    "reward_by_time",
    "reward_distribution",
    "top_models",
    "entropy_and_duplicates",
    "slots_busy",
    "rescore",
    "grid",
    "final",
]

# The steps of the final training that train: what they start from, which options of their command
# are the numbers in a training's name, and the keys under `retrain` that they depend on.
TRAININGS = {
    "rescore": ("candidates.json", ("candidate",), ("rescore_seeds",)),
    "grid": ("shortlist.json", ("top", "point"), ("grid", "epochs", "parameters")),
    "final": ("chosen.json", ("seed",), ()),
    "variant": ("chosen.json", ("variant", "seed"), ("variants",)),
    "transfer": ("chosen.json", ("target", "seed"), ("transfer",)),
}


wildcard_constraints:
    strategy="|".join(STRATEGIES),
    step="|".join(TRAININGS),
    numbers=r"\d+(-\d+)?",
    part=r"[1-9]\d*",


def configured(*keys):
    """These parts of the configuration; as a parameter, a change of them makes the rule run again."""
    data = experiment.model_dump(mode="json")
    return {key: data[key] for key in keys}


def retrain_configured(*keys):
    """The same of what is below `retrain`."""
    return {key: configured("retrain")["retrain"][key] for key in keys}


def numbered(wildcards):
    """The options of a step's command that say which of its trainings is meant."""
    options = zip(TRAININGS[wildcards.step][1], wildcards.numbers.split("-"), strict=True)
    return " ".join(f"--{option} {number}" for option, number in options)


def until_done(checkpoint, **wildcards):
    """The marker of the part in which something long was done; asks for one part after another.

    A part ends well before its job's time limit. Its marker says so, with `done: false`, or is what
    was found.
    """
    for part in count(1):
        marker = checkpoint.get(part=str(part), **wildcards).output[0]
        if json.loads(Path(marker).read_text()).get("done", True):
            return marker


def part_before(marker):
    """The marker before a part's own, if there is one: a part that is made again asks for the rest."""
    return lambda wildcards: (
        [str(marker).format(**{**wildcards, "part": int(wildcards.part) - 1})]
        if wildcards.part != "1"
        else []
    )
