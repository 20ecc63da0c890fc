"""The table of the final trainings, in the shape of the paper's (tables 1 and 2).

Ours are measured, on test data; those of publications are quoted, and marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from nas_hpc.report.published import PUBLISHED
from nas_hpc.report.retraining import Spread
from nas_hpc.report.summary import Findings
from nas_hpc.report.tables import write_csv
from nas_hpc.report.tested import ERROR, Scale, scale_of, tested
from nas_hpc.report.words import UNKNOWN

QUOTED = (
    "Quoted numbers are those of the publications, not measured here; {what} and what was tuned "
    "differ between them."
)
DIFFERENCES = {"cifar10": "augmentation, epochs", "ptb": "dropout, epochs"}
"""What differs between the publications, by the value of ``report.published``."""


@dataclass(frozen=True)
class Row:
    """A model.

    Attributes:
        model: in words.
        layers: None if they cannot be counted.
        parameters: None if unknown.
        result: on test data, on the scale of the paper; None before it is known.
        quoted_from: the publication; empty for ours.
    """

    model: str
    layers: int | None
    parameters: float | None
    result: Spread | None
    quoted_from: str = ""


def rows(findings: Findings) -> list[Row]:
    """Ours first, see `tested.tested`; then the published ones that are asked for."""
    ours = [
        Row(one.model, layers_of(one.architecture), one.parameters, Spread.of([*one.results]))
        for one in tested(findings)
    ]
    quoted = PUBLISHED.get(findings.experiment.report.published or "", ())
    return ours + [
        Row(
            row.model,
            row.layers,
            None if row.parameters is None else 1e6 * row.parameters,
            Spread(row.result, None, 1),
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
    scale = scale_of(findings.measure)
    shown = [_values(row, scale) for row in rows(findings)]
    columns = ["model", *_layered(scale, "layers"), "parameters", scale.column, scale.deviation]
    write_csv(path, [*columns, "seeds", "quoted_from"], shown)


def final_table(findings: Findings) -> str:
    """The table in Markdown; empty before anything is known of it."""
    shown, scale = rows(findings), scale_of(findings.measure)
    if not any(not row.quoted_from for row in shown):
        return ""
    lines = [
        [
            row.model,
            *_layered(scale, UNKNOWN if row.layers is None else str(row.layers)),
            _count(row),
            _result(row, scale),
            f"quoted: {row.quoted_from}" if row.quoted_from else "measured",
        ]
        for row in shown
    ]
    headers = ["Model", *_layered(scale, "Layers"), "Parameters", f"{scale.heading} (mean ± SD)"]
    table = tabulate(lines, [*headers, ""], tablefmt="github", disable_numparse=True)
    published = findings.experiment.report.published
    notes = [QUOTED.format(what=DIFFERENCES[published])] if published else []
    return "\n\n".join(["## Final training", table, *notes]) + "\n"


def _layered(scale: Scale, cell: str) -> list[str]:
    """A cell of the column of layers, which only the table of image classifiers has."""
    return [cell] if scale is ERROR else []


def _values(row: Row, scale: Scale) -> dict[str, Any]:
    result, layers = row.result, {"layers": row.layers} if scale is ERROR else {}
    measured = result is not None and not row.quoted_from
    return layers | {
        "model": row.model,
        "parameters": None if row.parameters is None else round(row.parameters),
        scale.column: None if result is None else round(result.mean, 4),
        scale.deviation: None if result is None or result.sd is None else round(result.sd, 4),
        "seeds": result.n if result is not None and measured else None,
        "quoted_from": row.quoted_from,
    }


def _result(row: Row, scale: Scale) -> str:
    if row.result is None:
        return UNKNOWN
    form = scale.form(row.result.mean)
    return format(row.result.mean, form) if row.quoted_from else format(row.result, form)


def _count(row: Row) -> str:
    if row.parameters is None:
        return UNKNOWN
    if row.quoted_from:
        return f"{row.parameters / 1e6:g}M"
    return f"{row.parameters / 1e6:.1f}M" if row.parameters >= 1e6 else f"{row.parameters:,.0f}"
