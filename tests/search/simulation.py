"""The dispatcher in simulated time: replicas and slots without MPI, files or processes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from nas_hpc.experiment import Experiment
from nas_hpc.policies import make
from nas_hpc.search.commands import Acknowledge, Enqueue, Finish, Keep, Order
from nas_hpc.search.dispatcher import Dispatcher
from nas_hpc.search.messages import Sampled, SampleOrder
from nas_hpc.search.pace import Pace
from nas_hpc.spaces import Space, replay
from nas_hpc.store import Event, Outcome, Sample, SearchLog, Update


@dataclass
class World:
    """Slots and replicas that outlive the dispatcher, and what it has made durable.

    Attributes:
        statuses: how an attempt ends, as a function of (trial, attempt).
        seconds, devices: what every attempt takes.
        waiting, finished: trials in the spool; outcomes nobody has acknowledged.
    """

    experiment: Experiment
    space: Space
    rng: random.Random
    statuses: object
    records: list = field(default_factory=list)
    waiting: list = field(default_factory=list)
    finished: dict = field(default_factory=dict)
    attempts: dict = field(default_factory=dict)
    enqueued: list = field(default_factory=list)
    most_at_once: int = 0
    replicated: bool = True
    seconds: float = 0.0
    devices: float = 1.0

    def log(self) -> SearchLog:
        def of(kind):
            return tuple(r for r in self.records if isinstance(r, kind))

        return SearchLog(of(Sample), of(Outcome), of(Update), of(Event))

    def train(self, spec) -> Outcome:
        attempt = self.attempts[spec.trial] = self.attempts.get(spec.trial, 0) + 1
        status = self.statuses(spec.trial, attempt)
        architecture = replay(self.space, spec.arguments, spec.tokens)
        reward = sum(map(hash, architecture.steps)) / 10 if status == "ok" else 0.0
        if status in ("killed", "lost"):
            reward = float("nan")
        cost = {"ended": self.seconds, "devices": self.devices}
        return Outcome(spec.trial, status, reward, reason=status, attempt=attempt, **cost)

    def pace(self, replicas: int) -> Pace:
        search = self.experiment.search.model_copy(update={"replicas": replicas})
        return Pace.of(self.experiment.model_copy(update={"search": search}), self.replicated)

    def run(self, replicas: int, session: int, die_after: int | None = None, drain_after=None):
        """One session; the reason it ended, or None if it died after so many events."""
        machine = Dispatcher(self.experiment, self.space, "key", self.pace(replicas), session)
        self.machine = machine
        strategy = make("random", self.experiment, self.space)
        orders: list = []
        log = self.log()
        adopted = {spec.trial for spec in self.waiting} | set(self.finished)
        reported: set = set()
        commands = machine.restore(log, ticket=0, adopted=adopted, now=0.0)
        events = 0
        while True:
            reason = None
            for command in commands:  # records first, as the session does
                if isinstance(command, Keep):
                    self.records.append(command.record)
            if die_after is not None and events >= die_after:
                return None
            for command in commands:
                match command:
                    case Enqueue(spec):
                        self.waiting.append(spec)
                        self.enqueued.append(spec.trial)
                    case Acknowledge(outcome):
                        self.finished.pop(outcome.trial, None)
                        if outcome.answers:  # its folder goes, and the attempts' markers with it
                            self.attempts.pop(outcome.trial, None)
                    case Order(message):
                        orders.append(message)
                    case Finish(why):
                        reason = why
            self.most_at_once = max(self.most_at_once, len(machine.book.running))
            if reason is not None:
                return reason
            events += 1
            if drain_after is not None and events == drain_after:
                commands = machine.drain(float(events))
                continue
            samples = [m for m in orders if isinstance(m, SampleOrder)]
            ended = [o for t, o in self.finished.items() if t not in reported]
            choices = ["sample"] * bool(samples) + ["train"] * bool(self.waiting)
            choices += ["report"] * bool(ended)
            assert choices, "nothing can happen any more, and the search has not ended"
            match self.rng.choice(choices):
                case "sample":
                    order = self.rng.choice(samples)
                    orders.remove(order)
                    proposals = tuple(strategy.ask(order.requests))
                    message = Sampled(order.replica, order.batch, 0, proposals)
                    commands = machine.sampled(message, float(events))
                case "train":
                    spec = self.waiting.pop(self.rng.randrange(len(self.waiting)))
                    self.finished[spec.trial] = self.train(spec)
                    reported.discard(spec.trial)
                    commands = []
                case "report":
                    outcome = self.rng.choice(ended)
                    reported.add(outcome.trial)
                    commands = machine.ended(outcome, float(events))
