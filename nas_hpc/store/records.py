"""What a search remembers: samples, outcomes, updates, events. Plain values, no HDF5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal

from nas_hpc.spaces import Tokens

Status = Literal["ok", "diverged", "out of memory", "killed", "lost"]
"""How a trial ended. ``ok`` has a reward from training; ``diverged`` and ``out of memory`` are the
architecture's own failures and have the configured reward; ``killed`` (a signal ended the child)
and ``lost`` (node, preemption, machine) are the infrastructure's and answer nothing."""

MODEL_FAILURES = ("diverged", "out of memory")


@dataclass(frozen=True)
class Sample:
    """One architecture proposed by the strategy.

    Attributes:
        number: from 0, in the order in which the dispatcher numbered them.
        trial: number of the first sample with the same key; equal to ``number`` for a new one.
        batch: the group of samples that the replica was asked for together, from 0.
        replica: which replica sampled it, from 0.
        version: of the parameters under which it was sampled (updates applied before).
        session: epoch of the writer under which it was sampled.
        arguments: of the space's generator.
        tokens: (path, token) pairs in the order decided.
        log_probability: of the tokens under the policy, in nats.
        entropy: of the policy along this sample, in nats.
        key: SHA-256 of the architecture and of everything that determines its training.
        architecture: canonical JSON of the decoded architecture.
        time: seconds since 1970.
    """

    number: int
    trial: int
    batch: int
    replica: int
    version: int
    session: int
    arguments: Mapping[str, Any]
    tokens: Tokens
    log_probability: float
    entropy: float
    key: str
    architecture: str
    time: float


@dataclass(frozen=True)
class Outcome:
    """How one attempt at a trial ended.

    Attributes:
        trial: the trial's number.
        status: see `Status`.
        reward: the scalar that the strategy learns from; NaN for ``killed`` and ``lost``.
        reason: one line; empty for ``ok``.
        attempt: from 1.
        seed: of the child's random numbers.
        started, ended: seconds since 1970, of this attempt.
        seconds: of training and scoring, set-up included, all attempts' epochs that count.
        slot: where it ran.
        devices: GPUs that it occupied, as a share where several trials shared one; a slot without
            GPU counts as one.
        host, device: machine and device, e.g. ``cpu`` or ``NVIDIA H200``.
        versions: of code, Python and torch, one line.
        metrics: numbers and lists of numbers by name, e.g. ``validation_accuracy`` or
            ``validation_perplexity`` per epoch, ``parameters``.
    """

    trial: int
    status: Status
    reward: float
    reason: str = ""
    attempt: int = 1
    seed: int = 0
    started: float = 0.0
    ended: float = 0.0
    seconds: float = 0.0
    slot: str = ""
    devices: float = 1.0
    host: str = ""
    device: str = ""
    versions: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        """Whether the trial has a reward now, rather than having to be started again."""
        return self.status == "ok" or self.status in MODEL_FAILURES

    @property
    def device_seconds(self) -> float:
        """What the attempt has cost: the time that it occupied its devices."""
        return (self.ended - self.started) * self.devices


@dataclass(frozen=True)
class Update:
    """One gradient that a replica was told to compute and push.

    Attributes:
        ticket: from 1; parameter servers apply gradients in this order.
        replica: that computes it.
        session: epoch of the writer that first issued it.
        samples: numbers of the samples in it.
        rewards: one for each sample.
        advantages: what multiplies each sample's gradient of log-probability, before the mean.
        baseline: moving average of rewards before this update; NaN before the first one.
        deviation: moving average of the absolute distance of rewards from the baseline; NaN before.
        time: seconds since 1970.
    """

    ticket: int
    replica: int
    session: int
    samples: tuple[int, ...]
    rewards: tuple[float, ...]
    advantages: tuple[float, ...]
    baseline: float
    deviation: float
    time: float


@dataclass(frozen=True)
class Event:
    """Something worth remembering: ``started``, ``resumed``, ``retried``, ``ended`` ..."""

    kind: str
    text: str
    time: float


@dataclass(frozen=True)
class SlotUse:
    """One life of a slot, recorded once it is over.

    Attributes:
        slot: its name.
        job: Slurm's number of its task, as ``123_4``; empty for a process of this machine.
        host: its machine; empty if it never started.
        devices: GPUs that it occupied, see `Outcome`.
        submitted, started, ended: seconds since 1970; ``started`` is NaN if it never started.
        state: how it ended, in Slurm's words where Slurm knows: ``COMPLETED``, ``PREEMPTED`` ...
    """

    slot: str
    job: str
    host: str
    devices: float
    submitted: float
    started: float
    ended: float
    state: str

    @property
    def device_seconds(self) -> float:
        """What this life has cost; nothing if it never started."""
        return 0.0 if isnan(self.started) else (self.ended - self.started) * self.devices


Record = Sample | Outcome | Update | Event | SlotUse


@dataclass(frozen=True)
class SearchLog:
    """Everything that a search has recorded, each list in the order of recording."""

    samples: tuple[Sample, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    updates: tuple[Update, ...] = ()
    events: tuple[Event, ...] = ()
    slots: tuple[SlotUse, ...] = ()
