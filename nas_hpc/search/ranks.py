"""Which MPI rank plays which role, and what it carries."""

from __future__ import annotations

from dataclasses import dataclass

from nas_hpc.experiment import Experiment

DISPATCHER = 0


@dataclass(frozen=True)
class Ranks:
    """The roles of a search: rank 0 dispatches, then come servers, then replicas.

    Shards and replicas are dealt round-robin, so that any number of either fits on few ranks.
    A single strategy has no servers and one replica, which keeps its own state.

    Attributes:
        server_ranks, replica_ranks: how many ranks of each role.
        shards, replicas: what they carry.
    """

    server_ranks: int
    replica_ranks: int
    shards: int
    replicas: int

    @classmethod
    def of(cls, experiment: Experiment, replicated: bool) -> Ranks:
        """The roles that an experiment asks for."""
        search = experiment.search
        if not replicated:
            return cls(server_ranks=0, replica_ranks=1, shards=0, replicas=1)
        return cls(search.server_ranks, search.replica_ranks, search.shards, search.replicas)

    @property
    def size(self) -> int:
        """Ranks in all."""
        return 1 + self.server_ranks + self.replica_ranks

    @property
    def others(self) -> range:
        """All but the dispatcher."""
        return range(1, self.size)

    @property
    def server_group(self) -> range:
        """The ranks that carry shards."""
        return range(1, 1 + self.server_ranks)

    @property
    def replica_group(self) -> range:
        """The ranks that carry replicas."""
        return range(1 + self.server_ranks, self.size)

    @property
    def keepers(self) -> range:
        """The ranks whose state a checkpoint consists of."""
        return self.server_group if self.server_ranks else self.replica_group

    def of_shard(self, shard: int) -> int:
        """The rank that carries a shard."""
        return 1 + shard % self.server_ranks

    def of_replica(self, replica: int) -> int:
        """The rank that carries a replica."""
        return 1 + self.server_ranks + replica % self.replica_ranks

    def shards_of(self, rank: int) -> range:
        """The shards that a server rank carries."""
        return range(rank - 1, self.shards, self.server_ranks)
