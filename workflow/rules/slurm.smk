# What rules ask of a cluster. Where children run as Slurm arrays, the trainings of the final stage
# ask for the same.

import shlex

from nas_hpc.policies import is_replicated
from nas_hpc.search.ranks import Ranks

# compute, or login where the nodes may not submit jobs: see slurm/search.yaml.
SEARCH_ON = config.get("search_on", "compute")
if SEARCH_ON not in ("compute", "login"):
    raise WorkflowError(f"search_on = {SEARCH_ON!r}: allowed: compute, login")


def ranks(wildcards):
    """MPI ranks of a search."""
    replicated = is_replicated(STRATEGIES[wildcards.strategy])
    return Ranks.of(experiment, replicated).size


def as_a_child():
    """The resources of a training: those of a task of the arrays."""
    arrays = experiment.slots.arrays
    if arrays is None:
        return {"mem_mb": 2000}
    flags = {name: value for name, value in arrays.sbatch.items() if value is not False}
    asked = {
        "gpu": arrays.gpus,
        "cpus_per_task": arrays.cpus,
        "mem_mb": math.ceil(1024 * arrays.memory_gb),
        "runtime": arrays.minutes,
        "slurm_partition": arrays.partition,
        "slurm_account": arrays.account,
        "qos": arrays.qos,
        "constraint": arrays.constraint,
        "slurm_extra": " ".join(
            f"--{name}" if value is True else f"--{name}={shlex.quote(str(value))}"
            for name, value in flags.items()
        ),
    }
    return {key: value for key, value in asked.items() if value}


# These are parameters that change no result. As functions of `resources` they are not compared with
# those of an earlier run, so that a change of them makes no rule run again.


def set_up(wildcards, resources):
    """Lines of shell before a training, as before a task of the arrays."""
    arrays = experiment.slots.arrays
    lines = "".join(f"{line}\n" for line in arrays.setup) if arrays else ""
    # Scripts of modules use variables that are not set.
    return f"set +u\n{lines}set -u\n" if lines else ""


def time_limit(wildcards, resources):
    """For `nas-hpc part`, where the job that it runs in has a limit."""
    return f"--minutes {resources.runtime}" if "runtime" in resources.keys() else ""


def search_limit(wildcards, resources):
    """The same for a search, which has none where it is no job."""
    return "" if SEARCH_ON == "login" else time_limit(wildcards, resources)


def children(wildcards, resources):
    """For commands that run children, or train as they do."""
    return f"--children {shlex.quote(CHILDREN)}" if CHILDREN else ""
