"""The best architectures of an experiment and what came of them, on a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from nas_hpc.experiment import Experiment
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.summary import Findings, summarise_arm
from nas_hpc.report.words import UNKNOWN, counts, number

RESULTS = Path("analysis")
PRODUCTS = {
    "Report": "report.html",
    "Summary": "summary.md",
    "Trials": "trials.csv",
    "Final training": "retrain.csv",
    "Figures": "figures",
    "Best architecture": "best.svg",
}
"""What may lie in the folder of an experiment's results."""


def show(experiment: Experiment, count: int, console: Console | None = None) -> None:
    """See `nas_hpc.report.show`."""
    console = console or Console(highlight=False)
    findings = Findings.of(experiment)
    title = f": {experiment.title}" if experiment.title else ""
    console.print(f"[bold]{escape(experiment.name)}[/]{escape(title)}")
    for sentence in findings.unfinished:
        console.print(f"[yellow]{escape(sentence)}[/]")
    if findings.search and findings.search.ranking:
        console.print(_ranking(findings, count))
        _best(console, findings)
    for arm in findings.arms:
        console.print(f"[bold]{escape(arm.title)}[/]: {escape(_record(summarise_arm(arm)))}")
    _places(console, RESULTS / experiment.name, experiment.name)


def _ranking(findings: Findings, count: int) -> Group:
    assert findings.search is not None
    title = f"Best architectures of {findings.search.title}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in ("trial", "reward", "with new seeds", "validation accuracy", "parameters"):
        table.add_column(name, justify="right")
    lines = []
    for row in findings.search.ranking[:count]:
        again = findings.retraining.rescores.get(row.trial)
        table.add_row(
            str(row.trial),
            number(row.reward),
            str(again) if again else UNKNOWN,
            number(row.validation_accuracy),
            number(row.parameters, ","),
        )
        architecture = json.loads(row.architecture)
        lines.append(f"  trial {row.trial}: {portrait_of(architecture).line(architecture)}")
    return Group(table, escape("\n".join(lines)), "")


def _best(console: Console, findings: Findings) -> None:
    best, final = findings.best, findings.retraining
    assert best is not None
    architecture = findings.architecture
    kind = "chosen for the final training" if final.chosen else "the best so far"
    console.print(f"[bold]Trial {best.trial}[/], {kind}:")
    for line in portrait_of(architecture).words(architecture, findings.task):
        console.print(f"  {escape(line)}")
    if final.test_accuracy:
        console.print(f"[bold]Test accuracy[/]: {final.test_accuracy}")
        console.print(f"[bold]Validation accuracy[/] of the same runs: {final.validation_accuracy}")
    else:
        console.print("[bold]Test accuracy[/]: not known before the final training has ended")


def _record(arm: dict[str, Any]) -> str:
    duplicates = f"duplicates {arm['duplicates']} ({number(arm['duplicate_rate'], '.0%')})"
    return (
        f"{arm['trials']} of {arm['trials_asked_for']} trials; "
        f"failures: {counts(arm['failures_by_status'])}; "
        f"samples {arm['samples']}, {duplicates}; "
        f"{arm['ended'] or 'has not ended'}"
    )


def _places(console: Console, results: Path, name: str) -> None:
    found = {what: results / file for what, file in PRODUCTS.items() if (results / file).exists()}
    for what, path in found.items():
        console.print(f"{what}: {path}", soft_wrap=True)
    if not found:
        console.print(f"No tables or figures yet; to make them: nas-hpc analyse {name}")
