"""From rewards to lessons: the global baseline, the tickets, and what each replica is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from nas_hpc.experiment import Experiment
from nas_hpc.policies.baseline import Baseline
from nas_hpc.policies.strategy import Lesson
from nas_hpc.search.messages import LearnOrder
from nas_hpc.store import Sample, Update


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

    @property
    def outstanding(self) -> bool:
        """Whether something will still become of what it was asked for."""
        return bool(self.pending or self.reserved)


class Teacher:
    """Gives tickets: one global order of gradients, and of rewards into the baseline.

    Args:
        experiment: for the baseline.
        session: epoch of the writer.
        reward: of a sample, by its number.
    """

    def __init__(
        self, experiment: Experiment, session: int, reward: Callable[[int], float]
    ) -> None:
        controller = experiment.controller
        self.ticket = 0
        self.samples: dict[int, Sample] = {}
        self._session = session
        self._reward = reward
        self._baseline = Baseline(controller.baseline_decay, controller.advantage_bound)

    def teach(
        self, replica: int, numbers: Sequence[int], dropped: Sequence[int], now: float
    ) -> tuple[Update, LearnOrder]:
        """The next lesson: the samples' rewards against the baseline as it stood before them."""
        rewards = tuple(self._reward(number) for number in numbers)
        value, deviation = self._baseline.state()
        self.ticket += 1
        update = Update(
            ticket=self.ticket,
            replica=replica,
            session=self._session,
            samples=tuple(numbers),
            rewards=rewards,
            advantages=tuple(self._baseline.advantages(rewards)),
            baseline=value,
            deviation=deviation,
            time=now,
        )
        order = self._order(update, dropped)
        self._forget_tokens(numbers)
        return update, order

    def restore(self, updates: Sequence[Update], ticket: int) -> list[LearnOrder]:
        """Go on from recorded updates; those after ``ticket`` have to be learned again."""
        orders = []
        for update in updates:
            if update.ticket > ticket:
                orders.append(self._order(update, dropped=()))
            self._forget_tokens(update.samples)
        if updates:
            self.ticket = updates[-1].ticket
            self._baseline.restore(updates[-1].baseline, updates[-1].deviation)
            self._baseline.advantages(updates[-1].rewards)
        return orders

    def _order(self, update: Update, dropped: Iterable[int]) -> LearnOrder:
        samples = [self.samples[number] for number in update.samples]
        told = zip(samples, update.advantages, update.rewards, strict=True)
        lessons = tuple(Lesson(s.number, s.arguments, s.tokens, a, r) for s, a, r in told)
        versions = tuple(sample.version for sample in samples)
        return LearnOrder(update.replica, update.ticket, lessons, versions, tuple(dropped))

    def _forget_tokens(self, numbers: Iterable[int]) -> None:
        """They are in the store; a long search would fill the memory with them."""
        for number in numbers:
            self.samples[number] = replace(self.samples[number], tokens=(), architecture="")
