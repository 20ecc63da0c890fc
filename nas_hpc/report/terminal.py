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
from nas_hpc.report.arms import title
from nas_hpc.report.portraits import portrait_of
from nas_hpc.report.summary import Findings, summarise_arm
from nas_hpc.report.task import described
from nas_hpc.report.words import UNKNOWN, counts, measured, number

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
    about = f": {experiment.title}" if experiment.title else ""
    console.print(f"[bold]{escape(experiment.name)}[/]{escape(about)}")
    if data := described(experiment):
        console.print(escape(data))
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
    heading = f"Best architectures of {findings.search.title}"
    table = Table(title=heading, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    name = findings.measure.name
    for column in ("trial", "reward", "with new seeds", f"validation {name}", "parameters"):
        table.add_column(column, justify="right")
    lines = []
    for row in findings.search.ranking[:count]:
        again = findings.retraining.rescores.get(row.trial)
        table.add_row(
            str(row.trial),
            number(row.reward),
            str(again) if again else UNKNOWN,
            measured(name, row.validation),
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
    name = findings.measure.name
    if not final.test:
        console.print(f"[bold]Test {name}[/]: not known before the final training has ended")
        return
    console.print(f"[bold]Test {name}[/]: {measured(name, final.test)}")
    validation = measured(name, final.validation)
    console.print(f"[bold]Validation {name}[/] of the same runs: {validation}")
    for one in findings.retrainings[1:]:
        contender = escape(title(one.contender))
        console.print(f"[bold]Test {name}[/] of {contender}: {measured(name, one.test)}")


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
