"""The throw-away Slurm that the tests here run on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.lab import Cluster, Layout, obstacle


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """The cluster that ``make slurm-up`` left, else one of this session alone.

    Where several processes share the tests, each has its own, and disturbs nobody.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        yield from brought_up(Layout())
        return
    number = 1 + int(worker.removeprefix("gw"))
    own = Layout(Path(f"{Layout.folder}-{number}"), Layout.port + 100 * number)
    os.environ["SLURM_CONF"] = str(own.slurm_conf)
    yield from brought_up(own)


@pytest.fixture
def linked_slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The machine's own, for programs that drop ``SLURM_CONF``; one test at a time may use it."""
    monkeypatch.delenv("SLURM_CONF", raising=False)
    yield from brought_up(Layout())


def brought_up(layout: Layout) -> Iterator[Cluster]:
    if reason := obstacle():
        pytest.skip(reason)
    cluster = Cluster(layout)
    was_up = cluster.is_up()
    try:
        cluster.up(link=layout == Layout())
        yield cluster
    finally:
        if not was_up:
            cluster.down()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first, since the others go on beside it."""
    items.sort(key=lambda item: "linked_slurm" not in getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What the cluster says goes with the report of a test that failed: it is soon gone."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("slurm")
    if report.failed and cluster is not None and cluster.slurmctld.alive():
        commands = (("squeue", "--array"), ("sinfo", "--list-reasons"))
        log = cluster.layout.logs / "slurmctld.log"
        last = log.read_text(errors="replace").splitlines()[-40:]
        said = [*(cluster.run(*command) for command in commands), *last]
        report.sections.append(("cluster", "\n".join(said)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if reason := obstacle():
        terminalreporter.write_line(
            f"Every test that needs a Slurm was skipped: {reason}.", red=True
        )
