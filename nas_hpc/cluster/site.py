"""What this site's Slurm is like: how it is set up, and what it would accept."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass

from nas_hpc.cluster.jobs import NoAnswer, run

TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)$")

NORMAL = "normal"
"""The quality of service of jobs where no default is set."""


def settings() -> dict[str, str]:
    """Slurm's configuration, by the names of slurm.conf."""
    lines = run(["scontrol", "show", "config"]).splitlines()
    pairs = (line.split("=", 1) for line in lines if " = " in line)
    return {name.strip(): value.strip() for name, value in pairs}


def partitions(names: str | None) -> list[dict[str, str]]:
    """Configurations of partitions, by the names of slurm.conf.

    Args:
        names: of some, separated by commas; None: the default one.

    Raises:
        NoAnswer: there is none of such a name, or no default.
    """
    lines = run(["scontrol", "--all", "--oneliner", "show", "partition"]).splitlines()
    every = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
    if names is None:
        found = [one for one in every if one["Default"] == "YES"]
        if not found:
            raise NoAnswer("there is no default partition")
        return found
    known = {one["PartitionName"]: one for one in every}
    for name in names.split(","):
        if name not in known:
            raise NoAnswer(f"there is no partition {name}, but {', '.join(known)}")
    return [known[name] for name in names.split(",")]


def minutes(limit: str) -> float | None:
    """A time limit as Slurm writes it, such as ``1-02:00:00``; None if there is no limit."""
    match = TIME.match(limit)
    if match is None:
        return None
    days, hours, rest, seconds = (int(part or 0) for part in match.groups())
    return days * 1440 + hours * 60 + rest + seconds / 60


@dataclass(frozen=True)
class Ceiling:
    """A bound that the accounting sets for a user.

    Attributes:
        where: who is bound, in words.
        submitted: jobs, pending ones included; None if unbounded.
        running: jobs; None if unbounded.
    """

    where: str
    submitted: int | None
    running: int | None


def ceilings(account: str | None, qos: str | None) -> list[Ceiling]:
    """What the accounting allows this user: each association, and each quality of service.

    Args:
        account: that jobs will name; None: any of the user's may be meant.
        qos: the same; None: the default of each account.
    """
    columns = "account,maxjobs,maxsubmit,defaultqos"
    mine = _rows("assoc", f"user={getpass.getuser()}", columns)
    mine = [row for row in mine if account in (None, row[0])]
    found = [Ceiling(f"account {row[0]}", _count(row[2]), _count(row[1])) for row in mine]
    names = {qos} if qos else {default or NORMAL for *_, default in mine}
    if names:
        rows = _rows("qos", f"name={','.join(sorted(names))}", "name,maxjobspu,maxsubmitpu")
        found += [Ceiling(f"QOS {name}", _count(s), _count(j)) for name, j, s in rows]
    return found


@dataclass(frozen=True)
class Waiting:
    """A job in the queue.

    Attributes:
        state: such as ``PENDING``.
        reason: why it waits.
        start: when Slurm expects it to start, seconds since 1970, or ``N/A``.
    """

    state: str
    reason: str
    start: str


def in_queue(job: str) -> Waiting | None:
    """A job as squeue shows it; None if it does not any more.

    Raises:
        NoAnswer: squeue does not answer.
    """
    command = ["squeue", "--noheader", "--jobs", job, "--format", "%T|%r|%S"]
    try:
        lines = run(command).splitlines()
    except NoAnswer as error:
        if "Invalid job id" in str(error):
            return None
        raise
    return Waiting(*lines[0].split("|")) if lines else None


def _rows(what: str, which: str, columns: str) -> list[Sequence[str]]:
    command = ["sacctmgr", "--noheader", "--parsable2", "show", what, which, f"format={columns}"]
    return [line.split("|") for line in run(command).splitlines()]


def _count(text: str) -> int | None:
    return int(text) if text.isdigit() else None
