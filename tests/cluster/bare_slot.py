"""A slot with `light_child` for a child; run as a program, without submitit around it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from nas_hpc.cluster import warm_child
from nas_hpc.cluster.task import run_task
from nas_hpc.store import RunFolder

LIGHT = str(Path(__file__).with_name("light_child.py"))


def command(folder: RunFolder, slot: str) -> list[str]:
    return [sys.executable, LIGHT, str(folder.root), slot]


def run_light_task(run_folder: str, slots: Sequence[str]) -> None:
    warm_child.command = command
    run_task(run_folder, slots)


if __name__ == "__main__":
    run_light_task(sys.argv[1], sys.argv[2:])
