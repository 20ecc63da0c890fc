"""A slot with `light_child` for a child; run as a program, without submitit around it."""

import sys
from pathlib import Path

from nas_hpc.cluster import warm_child
from nas_hpc.cluster.slot import run_slot
from nas_hpc.store import RunFolder

LIGHT = str(Path(__file__).with_name("light_child.py"))


def command(folder: RunFolder, slot: str) -> list[str]:
    return [sys.executable, LIGHT, str(folder.root), slot]


def run_light_slot(run_folder: str, name: str) -> None:
    warm_child.command = command
    run_slot(run_folder, name)


if __name__ == "__main__":
    run_light_slot(sys.argv[1], sys.argv[2])
