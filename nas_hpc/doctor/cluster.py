"""Slurm, asked before anything is submitted: does it answer, and does it take the settings?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from nas_hpc.cluster import jobs, site
from nas_hpc.cluster.jobs import NoAnswer
from nas_hpc.cluster.probe import refusal
from nas_hpc.doctor.finding import Finding, check, failed, warning
from nas_hpc.doctor.probe import Probe
from nas_hpc.doctor.task import task_checks
from nas_hpc.experiment import Arrays

CHILDREN = "slurm/children.yaml"


def cluster_checks(arrays: Arrays, trial: Path, minutes: float) -> Iterator[Finding]:
    """What is asked of Slurm; in the end it is given a task.

    Args:
        arrays: how children will run.
        trial: an empty folder where files can be made.
        minutes: to wait for the start of the task.
    """
    answering = check("Slurm", slurm)
    yield answering
    if answering.level == "FAILED":
        return
    yield check("squeue and sacct", lambda: pollers(arrays))
    yield check("partition", lambda: partition(arrays))
    yield check("arrays", array_size)
    yield check("limits", lambda: limits(arrays))
    settings = check("children's settings", lambda: accepted(arrays, trial))
    yield settings
    if settings.level != "FAILED":
        yield from task_checks(Probe(arrays, trial, minutes))


def slurm() -> Finding:
    """Whether the controller answers."""
    try:
        settings = site.settings()
    except NoAnswer as error:
        return failed(str(error), "work on a machine of the cluster whose slurmctld is up")
    return Finding(
        f"{settings['SLURM_VERSION']}, cluster {settings['ClusterName']}, "
        f"kills {settings['KillWait']} after a time limit"
    )


def pollers(arrays: Arrays) -> Finding:
    """One of them is enough to follow jobs."""
    faults = {}
    for name, ask in jobs.ASK.items():
        try:
            ask(())
        except NoAnswer as error:
            faults[name] = str(error)
    said = "; ".join(faults.values())
    if len(faults) == len(jobs.ASK) or arrays.poll_with in faults:
        return failed(said, "ask for a login node where they answer; `poll_with` chooses which")
    if faults:
        (missing,) = faults
        return warning(said, f"nothing, if the site has no {missing}: the other one is used")
    return Finding("both answer")


def partition(arrays: Arrays) -> Finding:
    """Whether it is there and up, lets tasks live as long as they ask for, and preempts them."""
    mend = f"another `partition` in {CHILDREN}"
    try:
        asked_for = site.partitions(arrays.partition)
    except NoAnswer as error:
        return failed(str(error), mend)
    said = []
    for about in asked_for:
        name, state, longest = (
            about["PartitionName"],
            about["State"],
            site.minutes(about["MaxTime"]),
        )
        said.append(f"{name} is {state}, time limit {about['MaxTime']}, {_preemption(about)}")
        if state != "UP":
            return failed(f"{name} is {state}", mend)
        if longest is not None and arrays.minutes > longest:
            return failed(
                f"{name} has a time limit of {longest:g} minutes; tasks ask for {arrays.minutes}",
                f"`minutes` at most {longest:g} in {CHILDREN}; trials go on in another task",
            )
        if "SUSPEND" in about["PreemptMode"]:
            return warning(said[-1] + ": trials stand still meanwhile, and their time runs", mend)
    return Finding("; ".join(said))


def array_size() -> Finding:
    """How large an array may be, and how many jobs the cluster holds."""
    settings = site.settings()
    largest, most = int(settings["MaxArraySize"]), int(settings["MaxJobCount"])
    found = f"up to {largest} tasks each (larger ones are split); {most} jobs on the cluster"
    if largest < 2:
        return failed(found, "job arrays are switched off here: ask for MaxArraySize above 1")
    return Finding(found)


def limits(arrays: Arrays) -> Finding:
    """What the accounting allows against what the search will want at a time."""
    wanted = -(-arrays.max_running // arrays.trials_per_gpu)
    try:
        ceilings = site.ceilings(arrays.account, arrays.qos)
    except NoAnswer as error:
        return warning(f"cannot be seen: {error}", "nothing: refusals are waited out")
    said, low = [], []
    for one in ceilings:
        bounds = {"submitted": one.submitted, "running": one.running}
        known = [f"{bound} {what}" for what, bound in bounds.items() if bound is not None]
        said += [f"{one.where}: {' and '.join(known)} at a time"] if known else []
        low += [bound for bound in bounds.values() if bound is not None and bound < wanted]
    if low:
        return warning(
            f"{'; '.join(said)}; the search wants up to {wanted} tasks",
            f"`max_running` {min(low) * arrays.trials_per_gpu} in {CHILDREN}; else refusals "
            "are waited out",
        )
    return Finding("; ".join(said) or "none for you")


def accepted(arrays: Arrays, trial: Path) -> Finding:
    """Whether Slurm would take a task as it is, and if not, which of its settings it minds."""
    said = refusal(arrays, trial)
    if not said:
        return Finding(_words(arrays) + ": accepted")
    minded = _minded(arrays, lambda without: not refusal(without, trial))
    mend = f"{minded} in {CHILDREN}" if minded else f"account, partition, GPUs ... in {CHILDREN}"
    return failed(f"{_words(arrays)}: {said}", mend)


def _preemption(partition: dict[str, str]) -> str:
    mode = partition["PreemptMode"]
    return "no preemption" if mode == "OFF" else f"preemption {mode}"


def _minded(arrays: Arrays, accepts: Callable[[Arrays], bool]) -> str:
    """The setting without which the others are accepted; empty if there is no such one."""
    without: dict[str, object] = {
        "account": None,
        "partition": None,
        "qos": None,
        "constraint": None,
        "gpus": 0,
        "memory_gb": 1.0,
        "minutes": 1,
        "sbatch": {},
    }
    for key, nothing in without.items():
        if getattr(arrays, key) != nothing:
            changed = arrays.model_copy(update={key: nothing})
            if accepts(changed):
                return f"`{key}`"
    return ""


def _words(arrays: Arrays) -> str:
    said = [
        f"{key} {value}"
        for key in ("account", "partition", "qos", "constraint")
        if (value := getattr(arrays, key))
    ]
    said += [f"{arrays.gpus} GPUs", f"{arrays.cpus} cores", f"{arrays.memory_gb:g} GiB"]
    return ", ".join(said)
