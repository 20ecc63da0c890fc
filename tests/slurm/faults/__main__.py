"""``python -m tests.slurm.faults``: every fault at random instants, and a table of what it did."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.slurm.faults.fault import go_through
from tests.slurm.faults.table import FAULTS, written
from tests.slurm.lab import Cluster, Layout


def main() -> int:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="python -m tests.slurm.faults", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="each fault so often [default: 1]")
    parser.add_argument(
        "--seed", type=int, default=time.time_ns() % 10**6, help="of the first time"
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--long", action="store_true", help="faults that last take their time")
    parser.add_argument("--cluster", type=Path, default=Layout.folder, help="its folder")
    parser.add_argument("--port", type=int, default=Layout.port, help="its first port")
    asked = parser.parse_args()
    cluster = Cluster(Layout(asked.cluster.resolve(), asked.port))
    was_up = cluster.is_up()
    rows = []
    try:
        cluster.up(link=cluster.layout == Layout())
        for seed in range(asked.seed, asked.seed + asked.times):
            for fault in (fault for fault in FAULTS if fault.name in asked.only):
                folder = Path(tempfile.mkdtemp(prefix="fault-"))
                print(f"{fault.name}, seed {seed}, in {folder} ...", flush=True)
                rows.append(go_through(fault, cluster, folder, seed, asked.long))
                print(f"  {'; '.join(rows[-1].broken) or 'kept'}", flush=True)
    finally:
        if rows:
            print(written(rows))
        if not was_up:
            cluster.down()
    return 1 if any(row.broken for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
