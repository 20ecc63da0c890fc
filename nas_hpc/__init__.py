"""Neural architecture search with reinforcement learning, on a Slurm cluster or on one machine."""

__version__ = "0.1.0"
