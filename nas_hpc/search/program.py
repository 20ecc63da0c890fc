"""The MPI program, ``nas_hpc.search.program EXPERIMENT STRATEGY [CHILDREN]``; `launch` starts it.

Rank 0 is the dispatcher, then come the parameter servers, then the controller replicas. Only the
replicas import torch.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from nas_hpc.cluster import make_executor
from nas_hpc.experiment import Experiment, read
from nas_hpc.policies import is_replicated, make
from nas_hpc.policies.theta import Layout, initial, shard_slices
from nas_hpc.search.configuration import fix, of_strategy, training_key
from nas_hpc.search.dispatcher import Dispatcher
from nas_hpc.search.mail import Mail
from nas_hpc.search.messages import (
    Begin,
    LearnOrder,
    Pull,
    Push,
    SampleOrder,
    ShardValues,
    SnapshotOrder,
    Stop,
    Stopped,
    Vector,
)
from nas_hpc.search.pace import Pace
from nas_hpc.search.ranks import DISPATCHER, Ranks
from nas_hpc.search.replica import Replicas
from nas_hpc.search.server import Shard
from nas_hpc.search.session import DispatcherRank
from nas_hpc.search.succession import Claim, Refused, awaited_writer
from nas_hpc.spaces import Space, load_space
from nas_hpc.store import RunFolder, claim_session, load_checkpoint, read_search


def main(name: str, strategy: str, children: str | None = None) -> None:
    """Play this rank's role until the search is over.

    Raises:
        RuntimeError: the MPI world is not of the size that the experiment asks for.
    """
    world = MPI.COMM_WORLD
    experiment = of_strategy(read(name, Path(children) if children else None), strategy)
    ranks = Ranks.of(experiment, is_replicated(experiment.search.strategy))
    if world.size != ranks.size:
        raise RuntimeError(
            f"this search takes {ranks.size} MPI ranks, the world has {world.size}: start it with "
            f"mpiexec -n {ranks.size}, and with the MPI that mpi4py was built for"
        )
    mail = Mail(world)
    if world.rank == DISPATCHER:
        dispatch(experiment, mail, ranks)
        return
    # Signals go to all ranks; the dispatcher ends the search in order, and tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    space = load_space(experiment)
    _, begin = mail.wait_for(lambda message: isinstance(message, Begin))
    if world.rank in ranks.server_group:
        serve(experiment, space, begin, mail, ranks, world.rank)
    else:
        replicate(experiment, space, begin, mail, ranks)
    mail.send(DISPATCHER, Stopped())
    mail.flush()


def dispatch(experiment: Experiment, mail: Mail, ranks: Ranks) -> None:
    """Rank 0: claim the run, and search."""
    folder = RunFolder.of(experiment)
    folder.create()
    space = load_space(experiment)
    claim = Claim.of(experiment, folder)
    if (other := awaited_writer(folder, print)) is not None:
        raise Refused(f"{folder.root} is being written by {other.identity}")
    fix(experiment, space, folder)
    session = claim_session(folder, claim.identity, claim.experiment)
    checkpoint = load_checkpoint(folder)
    key = training_key(experiment, folder)
    pace = Pace.of(experiment, replicated=ranks.shards > 0)
    machine = Dispatcher(experiment, space, key, pace, session.epoch)
    executor = make_executor(folder, experiment, session.epoch)
    rank = DispatcherRank(experiment, machine, folder, session, executor, mail, ranks)
    rank.run(read_search(folder), checkpoint)


def serve(
    experiment: Experiment, space: Space, begin: Begin, mail: Mail, ranks: Ranks, rank: int
) -> None:
    """A server rank: apply pushes in order, answer pulls and snapshots once their ticket is in."""
    shards = {n: _shard(n, experiment, space, begin, ranks) for n in ranks.shards_of(rank)}
    waiting: list[tuple[int, Pull | SnapshotOrder]] = []
    for sender, message in mail.arrivals(until=Stop):
        match message:
            case Push():
                shards[message.shard].push(message)
            case Pull() | SnapshotOrder():
                waiting.append((sender, message))
            case _:
                raise TypeError(f"rank {sender} sent {message!r} to a parameter server")
        waiting = [entry for entry in waiting if not _answer(*entry, shards, mail)]


def _answer(
    sender: int, request: Pull | SnapshotOrder, shards: dict[int, Shard], mail: Mail
) -> bool:
    """Answer a request if its ticket has been applied; whether it was answered."""
    if isinstance(request, Pull):
        if shards[request.shard].ticket < request.ticket:
            return False
        mail.send(sender, shards[request.shard].values())
        return True
    if any(shard.ticket < request.ticket for shard in shards.values()):
        return False
    for shard in shards.values():
        mail.send(sender, shard.state())
    return True


def _shard(number: int, experiment: Experiment, space: Space, begin: Begin, ranks: Ranks) -> Shard:
    controller = experiment.controller
    layout = Layout(space.kinds, controller.hidden, controller.layers)
    theta = initial(layout, experiment.seed, controller.initial_range)
    shard = Shard(number, theta[shard_slices(layout.size, ranks.shards)[number]], experiment)
    if begin.shards:
        shard.load(begin.shards[number])
    return shard


def replicate(experiment: Experiment, space: Space, begin: Begin, mail: Mail, ranks: Ranks) -> None:
    """A replica rank: carry out the dispatcher's orders, one after another."""
    parameters = Servers(mail, ranks) if ranks.shards else None
    replicas = Replicas(make(experiment.search.strategy, experiment, space), parameters)
    if begin.strategy:
        replicas.load(begin.strategy)
    for sender, message in mail.arrivals(until=Stop):
        match message:
            case SampleOrder():
                mail.send(DISPATCHER, replicas.sample(message))
            case LearnOrder():
                replicas.learn(message)
            case SnapshotOrder():
                mail.send(DISPATCHER, replicas.state(message.ticket))
            case _:
                raise TypeError(f"rank {sender} sent {message!r} to a replica")


class Servers:
    """The parameter servers, seen from a replica's rank."""

    def __init__(self, mail: Mail, ranks: Ranks) -> None:
        self._mail = mail
        self._ranks = ranks

    def pull(self, ticket: int) -> tuple[int, Vector]:
        """All shards at one and the same version, the newest, with ``ticket`` applied."""
        held: dict[int, ShardValues] = {}
        behind = list(range(self._ranks.shards))
        while behind:
            for shard in behind:
                self._mail.send(self._ranks.of_shard(shard), Pull(shard, ticket))
            for _ in behind:
                _, values = self._mail.wait_for(lambda m: isinstance(m, ShardValues))
                held[values.shard] = values
            newest = max(values.version for values in held.values())
            behind = [shard for shard, values in held.items() if values.version < newest]
        return newest, np.concatenate([held[shard].values for shard in sorted(held)])

    def push(self, ticket: int, gradient: Vector) -> None:
        """Send every shard its part."""
        for shard, part in enumerate(shard_slices(gradient.size, self._ranks.shards)):
            self._mail.send(self._ranks.of_shard(shard), Push(shard, ticket, gradient[part]))


if __name__ == "__main__":
    main(*sys.argv[1:])
