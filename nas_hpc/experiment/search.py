"""How a search is carried out: by which strategy, and by how many processes."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from nas_hpc.experiment.strict import Positive, Rate, Strict


class Search(Strict):
    """The distributed search (paper, section 3.2)."""

    strategy: str = "reinforce"
    """``reinforce``, ``random``, or your own."""

    replicas: Positive = 100
    """Controller replicas, K."""

    shards: Positive = 20
    """Parameter-server shards, S."""

    children_per_replica: Positive = 8
    """Children of a replica's batch, m."""

    mode: Literal["paper", "barrier-free"] = "paper"
    """``paper``: a replica waits for all m children before it learns and samples again.
    ``barrier-free``: it replaces each finished child at once and learns from m as they finish."""

    replica_ranks: Positive = 4
    """MPI ranks that carry the replicas, several each; at most ``replicas``."""

    server_ranks: Positive = 2
    """MPI ranks that carry the shards, several each; at most ``shards``."""

    checkpoint_seconds: Rate = 30.0
    """Between two checkpoints of the controller."""

    @model_validator(mode="after")
    def _ranks_carry_something(self) -> Search:
        if self.replica_ranks > self.replicas:
            raise ValueError(f"replica_ranks must be at most replicas ({self.replicas})")
        if self.server_ranks > self.shards:
            raise ValueError(f"server_ranks must be at most shards ({self.shards})")
        return self
