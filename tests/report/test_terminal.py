import io

import pytest
from rich.console import Console

from nas_hpc.report import terminal
from nas_hpc.report.terminal import show
from tests.report.laboratory import Course, experiment_in, make_search


def shown(experiment, count: int = 3) -> str:
    screen = io.StringIO()
    show(experiment, count, Console(file=screen, width=100))
    return screen.getvalue()


def test_the_best_and_what_came_of_them(finished, monkeypatch):
    experiment, results = finished
    monkeypatch.setattr(terminal, "RESULTS", results.parent)
    text = shown(experiment)
    assert "Test accuracy: 0.9560 ± 0.0046 (n = 3)" in text
    assert "Trial 0, chosen for the final training:" in text
    assert "  layer 3: " in text
    assert "REINFORCE: 40 of 40 trials; failures: " in text
    assert f"Summary: {results / 'summary.md'}" in text
    assert f"Figures: {results / 'figures'}" in text


@pytest.mark.parametrize("count", [1, 4])
def test_as_many_architectures_as_asked_for(tmp_path, count, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = experiment_in(tmp_path)
    make_search(experiment, "reinforce", Course(5, ends=""))
    text = shown(experiment, count)
    assert text.count("×") and text.count("  trial ") - text.count("  trial   reward") == count
    assert "Test accuracy: not known before the final training has ended" in text
    assert "REINFORCE is unfinished: 5 of 30 trials so far." in text
    assert "nas-hpc analyse lab" in text


def test_nothing_has_begun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "REINFORCE has not begun." in shown(experiment_in(tmp_path))
