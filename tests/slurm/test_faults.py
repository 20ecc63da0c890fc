"""Every fault once, at a random instant, and at length ten times; see ``tests.slurm.faults``."""

import os
import time

import pytest

from tests.slurm.faults.fault import go_through
from tests.slurm.faults.table import FAULTS, written

pytestmark = [pytest.mark.slurm, pytest.mark.mpi]

SEED = int(os.environ.get("NAS_HPC_FAULT_SEED", time.time_ns() % 10**6))


def check(fault, cluster, folder, seed, long):
    print(f"NAS_HPC_FAULT_SEED={seed} repeats it")
    row = go_through(fault, cluster, folder, seed, long)
    print(written([row]))
    assert not row.broken


@pytest.mark.parametrize("fault", [f for f in FAULTS if not f.long], ids=lambda f: f.name)
def test_a_fault_costs_at_most_what_is_in_flight(fault, slurm, tmp_path):
    check(fault, slurm, tmp_path, SEED, long=False)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
@pytest.mark.parametrize("turn", range(10))
def test_faults_at_length(fault, turn, slurm, tmp_path):
    check(fault, slurm, tmp_path, SEED + turn, long=True)
