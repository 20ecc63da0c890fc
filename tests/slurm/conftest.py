"""The throw-away Slurm that the tests here run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slurm.lab import Cluster, obstacle


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """The cluster that ``make slurm-up`` left, else one of this session alone."""
    if reason := obstacle():
        pytest.skip(reason)
    cluster = Cluster()
    was_up = cluster.is_up()
    try:
        cluster.up()
        yield cluster
    finally:
        if not was_up:
            cluster.down()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if reason := obstacle():
        terminalreporter.write_line(
            f"Every test that needs a Slurm was skipped: {reason}.", red=True
        )
