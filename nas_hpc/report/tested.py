"""What was trained in the end and scored on test data: what was found, and what stands beside it.

Results are as the paper reports them: an image classifier's error in percent, a language model's
perplexity. Of both, less is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nas_hpc.experiment import Experiment
from nas_hpc.experiment.measure import ACCURACY, PERPLEXITY, Measure
from nas_hpc.report.arms import title
from nas_hpc.report.measures import form
from nas_hpc.report.retraining import Retraining
from nas_hpc.report.summary import Findings

VARIANTS = {
    "more-filters": "40 more filters in every layer",
    "no-skips": "all skip connections removed",
    "dense": "densely connected",
    "shared-embeddings": "shared embeddings, the same hidden size",
    "large-shared-embeddings": "shared embeddings, 54/32 of the parameters",
}


class Scale(NamedTuple):
    """How results on test data are reported.

    Attributes:
        heading: of a column or an axis.
        column: in a CSV table.
        deviation: the column of the standard deviation.
        of: from the child's metric.
        form: of a number, as `format` understands it, given one of about its size.
    """

    heading: str
    column: str
    deviation: str
    of: Callable[[float], float]
    form: Callable[[float], str]


ERROR = Scale(
    "Test error, %",
    "test_error_percent",
    "test_error_sd",
    lambda accuracy: 100 * (1 - accuracy),
    lambda error: ".2f",
)
TEST_PERPLEXITY = Scale(
    "Test perplexity",
    "test_perplexity",
    "test_perplexity_sd",
    lambda perplexity: perplexity,
    lambda perplexity: form(PERPLEXITY.name, perplexity),
)


def scale_of(measure: Measure) -> Scale:
    """The scale on which the paper reports a measure."""
    return ERROR if measure is ACCURACY else TEST_PERPLEXITY


@dataclass(frozen=True)
class Tested:
    """One model of the final training.

    Attributes:
        model: in words.
        architecture: as JSON data; None if unknown.
        parameters: None if unknown.
        results: on test data, one for each seed whose training ended well, see `Scale`.
        failed: trainings that did not.
    """

    model: str
    architecture: Any
    parameters: float | None
    results: tuple[float, ...]
    failed: int

    @classmethod
    def of(
        cls, model: str, architecture: Any, measure: Measure, runs: Sequence[Mapping[str, Any]]
    ) -> Tested:
        """Of the files that the final training has published."""
        well = [run for run in runs if run["status"] == "ok"]
        scale = scale_of(measure)
        return cls(
            model=model,
            architecture=architecture,
            parameters=next((run["parameters"] for run in well if run.get("parameters")), None),
            results=tuple(scale.of(run[measure.test]) for run in well),
            failed=len(runs) - len(well),
        )


def tested(findings: Findings) -> list[Tested]:
    """What was found, its variants, then each contender beside it, as far as they are chosen."""
    models = []
    for one in findings.retrainings:
        if one.chosen:
            architecture = one.chosen.get("architecture")
            name = model_of(findings.experiment, one)
            named = {name: one.final} | {
                f"… {VARIANTS[variant]}": runs for variant, runs in one.variants.items()
            }
            models += [
                Tested.of(model, architecture, one.measure, runs) for model, runs in named.items()
            ]
    return models


def model_of(experiment: Experiment, retraining: Retraining) -> str:
    """A contender in words: by whom it was found, unless no search had to find it."""
    if retraining.strategy is None:
        return title(retraining.contender)
    strategy, trial = title(retraining.strategy), retraining.chosen["trial"]
    return f"{experiment.name}, {strategy}, trial {trial}"
