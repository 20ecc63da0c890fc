"""The dispatcher: a plain state machine that numbers samples, books trials and gives lessons.

Events go in, commands come out; time is passed in. It knows no MPI, no files and no processes: the
program around it (`nas_hpc.search.session`), a simulator and the tests are thin shells of the same
machine. Its order of commands carries the promise that nothing is lost: a `Keep` precedes what
depends on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nas_hpc.experiment import Experiment
from nas_hpc.policies.baseline import Baseline
from nas_hpc.policies.strategy import Lesson, Request
from nas_hpc.search.commands import Acknowledge, Command, Enqueue, Finish, Forget, Keep, Order
from nas_hpc.search.messages import LearnOrder, Sampled, SampleOrder
from nas_hpc.search.trials import Trial, TrialBook
from nas_hpc.spaces import Space, canonical, describe, digest, replay
from nas_hpc.store import Event, Outcome, Sample, SearchLog, Update

LOST_IN_A_ROW = 5
"""Trials given up one after another before the search says that children cannot run at all."""

COMPLETE = "budget spent"
COLLAPSED = "policy collapsed"
TOO_MANY_SAMPLES = "too many samples"
STOPPED = "stopped"
BROKEN = "children cannot run"


@dataclass
class ReplicaBook:
    """What the dispatcher knows of one replica.

    Attributes:
        reserved: samples it was asked for and has not yet proposed.
        pending: samples that wait for their trial.
        ready: samples whose reward is in and that are in no lesson yet.
        dropped: samples that will never have a reward, not yet told.
        wants: samples it should be asked for as soon as the budget has room.
    """

    reserved: int = 0
    pending: set[int] = field(default_factory=set)
    ready: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    wants: int = 0


class Dispatcher:
    """See the module.

    Args:
        experiment: the configuration.
        space: decodes tokens.
        training_key: digest of everything but the architecture that determines a training.
        replicas: how many there are (1 for a single strategy).
        session: epoch of the writer.
    """

    def __init__(
        self, experiment: Experiment, space: Space, training_key: str, replicas: int, session: int
    ) -> None:
        self.experiment = experiment
        self.book = TrialBook(experiment)
        self.ticket = 0
        self.samples: dict[int, Sample] = {}
        self.known_in_a_row = 0
        self.ending = ""
        self._space = space
        self._training_key = training_key
        self._session = session
        self._baseline = Baseline(
            experiment.controller.baseline_decay, experiment.controller.advantage_bound
        )
        self._replicas = [ReplicaBook() for _ in range(replicas)]
        self._free: deque[int] = deque()
        self._next = 0
        self._batch = 0
        self._lost_in_a_row = 0
        self._finished = False

    # ------------------------------------------------------------------ events

    def start(self, now: float) -> list[Command]:
        """Every replica is ready for its first samples, or for those that a resume left to it."""
        commands: list[Command] = []
        for replica, book in enumerate(self._replicas):
            missing = max(0, self._group_size - len(book.pending))
            book.wants = 0 if self._in_groups and book.pending else missing
            commands += self._teach(replica, now)
        return commands + self._go_on(now)

    def sampled(self, message: Sampled, now: float) -> list[Command]:
        """A replica proposed what it was asked for."""
        commands: list[Command] = []
        book = self._replicas[message.replica]
        for proposal in message.proposals:
            book.reserved -= 1
            arguments = self.experiment.arguments(proposal.sample)
            architecture = canonical(describe(replay(self._space, arguments, proposal.tokens)))
            key = digest([architecture, self._training_key])
            known = self.book.known(key)
            sample = Sample(
                number=proposal.sample,
                trial=proposal.sample if known is None else known.spec.trial,
                batch=message.batch,
                replica=message.replica,
                version=message.version,
                session=self._session,
                arguments=arguments,
                tokens=proposal.tokens,
                log_probability=proposal.log_probability,
                entropy=proposal.entropy,
                key=key,
                architecture=architecture,
                time=now,
            )
            commands.append(Keep(sample))
            self._enter_sample(sample)
            if known is None:
                self.book.hold(self.book.by_number[sample.number])
        commands += self._teach(message.replica, now)
        return commands + self._go_on(now)

    def ended(self, outcome: Outcome, now: float) -> list[Command]:
        """An attempt at a trial ended; one that was recorded before is only acknowledged."""
        trial = self.book.by_number[outcome.trial]
        if trial.outcome is not None or trial.lost or outcome.attempt <= trial.attempt:
            return self._ended_before(trial, outcome)
        outcome = self.book.judge(outcome)
        commands: list[Command] = [Keep(outcome), Acknowledge(outcome)]
        trial = self.book.enter(outcome)
        if trial.outcome is not None:
            self._lost_in_a_row = 0
        elif trial.lost:
            self._lost_in_a_row += 1
            text = f"trial {outcome.trial} given up after {trial.failures}: {outcome.reason}"
            commands += [Keep(Event("lost", text, now)), Forget(outcome.trial)]
        else:
            text = f"trial {outcome.trial}: {outcome.status}, {outcome.reason}"
            commands.append(Keep(Event("retried", text, now)))
            self.book.hold(trial)
        if self._lost_in_a_row >= LOST_IN_A_ROW:
            self.ending = BROKEN
        for replica in sorted(self._resolve(trial)):
            commands += self._teach(replica, now)
        return commands + self._go_on(now)

    def _ended_before(self, trial: Trial, outcome: Outcome) -> list[Command]:
        """Recorded by an earlier session, which was gone before it could acknowledge it."""
        commands: list[Command] = [Acknowledge(outcome)]
        if trial.outcome is None and not trial.lost:
            self.book.running.discard(outcome.trial)
            self.book.hold(trial)
            commands += [Enqueue(spec) for spec in self.book.due()]
        return commands

    def drain(self, now: float) -> list[Command]:
        """Ask for nothing more; finish once all trials in flight have ended."""
        self.ending = self.ending or STOPPED
        return self._go_on(now)

    # ------------------------------------------------------------------ resume

    def restore(self, log: SearchLog, ticket: int, adopted: set[int], now: float) -> list[Command]:
        """Go on from the records of earlier sessions.

        Args:
            log: everything recorded.
            ticket: the last one in the checkpoint; lessons after it are given again.
            adopted: trials that are queued, running or finished already.
            now: seconds since 1970.
        """
        for sample in log.samples:
            self._enter_sample(sample)
        for outcome in log.outcomes:
            self._resolve(self.book.enter(outcome))
        self._next = 1 + max(self.samples, default=-1)
        self._free = deque(n for n in range(self._next) if n not in self.samples)
        self._batch = 1 + max((sample.batch for sample in log.samples), default=-1)
        commands: list[Command] = []
        for update in log.updates:
            taught = set(update.samples)
            book = self._replicas[update.replica]
            book.ready = [number for number in book.ready if number not in taught]
            self.ticket = update.ticket
            if update.ticket > ticket:
                commands.append(self._order(update))
            self._forget_tokens(update.samples)
        if log.updates:
            self._baseline.restore(log.updates[-1].baseline, log.updates[-1].deviation)
            self._baseline.advantages(log.updates[-1].rewards)
        for number, trial in self.book.by_number.items():
            if trial.outcome is None and not trial.lost:
                if number in adopted:
                    self.book.running.add(number)
                else:
                    self.book.hold(trial)
        return commands + self.start(now)

    # ------------------------------------------------------------------ inside

    @property
    def _group_size(self) -> int:
        return self.experiment.search.children_per_replica

    @property
    def _in_groups(self) -> bool:
        return self.experiment.search.mode == "paper"

    def _enter_sample(self, sample: Sample) -> None:
        new = sample.number == sample.trial
        trial = self.book.add(sample)
        self.samples[sample.number] = sample
        self.known_in_a_row = 0 if new else self.known_in_a_row + 1
        book = self._replicas[sample.replica]
        if trial.outcome is None:
            book.pending.add(sample.number)
        else:
            book.ready.append(sample.number)
            book.wants += 0 if self._in_groups else 1

    def _resolve(self, trial: Trial) -> set[int]:
        """Tell the samples that wait for the trial; the replicas they belong to."""
        if trial.outcome is None and not trial.lost:
            return set()
        touched = set()
        for number in trial.waiting:
            replica = self.samples[number].replica
            book = self._replicas[replica]
            book.pending.discard(number)
            (book.dropped if trial.lost else book.ready).append(number)
            book.wants += 0 if self._in_groups else 1
            touched.add(replica)
        trial.waiting.clear()
        return touched

    def _teach(self, replica: int, now: float) -> Iterable[Command]:
        """The replica's next lesson, if its group is complete, and then its next samples."""
        book = self._replicas[replica]
        outstanding = bool(book.pending or book.reserved)
        if self._in_groups:
            complete = not outstanding
        else:
            complete = len(book.ready) >= self._group_size or not (outstanding or book.wants)
        if not complete:
            return
        if book.ready:
            yield from self._lesson(replica, now)
        if self._in_groups:
            book.wants = self._group_size

    def _lesson(self, replica: int, now: float) -> Iterable[Command]:
        book = self._replicas[replica]
        numbers = tuple(sorted(book.ready) if self._in_groups else book.ready)
        book.ready = []
        rewards = tuple(self._reward(number) for number in numbers)
        value, deviation = self._baseline.state()
        self.ticket += 1
        update = Update(
            ticket=self.ticket,
            replica=replica,
            session=self._session,
            samples=numbers,
            rewards=rewards,
            advantages=tuple(self._baseline.advantages(rewards)),
            baseline=value,
            deviation=deviation,
            time=now,
        )
        yield Keep(update)
        yield self._order(update)
        self._forget_tokens(numbers)

    def _forget_tokens(self, numbers: Iterable[int]) -> None:
        """They are in the store; a long search would fill the memory with them."""
        for number in numbers:
            self.samples[number] = replace(self.samples[number], tokens=(), architecture="")

    def _order(self, update: Update) -> Order:
        samples = [self.samples[number] for number in update.samples]
        numbers = zip(samples, update.advantages, update.rewards, strict=True)
        lessons = tuple(Lesson(s.number, s.arguments, s.tokens, a, r) for s, a, r in numbers)
        versions = tuple(sample.version for sample in samples)
        book = self._replicas[update.replica]
        dropped, book.dropped = tuple(book.dropped), []
        return Order(LearnOrder(update.replica, update.ticket, lessons, versions, dropped))

    def _reward(self, number: int) -> float:
        outcome = self.book.by_number[self.samples[number].trial].outcome
        assert outcome is not None
        return outcome.reward

    def _go_on(self, now: float) -> list[Command]:
        """Start trials whose turn it is, ask for samples while the budget has room, or finish."""
        commands: list[Command] = [Enqueue(spec) for spec in self.book.due()]
        if self.known_in_a_row >= self.experiment.budget.known_in_a_row:
            self.ending = self.ending or COLLAPSED
        if not self.ending:
            for replica, book in enumerate(self._replicas):
                count = min(book.wants, self._room())
                if count > 0:
                    commands.append(self._ask(replica, count))
        if not self._finished and self._is_over():
            for replica, book in enumerate(self._replicas):
                book.wants = 0
                commands += self._teach(replica, now)
            self._finished = True
            full = self.book.charged >= self.experiment.budget.trials
            reason = self.ending or (COMPLETE if full else TOO_MANY_SAMPLES)
            commands += [Keep(Event("ended", reason, now)), Finish(reason)]
        return commands

    def _is_over(self) -> bool:
        idle = not any(book.pending or book.reserved for book in self._replicas)
        return self.ending == BROKEN or (idle and (bool(self.ending) or self._room() <= 0))

    def _sample_room(self) -> int:
        budget = self.experiment.budget
        return budget.trials * budget.samples_per_trial - self._next + len(self._free)

    def _room(self) -> int:
        reserved = sum(book.reserved for book in self._replicas)
        trial_room = self.experiment.budget.trials - self.book.charged - reserved
        return min(trial_room, self._sample_room())

    def _ask(self, replica: int, count: int) -> Order:
        book = self._replicas[replica]
        book.wants = 0 if self._in_groups else book.wants - count
        book.reserved += count
        numbers = [self._number() for _ in range(count)]
        requests = tuple(Request(n, self.experiment.arguments(n)) for n in numbers)
        self._batch += 1
        return Order(SampleOrder(replica, self._batch - 1, requests))

    def _number(self) -> int:
        if self._free:
            return self._free.popleft()
        self._next += 1
        return self._next - 1
