"""Tables and figures: of an experiment, finished or not, and of independent repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from nas_hpc.experiment import Experiment
from nas_hpc.report import activity_figures, final_figure, retrain_figures, reward_figures
from nas_hpc.report.final_table import final_table, write_final
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.repeats import Repeats
from nas_hpc.report.repeats_figure import repeats_figure
from nas_hpc.report.repeats_table import repeats_table, write_repeats
from nas_hpc.report.style import footnote, save, styled, text_figure
from nas_hpc.report.summary import Findings, summary
from nas_hpc.report.tables import write_grid, write_trials
from nas_hpc.report.top_models import write_top_models
from nas_hpc.report.top_models_figure import top_models_figure
from nas_hpc.report.transfer_table import transfer_tables, write_transfer
from nas_hpc.report.trials import TrialRow
from nas_hpc.report.words import markdown, measured, number
from nas_hpc.store.durable import write_durably, write_json

FIGURES: dict[str, Callable[[Findings], Figure]] = {
    "reward_by_trial": lambda findings: reward_figures.reward_by_trial(findings.arms),
    "reward_by_time": lambda findings: reward_figures.reward_by_time(findings.arms),
    "reward_distribution": lambda findings: reward_figures.reward_distribution(findings.arms),
    "top_models": top_models_figure,
    "entropy_and_duplicates": lambda found: activity_figures.entropy_and_duplicates(found.arms),
    "slots_busy": lambda findings: activity_figures.slots_busy(findings.arms),
    "rescore": retrain_figures.rescore,
    "grid": retrain_figures.grid,
    "final": final_figure.final,
}
"""Every figure by the name of its files."""

OF_TRAINING = ("rescore", "grid", "final")
"""Those that show the final training; the others show the search."""


def analyse(experiment: Experiment, results: Path) -> None:
    """See `nas_hpc.report.analyse`."""
    (results / "figures").mkdir(parents=True, exist_ok=True)
    findings = Findings.of(experiment)
    facts = summary(findings)
    write_trials(results / "trials.csv", findings)
    write_top_models(results / "top_models.csv", findings)
    write_grid(results / "retrain.csv", findings)
    write_json(results / "summary.json", facts)
    write_final(results / "final.csv", findings)
    sections = [markdown(facts), final_table(findings)]
    if experiment.retrain.transfer:
        write_transfer(results / "transfer.csv", findings)
        sections.append(transfer_tables(findings))
    text = "\n".join(filter(None, sections))
    _write(results / "summary.md", text)
    with styled():
        for name, make in FIGURES.items():
            figure = make(findings)
            footnote(figure, findings.training if name in OF_TRAINING else findings.searching)
            save(figure, results / "figures" / name, "png", "pdf")
        save(_diagram(findings), results / "best", "svg", "png")


def compare(
    first: Sequence[Experiment], second: Sequence[Experiment], contender: str, results: Path
) -> None:
    """See `nas_hpc.report.compare`."""
    repeats = Repeats.of(first, second, contender)
    results.mkdir(parents=True, exist_ok=True)
    write_repeats(results / "repeats.csv", repeats)
    _write(results / "repeats.md", repeats_table(repeats))
    with styled():
        save(repeats_figure(repeats), results / "repeats", "png", "pdf")


def _diagram(findings: Findings) -> Figure:
    best = findings.best
    if best is None:
        return text_figure(f"{findings.experiment.name}: no network has been trained yet", [])
    architecture = findings.architecture
    heading = f"{findings.experiment.name}: trial {best.trial}, {_score(findings, best)}"
    return portrait_of(architecture).draw(architecture, findings.task, heading)


def _score(findings: Findings, best: TrialRow) -> str:
    """The most telling number that is known of the best architecture."""
    name = findings.measure.name
    if findings.retraining.test:
        return f"test {name} {measured(name, findings.retraining.test)}"
    if best.validation is not None:
        return f"validation {name} {measured(name, best.validation)} in the search"
    return f"reward {number(best.reward)} in the search"


def _write(path: Path, text: str) -> None:
    def put(temporary: Path) -> None:
        temporary.write_text(text)

    write_durably(path, put)
