"""The table of the final trainings, in the shape of the paper's (section 4.1, table 1).

Ours are measured, on test data; those of publications are quoted, and marked so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from nas_hpc.report.arms import title
from nas_hpc.report.published import PUBLISHED
from nas_hpc.report.retraining import Spread
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import write_csv
from nas_hpc.report.words import UNKNOWN

COLUMNS = (
    "model",
    "layers",
    "parameters",
    "test_error_percent",
    "test_error_sd",
    "seeds",
    "quoted_from",
)
VARIANTS = {
    "more-filters": "40 more filters in every layer",
    "no-skips": "all skip connections removed",
    "dense": "densely connected",
}
QUOTED = (
    "Quoted numbers are those of the publications, not measured here; augmentation, epochs and "
    "what was tuned differ between them."
)


@dataclass(frozen=True)
class Row:
    """A model.

    Attributes:
        model: in words.
        layers: None if they cannot be counted.
        parameters: None if unknown.
        error: on test data, in percent; None before it is known.
        quoted_from: the publication; empty for ours.
    """

    model: str
    layers: int | None
    parameters: float | None
    error: Spread | None
    quoted_from: str = ""


def rows(findings: Findings) -> list[Row]:
    """Ours first: what was found, then its variants; then the published ones that are asked for."""
    retraining, retrain = findings.retraining, findings.experiment.retrain
    ours = []
    if retraining.chosen:
        strategy = title(findings.experiment.search.strategy)
        name = f"{findings.experiment.name}, {strategy}, trial {retraining.chosen['trial']}"
        layers = layers_of(findings.architecture)
        ours = [_ours(name, layers, retraining.final)] + [
            _ours(f"… {VARIANTS[variant]}", layers, retraining.variants.get(variant, []))
            for variant in retrain.variants
        ]
    quoted = PUBLISHED.get(findings.experiment.report.published or "", ())
    return ours + [
        Row(
            row.model,
            row.layers,
            None if row.parameters is None else 1e6 * row.parameters,
            Spread(row.error, None, 1),
            row.source,
        )
        for row in quoted
    ]


def layers_of(architecture: Any) -> int | None:
    """Layers of an architecture, given as JSON data; None of types that have none.

    As the paper counts them: without the pooling between blocks, and without the classifier.
    """
    if isinstance(architecture, Mapping):
        match architecture.get("type"):
            case "ConvNet":
                return len(architecture["layers"])
            case "BlockNet":
                return sum(block["layers"] for block in architecture["blocks"])
            case "Tuned":
                return layers_of(architecture["architecture"])
    return None


def write_final(path: Path, findings: Findings) -> None:
    """Write the table as CSV; what is not known is left empty."""
    write_csv(path, COLUMNS, [_values(row) for row in rows(findings)])


def final_table(findings: Findings) -> str:
    """The table in Markdown; empty before anything is known of it."""
    shown = rows(findings)
    if not any(not row.quoted_from for row in shown):
        return ""
    lines = [
        [
            row.model,
            UNKNOWN if row.layers is None else str(row.layers),
            _count(row.parameters),
            _percent(row.error, measured=not row.quoted_from),
            f"quoted: {row.quoted_from}" if row.quoted_from else "measured",
        ]
        for row in shown
    ]
    headers = ("Model", "Layers", "Parameters", "Test error, % (mean ± SD)", "")
    table = tabulate(lines, headers, tablefmt="github", disable_numparse=True)
    notes = [QUOTED] if findings.experiment.report.published else []
    return "\n\n".join(["## Final training", table, *notes]) + "\n"


def _ours(model: str, layers: int | None, runs: Sequence[Mapping[str, Any]]) -> Row:
    tested = [run for run in runs if run["status"] == "ok"]
    parameters = next((run["parameters"] for run in tested if run.get("parameters")), None)
    errors = [100 * (1 - run["test_accuracy"]) for run in tested]
    return Row(model, layers, parameters, Spread.of(errors))


def _values(row: Row) -> dict[str, Any]:
    error = row.error
    measured = error is not None and not row.quoted_from
    return {
        "model": row.model,
        "layers": row.layers,
        "parameters": None if row.parameters is None else round(row.parameters),
        "test_error_percent": None if error is None else round(error.mean, 4),
        "test_error_sd": None if error is None or error.sd is None else round(error.sd, 4),
        "seeds": error.n if error is not None and measured else None,
        "quoted_from": row.quoted_from,
    }


def _percent(error: Spread | None, measured: bool) -> str:
    if error is None:
        return UNKNOWN
    around = "" if error.sd is None else f" ± {error.sd:.2f}"
    return f"{error.mean:.2f}{around}" + (f" (n = {error.n})" if measured else "")


def _count(parameters: float | None) -> str:
    if parameters is None:
        return UNKNOWN
    return f"{parameters / 1e6:.1f}M" if parameters >= 1e6 else f"{parameters:,.0f}"
