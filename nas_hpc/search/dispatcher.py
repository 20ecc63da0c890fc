"""The dispatcher: a plain state machine that numbers samples, books trials and gives lessons.

Events go in, commands come out; time is passed in. It knows no MPI, no files and no processes: the
program around it (`nas_hpc.search.session`), a simulator and the tests are thin shells of the same
machine. Its order of commands carries the promise that nothing is lost: a `Keep` precedes what
depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import nan

from nas_hpc.experiment import Experiment
from nas_hpc.search.commands import Acknowledge, Command, Enqueue, Finish, Forget, Keep, Order
from nas_hpc.search.messages import Sampled, SampleOrder
from nas_hpc.search.numbering import Numbering
from nas_hpc.search.pace import Pace
from nas_hpc.search.teacher import ReplicaBook, Teacher
from nas_hpc.search.trials import Trial, TrialBook
from nas_hpc.spaces import Space, canonical, describe, digest, replay
from nas_hpc.store import Event, Outcome, Sample, SearchLog
from nas_hpc.store.ending import (
    BROKEN,
    COLLAPSED,
    COMPLETE,
    DEVICE_HOURS,
    STOPPED,
    TOO_MANY_SAMPLES,
    hours_are_spent,
)

LOST_IN_A_ROW = 5
"""Trials given up one after another before the search says that children cannot run at all."""


class Dispatcher:
    """See the module.

    Args:
        experiment: the configuration.
        space: decodes tokens.
        training_key: digest of everything but the architecture that determines a training.
        pace: how many samples are in flight, and learned from at a time.
        session: epoch of the writer.
    """

    def __init__(
        self, experiment: Experiment, space: Space, training_key: str, pace: Pace, session: int
    ) -> None:
        self.experiment = experiment
        self.book = TrialBook(experiment)
        self.known_in_a_row = 0
        self.ending = ""
        self._space = space
        self._pace = pace
        self._training_key = training_key
        self._session = session
        self._teacher = Teacher(experiment, session, self._reward)
        self._numbering = Numbering(experiment)
        self._replicas = [ReplicaBook() for _ in range(pace.replicas)]
        self._batch = 0
        self._lost_in_a_row = 0
        self._finished = False

    @property
    def ticket(self) -> int:
        """The last one given."""
        return self._teacher.ticket

    @property
    def samples(self) -> dict[int, Sample]:
        """All samples by number; those learned from without their tokens."""
        return self._teacher.samples

    # ------------------------------------------------------------------ events

    def start(self, now: float) -> list[Command]:
        """Every replica is ready for its first samples, or for those that a resume left to it."""
        commands: list[Command] = []
        for replica, book in enumerate(self._replicas):
            missing = max(0, self._pace.in_flight - len(book.pending))
            book.wants = 0 if self._pace.in_groups and book.pending else missing
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
                self.book.ready(self.book.by_number[sample.number])
        commands += self._teach(message.replica, now)
        return commands + self._go_on(now)

    def ended(self, outcome: Outcome, now: float) -> list[Command]:
        """An attempt at a trial ended; one that was recorded before is only acknowledged."""
        trial = self.book.by_number[outcome.trial]
        if self.book.recorded_before(outcome):
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
            self.book.ready(trial)
        if self._lost_in_a_row >= LOST_IN_A_ROW:
            self.ending = BROKEN
        for replica in sorted(self._resolve(trial)):
            commands += self._teach(replica, now)
        return commands + self._go_on(now)

    def _ended_before(self, trial: Trial, outcome: Outcome) -> list[Command]:
        """Recorded by an earlier session, which was gone before it could acknowledge it."""
        if trial.outcome is not None or trial.lost:
            return [Acknowledge(outcome)]
        # It was judged to be no answer, or the trial would have one: its attempts still count.
        commands: list[Command] = [Acknowledge(replace(outcome, status="lost", reward=nan))]
        self.book.running.discard(outcome.trial)
        self.book.ready(trial)
        return commands + [Enqueue(spec) for spec in self.book.due()]

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
        last: dict[int, Trial] = {}
        for outcome in log.outcomes:
            last.pop(outcome.trial, None)
            last[outcome.trial] = self.book.enter(outcome)
        for trial in last.values():
            self._resolve(trial)
        self._numbering.restore(self.samples, after=1 + max(self.samples, default=-1))
        self._batch = 1 + max((sample.batch for sample in log.samples), default=-1)
        taught = {number for update in log.updates for number in update.samples}
        for book in self._replicas:
            book.ready = [number for number in book.ready if number not in taught]
        orders = self._teacher.restore(log.updates, ticket)
        commands: list[Command] = [Order(order) for order in orders]
        for number, trial in self.book.by_number.items():
            if trial.outcome is None and not trial.lost:
                if number in adopted:
                    self.book.running.add(number)
                else:
                    self.book.ready(trial)
        return commands + self.start(now)

    # ------------------------------------------------------------------ inside

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
            book.wants += 0 if self._pace.in_groups else 1

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
            book.wants += 0 if self._pace.in_groups else 1
            touched.add(replica)
        trial.waiting.clear()
        return touched

    def _teach(self, replica: int, now: float) -> Iterable[Command]:
        """The replica's next lesson, if its group is complete, and then its next samples."""
        book = self._replicas[replica]
        if self._pace.in_groups:
            complete = not book.outstanding
        else:
            complete = len(book.ready) >= self._pace.lesson or not (book.outstanding or book.wants)
        if not complete:
            return
        if book.ready:
            numbers = sorted(book.ready) if self._pace.in_groups else book.ready
            update, order = self._teacher.teach(replica, numbers, book.dropped, now)
            book.ready, book.dropped = [], []
            yield Keep(update)
            yield Order(order)
        if self._pace.in_groups:
            book.wants = self._pace.in_flight

    def _reward(self, number: int) -> float:
        outcome = self.book.by_number[self.samples[number].trial].outcome
        assert outcome is not None
        return outcome.reward

    def _go_on(self, now: float) -> list[Command]:
        """Start trials whose turn it is, ask for samples while the budget has room, or finish."""
        commands: list[Command] = [Enqueue(spec) for spec in self.book.due()]
        if self.known_in_a_row >= self.experiment.budget.known_in_a_row:
            self.ending = self.ending or COLLAPSED
        # With no room for more trials the last ones are in flight: they complete the budget.
        if self._room() > 0 and hours_are_spent(self.book.device_seconds, self.experiment.budget):
            self.ending = self.ending or DEVICE_HOURS
        if not self.ending:
            for replica, book in enumerate(self._replicas):
                if book.wants and (count := min(book.wants, self._room())) > 0:
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
        idle = not any(book.outstanding for book in self._replicas)
        return self.ending == BROKEN or (idle and (bool(self.ending) or self._room() <= 0))

    def _room(self) -> int:
        reserved = sum(book.reserved for book in self._replicas)
        trial_room = self.experiment.budget.trials - self.book.charged - reserved
        return min(trial_room, self._numbering.room)

    def _ask(self, replica: int, count: int) -> Order:
        book = self._replicas[replica]
        book.wants = 0 if self._pace.in_groups else book.wants - count
        book.reserved += count
        self._batch += 1
        requests = self._numbering.requests(count)
        return Order(SampleOrder(replica, self._batch - 1, requests))
