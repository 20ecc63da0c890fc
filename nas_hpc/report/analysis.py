"""Tables, figures and the diagram of an experiment, finished or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from nas_hpc.experiment import Experiment
from nas_hpc.report import activity_figures, retrain_figures, reward_figures
from nas_hpc.report.final_table import final_table, write_final
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.style import footnote, save, styled, text_figure
from nas_hpc.report.summary import Findings, summary
from nas_hpc.report.tables import write_grid, write_trials
from nas_hpc.report.trials import TrialRow
from nas_hpc.report.words import markdown
from nas_hpc.store.durable import write_durably, write_json

FIGURES: dict[str, Callable[[Findings], Figure]] = {
    "reward_by_trial": lambda findings: reward_figures.reward_by_trial(findings.arms),
    "reward_by_time": lambda findings: reward_figures.reward_by_time(findings.arms),
    "reward_distribution": lambda findings: reward_figures.reward_distribution(findings.arms),
    "entropy_and_duplicates": lambda found: activity_figures.entropy_and_duplicates(found.arms),
    "slots_busy": lambda findings: activity_figures.slots_busy(findings.arms),
    "rescore": retrain_figures.rescore,
    "grid": retrain_figures.grid,
}
"""Every figure by the name of its files."""

OF_TRAINING = ("rescore", "grid")
"""Those that show the final training; the others show the search."""


def analyse(experiment: Experiment, results: Path) -> None:
    """See `nas_hpc.report.analyse`."""
    (results / "figures").mkdir(parents=True, exist_ok=True)
    findings = Findings.of(experiment)
    facts = summary(findings)
    write_trials(results / "trials.csv", findings)
    write_grid(results / "retrain.csv", findings)
    write_json(results / "summary.json", facts)
    write_final(results / "final.csv", findings)
    text = "\n".join(filter(None, [markdown(facts), final_table(findings)]))
    write_durably(results / "summary.md", lambda temporary: _put(temporary, text))
    with styled():
        for name, make in FIGURES.items():
            figure = make(findings)
            footnote(figure, findings.training if name in OF_TRAINING else findings.searching)
            save(figure, results / "figures" / name, "png", "pdf")
        save(_diagram(findings), results / "best", "svg", "png")


def _diagram(findings: Findings) -> Figure:
    best = findings.best
    if best is None:
        return text_figure(f"{findings.experiment.name}: no network has been trained yet", [])
    architecture = findings.architecture
    heading = f"{findings.experiment.name}: trial {best.trial}, {_score(findings, best)}"
    return portrait_of(architecture).draw(architecture, findings.task, heading)


def _score(findings: Findings, best: TrialRow) -> str:
    """The most telling number that is known of the best architecture."""
    if findings.retraining.test_accuracy:
        return f"test accuracy {findings.retraining.test_accuracy}"
    if best.validation_accuracy is not None:
        return f"validation accuracy {best.validation_accuracy:.3f} in the search"
    return f"reward {best.reward:.3f} in the search"


def _put(path: Path, text: str) -> None:
    path.write_text(text)
