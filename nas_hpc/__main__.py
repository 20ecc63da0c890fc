"""The command line: one sub-command for each step of the workflow, and some to look and to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="nas-hpc",
    help="Neural architecture search with reinforcement learning, on a cluster or one machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def commands() -> None:
    """Nothing of its own; it keeps sub-commands sub-commands, however few there are."""


@app.command(hidden=True)
def child(
    run: Annotated[Path, typer.Argument(help="Folder of the search.")],
    slot: Annotated[str, typer.Argument(help="Slot whose trials it trains.")],
) -> None:
    """Train trials for one slot; started by the slot."""
    from nas_hpc.children.process import main as train_for_slot

    train_for_slot(run, slot)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
