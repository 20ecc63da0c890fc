# The experiment, and what the rules need to know of it.

import math
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from nas_hpc.experiment import ExperimentError, read

# What was installed beside this Python comes first, whether its environment is activated or not.
shell.prefix(f"set -euo pipefail; export PATH={Path(sys.executable).parent}:$PATH; ")

EXPERIMENT = str(config.get("experiment", "digits"))
try:
    experiment = read(EXPERIMENT)
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
RESULTS = Path("analysis") / experiment.name

# Own strategies are named by a file or module, their folders by what comes after the colon.
STRATEGIES = {
    name.rpartition(":")[2]: name for name in (experiment.search.strategy, *experiment.compare_with)
}
SEARCHED = experiment.search.strategy.rpartition(":")[2]
POINTS = math.prod(len(values) for _, values in experiment.retrain.grid)

# What one training takes of the machine: as many run at a time as there are slots.
ONE_SLOT = max(1, 100 // experiment.slots.count)

FIGURES = [
    "reward_by_trial",
    "reward_by_time",
    "reward_distribution",
    "entropy_and_duplicates",
    "slots_busy",
    "rescore",
    "grid",
]


wildcard_constraints:
    strategy="|".join(STRATEGIES),
    candidate=r"\d+",
    top=r"\d+",
    point=r"\d+",
    seed=r"\d+",


def configured(*keys):
    """These parts of the configuration; as a parameter, a change of them makes the rule run again."""
    data = experiment.model_dump(mode="json")
    return {key: data[key] for key in keys}


def retrain_configured(*keys):
    """The same of what is below `retrain`."""
    return {key: configured("retrain")["retrain"][key] for key in keys}
