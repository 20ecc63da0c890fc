"""Figures of how a search went about it, of searches that are odd."""

from pathlib import Path

import pytest

from nas_hpc.report.activity_figures import PERIODS, slots_busy
from nas_hpc.report.analysis import FIGURES
from nas_hpc.report.style import styled
from nas_hpc.report.summary import Findings
from nas_hpc.store import Event, Record
from tests.report.laboratory import START, experiment_in, outcome, record, sample


def in_no_time(folder: Path, trials: int) -> Findings:
    """What is found of a search whose clock stood still."""
    experiment = experiment_in(folder)
    records: list[Record] = [Event("started", "process 1 on lab", START)]
    records += [sample(i, time=START) for i in range(trials)]
    records += [outcome(i, started=START, ended=START, seconds=0.0) for i in range(trials)]
    record(experiment, "reinforce", records)
    return Findings.of(experiment)


@pytest.mark.parametrize("trials", [1, 3, PERIODS + 1])
def test_trials_that_took_no_time_break_no_figure(tmp_path: Path, trials: int) -> None:
    findings = in_no_time(tmp_path, trials)
    with styled():
        for make in FIGURES.values():
            make(findings).draw_without_rendering()
        assert findings.search is not None
        (axes,) = slots_busy([findings.search]).axes
    assert axes.get_title(loc="left") == "REINFORCE: 2 slots"
    assert [text.get_text() for text in axes.texts] == ["No trial has taken any time"]
