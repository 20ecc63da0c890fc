"""A throw-away Slurm of real daemons on one machine; see ``cluster``."""

from tests.slurm.lab.clients import Refused
from tests.slurm.lab.cluster import Cluster
from tests.slurm.lab.daemons import Trouble, until
from tests.slurm.lab.layout import GPUS_PER_NODE, NODES, Layout
from tests.slurm.lab.node import Node
from tests.slurm.lab.packages import obstacle

__all__ = [
    "GPUS_PER_NODE",
    "NODES",
    "Cluster",
    "Layout",
    "Node",
    "Refused",
    "Trouble",
    "obstacle",
    "until",
]
