"""The dispatcher's rank: the state machine, with the store, the slots and the clock around it.

While the disk is full it stands still in the middle of what it was doing. Told to end meanwhile, it
leaves the rest: what is recorded is safe, and the next session finds what follows from it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from types import FrameType

from nas_hpc.cluster import Executor, SlotError, stop_request
from nas_hpc.experiment import Experiment
from nas_hpc.search.commands import Acknowledge, Command, Enqueue, Finish, Forget, Keep, Order
from nas_hpc.search.dispatcher import Dispatcher
from nas_hpc.search.mail import Mail, Nap
from nas_hpc.search.messages import (
    LearnOrder,
    Sampled,
    SampleOrder,
    ShardState,
    SnapshotOrder,
    Stop,
    Stopped,
    StrategyState,
)
from nas_hpc.search.progress import Progress
from nas_hpc.search.ranks import Ranks
from nas_hpc.search.snapshots import from_checkpoint, to_checkpoint
from nas_hpc.store import (
    Checkpoint,
    Event,
    Record,
    Room,
    RunFolder,
    SearchLog,
    Session,
    Writer,
    check_current,
    check_room,
    done_without,
    save_checkpoint,
)
from nas_hpc.store.ending import BROKEN, INTERRUPTED, STOPPED, STOPPED_NOW

LOOK_AROUND_SECONDS = 0.5
"""Between two looks at the stop file and the clock of the checkpoints."""

ROOM_SECONDS = 5.0
"""Between two looks whether there is room on the disk: at first only children may miss it."""


class DispatcherRank:
    """Carries out what the dispatcher commands, in the order that keeps everything durable.

    Args:
        experiment: the configuration.
        machine: the dispatcher.
        folder, session: the run, and the right to write to it.
        executor: where trials run.
        mail, ranks: the other ranks.
    """

    def __init__(
        self,
        experiment: Experiment,
        machine: Dispatcher,
        folder: RunFolder,
        session: Session,
        executor: Executor,
        mail: Mail,
        ranks: Ranks,
    ) -> None:
        self._experiment = experiment
        self._machine = machine
        self._folder = folder
        self._session = session
        self._executor = executor
        self._mail = mail
        self._ranks = ranks
        self._writer = Writer(folder, session)
        self._interrupted = False
        self._room = Room(folder.root, self._say, self._told_to_end)
        self._room_seen = time.monotonic()
        self._parts: dict[int, ShardState] = {}
        self._held: list[SampleOrder | LearnOrder] = []
        self._recorded_slots: set[str] = set()
        self._saved_ticket = -1
        self._asked_ticket = -1
        self._asked_at = time.monotonic()
        self._progress = Progress(experiment, machine)
        self._reason = ""

    def run(self, log: SearchLog, checkpoint: Checkpoint | None) -> str:
        """Search until the machine says it is over, or somebody asks to stop; why it ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_interruption)
        with done_without("recording what is in flight"):
            self._begin(log, checkpoint)
            del log  # a long one would stay in memory for as long as the search runs
            nap, looked = Nap(), 0.0
            while not self._reason:
                if time.monotonic() - looked > LOOK_AROUND_SECONDS:
                    looked = time.monotonic()
                    self._look_around()
                busy = self._carry_out(self._happened())
                if self._interrupted:
                    self._reason = self._reason or INTERRUPTED
                nap(busy)
            self._save_everything()
        self._reason = self._reason or self._told_to_end()
        self._close()
        return self._reason

    def _begin(self, log: SearchLog, checkpoint: Checkpoint | None) -> None:
        now = time.time()
        self._recorded_slots = {use.slot for use in log.slots}
        begin = from_checkpoint(checkpoint, self._ranks)
        for rank in self._ranks.others:
            self._mail.send(rank, begin)
        self._saved_ticket = self._asked_ticket = begin.ticket
        kind = "resumed" if log.samples else "started"
        self._commit([Event(kind, f"{self._session.identity}, ticket {begin.ticket}", now)])
        adopted = self._executor.recover()
        self._carry_out(self._machine.restore(log, begin.ticket, adopted, now))

    def _happened(self) -> list[Command]:
        """Everything that has happened since the last look, as the machine answers it."""
        commands: list[Command] = []
        now = time.time()
        while (arrived := self._mail.receive()) is not None:
            match arrived[1]:
                case Sampled() as message:
                    commands += self._machine.sampled(message, now)
                case ShardState() | StrategyState() as part:
                    self._snapshot_part(part)
                case other:
                    raise TypeError(f"rank {arrived[0]} sent {other!r}")
        for outcome in self._room.awaited(self._executor.poll):
            commands += self._machine.ended(outcome, now)
        return commands

    def _carry_out(self, commands: Iterable[Command]) -> bool:
        """Make all records durable in one commit, then let everything else follow in order."""
        commands = list(commands)
        records = [command.record for command in commands if isinstance(command, Keep)]
        self._commit(records)
        ended = [c.outcome for c in commands if isinstance(c, Acknowledge)]
        self._room.awaited(self._executor.acknowledge, ended)
        for command in commands:
            # One by one: those before a pause may have been taken when the rest is tried again.
            if isinstance(command, Enqueue):
                self._room.awaited(self._executor.enqueue, [command.spec])
        for command in commands:
            match command:
                case Order(message):
                    self._order(message)
                case Forget(trial):
                    self._room.awaited(self._executor.forget, trial)
                case Finish(reason):
                    self._reason = reason
        self._progress.show(force=bool(self._reason))
        return bool(commands)

    def _commit(self, records: list[Record]) -> None:
        """Make records durable, and what pauses there have been."""
        now = time.time()
        pauses = [Event("paused", pause, now) for pause in self._room.pauses]
        self._room.pauses.clear()
        self._room.awaited(self._writer.commit, [*pauses, *records])

    def _record_slots(self) -> None:
        """Record slots that have ended, but for those that the session before was gone after."""
        ended = [
            use for use in self._executor.slots_ended() if use.slot not in self._recorded_slots
        ]
        self._recorded_slots |= {use.slot for use in ended}
        self._commit([*ended])

    def _order(self, message: SampleOrder | LearnOrder) -> None:
        """Send, or hold back until the snapshot that was asked for is complete."""
        if self._asked_ticket > self._saved_ticket:
            self._held.append(message)
        else:
            self._mail.send(self._ranks.of_replica(message.replica), message)

    def _look_around(self) -> None:
        check_current(self._folder, self._session.epoch)  # before slots are touched after a stall
        if time.monotonic() - self._room_seen > ROOM_SECONDS:
            self._room.awaited(check_room, self._folder.root)
            self._room_seen = time.monotonic()
        self._record_slots()
        asked = stop_request(self._folder)
        if asked == "now":
            self._reason = self._reason or STOPPED_NOW
        elif asked:
            self._carry_out(self._machine.drain(time.time()))
        due = time.monotonic() - self._asked_at > self._experiment.search.checkpoint_seconds
        if due and self._machine.ticket > self._asked_ticket == self._saved_ticket:
            self._ask_for_snapshot()

    def _ask_for_snapshot(self) -> None:
        self._asked_at, self._asked_ticket = time.monotonic(), self._machine.ticket
        for rank in self._ranks.keepers:
            self._mail.send(rank, SnapshotOrder(self._asked_ticket))

    def _snapshot_part(self, part: ShardState | StrategyState) -> None:
        if isinstance(part, ShardState):
            self._parts[part.shard] = part
            if len(self._parts) < self._ranks.shards:
                return
        checkpoint = to_checkpoint(part, self._parts)
        self._parts = {}
        self._room.awaited(save_checkpoint, self._folder, self._session, checkpoint)
        self._saved_ticket = checkpoint.ticket
        held, self._held = self._held, []
        for message in held:
            self._order(message)

    def _save_everything(self) -> None:
        """Leave a checkpoint of everything learned."""
        self._await_snapshot()
        if self._machine.ticket > self._saved_ticket:
            self._ask_for_snapshot()
            self._await_snapshot()

    def _close(self) -> None:
        """Leave nobody waiting, and everything in one file."""
        # Replicas first: those that still sample need the servers.
        for group in (self._ranks.replica_group, self._ranks.server_group):
            for rank in group:
                self._mail.send(rank, Stop())
            for _ in group:
                self._mail.wait_for(lambda message: isinstance(message, Stopped))
        asked_for = self._reason in (STOPPED_NOW, INTERRUPTED)
        with done_without("recording the end"):
            self._commit([Event("ended", self._reason, time.time())] if asked_for else [])
        with done_without("clearing up after the slots"):
            try:
                if self._reason in (STOPPED_NOW, BROKEN):
                    self._executor.cancel()
                self._executor.close()
            except SlotError as error:
                self._say(f"slots are left to end by themselves: {error}")
            self._record_slots()
        with done_without("merging what is recorded"):
            self._room.awaited(self._writer.close)
            # Idle slots need not wait for more work, unless the next part of the search brings it.
            if self._reason != INTERRUPTED or self._experiment.slots.arrays is None:
                self._room.awaited(self._folder.stop.write_text, "drain")

    def _await_snapshot(self) -> None:
        while self._saved_ticket < self._asked_ticket:
            _, part = self._mail.wait_for(lambda m: isinstance(m, ShardState | StrategyState))
            self._snapshot_part(part)

    def _told_to_end(self) -> str:
        """By whom, as a search's end says it; empty if by nobody."""
        if self._interrupted:
            return INTERRUPTED
        asked = stop_request(self._folder)
        return STOPPED_NOW if asked == "now" else STOPPED if asked else ""

    def _on_interruption(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True

    def _say(self, text: str) -> None:
        print(f"[{self._experiment.name}/{self._experiment.search.strategy}] {text}", flush=True)
