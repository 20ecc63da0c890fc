"""What proposes architectures and learns from their rewards. Importing this imports no torch."""

from nas_hpc.policies.adam import Adam
from nas_hpc.policies.baseline import Baseline
from nas_hpc.policies.registry import is_replicated, make
from nas_hpc.policies.strategy import Lesson, Proposal, Request, Strategy
from nas_hpc.policies.theta import Layout, initial, shard_slices

__all__ = [
    "Adam",
    "Baseline",
    "Layout",
    "Lesson",
    "Proposal",
    "Request",
    "Strategy",
    "initial",
    "is_replicated",
    "make",
    "shard_slices",
]
