"""Between the parts of a cut, as the ranks send them, and the checkpoint in the store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nas_hpc.policies.theta import shard_slices
from nas_hpc.search.messages import Begin, ShardState, StrategyState
from nas_hpc.search.ranks import Ranks
from nas_hpc.store import Checkpoint

EMPTY = np.zeros(0)


def to_checkpoint(part: ShardState | StrategyState, shards: Mapping[int, ShardState]) -> Checkpoint:
    """The checkpoint of a complete cut: all shards right after one ticket, or a single strategy."""
    if isinstance(part, StrategyState):
        return Checkpoint(part.ticket, 0, EMPTY, EMPTY, EMPTY, EMPTY, 0, part.state)
    parts = [shards[i] for i in range(len(shards))]
    if {p.ticket for p in parts} != {part.ticket}:
        raise ValueError(f"shards at tickets {sorted({p.ticket for p in parts})} are not one cut")
    return Checkpoint(
        ticket=part.ticket,
        version=part.version,
        theta=np.concatenate([p.theta for p in parts]),
        first_moment=np.concatenate([p.first_moment for p in parts]),
        second_moment=np.concatenate([p.second_moment for p in parts]),
        accumulated=np.concatenate([p.accumulated for p in parts]),
        accumulated_count=part.accumulated_count,
        strategy="",
    )


def from_checkpoint(checkpoint: Checkpoint | None, ranks: Ranks) -> Begin:
    """What all ranks begin with; without a checkpoint they begin from scratch."""
    if checkpoint is None:
        return Begin(ticket=0)
    slices = shard_slices(checkpoint.theta.size, ranks.shards) if ranks.shards else []
    shards = tuple(
        ShardState(
            shard=number,
            ticket=checkpoint.ticket,
            version=checkpoint.version,
            theta=checkpoint.theta[part],
            first_moment=checkpoint.first_moment[part],
            second_moment=checkpoint.second_moment[part],
            accumulated=checkpoint.accumulated[part],
            accumulated_count=checkpoint.accumulated_count,
        )
        for number, part in enumerate(slices)
    )
    return Begin(checkpoint.ticket, shards, checkpoint.strategy)
