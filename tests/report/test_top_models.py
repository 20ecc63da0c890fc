"""The best models of two strategies after equally many samples, in numbers and drawn."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nas_hpc.report.arms import Arm
from nas_hpc.report.style import styled
from nas_hpc.report.summary import Findings
from nas_hpc.report.top_models import top_models, write_top_models
from nas_hpc.report.top_models_figure import top_models_figure
from nas_hpc.store import Outcome, Record, Sample, SearchLog
from tests.report.laboratory import experiment_in, language_in, outcome, record, sample

# Sample 1 is sample 0 again, 3 fails with a reward above all others.
SEARCH: list[Record] = [
    *(sample(number) for number in (0, 2, 3, 4, 5, 6)),
    sample(1, trial=0),
    outcome(6, 0.3),
    outcome(3, 5.0, status="diverged"),
    *(outcome(trial, reward) for trial, reward in ((0, 0.5), (2, 0.9), (4, 0.7), (5, 0.1))),
]
# Samples 0 and 3 differ and are equally good, 6 is in flight, 7 is one more than the search has.
OTHER: list[Record] = [
    *(sample(number) for number in range(8)),
    *(outcome(trial, reward) for trial, reward in enumerate((0.2, 0.4, 0.6, 0.2, 0.1, 0.8))),
    outcome(7, 0.99),
]


def arm_of(place: Path, strategy: str, records: Sequence[Record], budget: int = 30) -> Arm:
    samples = tuple(one for one in records if isinstance(one, Sample))
    outcomes = tuple(one for one in records if isinstance(one, Outcome))
    log = SearchLog(samples, outcomes)
    return Arm(strategy, experiment_in(place, budget={"trials": budget}), log)


def only_samples(place: Path, count: int, budget: int) -> Arm:
    return arm_of(place, "any", [sample(number) for number in range(count)], budget)


def test_the_means_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    found = top_models(arm_of(tmp_path, "reinforce", SEARCH), arm_of(tmp_path, "random", OTHER))
    assert {row.compared_with for row in found} == {"random"}
    first = [row for row in found if row.top == 1]
    assert [row.samples for row in first] == [1, 2, 3, 4, 5, 6, 7]
    assert [row.search_mean for row in first] == [0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9]
    assert [row.other_mean for row in first] == [0.2, 0.4, 0.6, 0.6, 0.6, 0.8, 0.8]
    assert [row.gap for row in first] == pytest.approx([0.3, 0.1, 0.3, 0.3, 0.3, 0.1, 0.1])
    fives = [row for row in found if row.top == 5]
    # 0.9 + 0.7 + 0.5 + 0.3 + 0.1 = 2.5; the other's first five 1.5, with 0.8 instead of 0.1 2.2.
    assert [row.search_mean for row in fives] == [None] * 6 + [pytest.approx(0.5)]
    assert [row.other_mean for row in fives[:4]] == [None] * 4
    assert [row.other_mean for row in fives[4:]] == pytest.approx([0.3, 0.44, 0.44])
    assert [row.gap for row in fives] == [None] * 6 + [pytest.approx(0.06)]
    assert all(row.search_mean is row.other_mean is row.gap is None for row in found[2::3])


def test_fifteen_of_many_are_those_of_a_plain_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arms, plain = [], []
    for strategy in ("reinforce", "random"):
        seen: dict[int, float] = {}
        records: list[Record] = []
        best = []
        for number in range(200):
            if seen and rng.random() < 0.4:
                records.append(sample(number, trial=int(rng.choice([*seen]))))
            else:
                seen[number] = float(rng.random())
                records += [sample(number), outcome(number, seen[number])]
            best.append(sorted(seen.values())[-15:])
        arms.append(arm_of(tmp_path, strategy, records, budget=320))
        plain.append([sum(few) / 15 if len(few) == 15 else None for few in best])
    rows = [row for row in top_models(*arms) if row.top == 15]
    assert [row.samples for row in rows] == [*range(10, 201, 10)]
    for row in rows:
        expected = [means[row.samples - 1] for means in plain]
        assert [row.search_mean, row.other_mean] == pytest.approx(expected)
    assert rows[0].gap is None and rows[-1].gap is not None


@pytest.mark.parametrize(
    ("budget", "samples", "counts"),
    [
        (12_800, 900, [400, 800, 900]),
        (15_000, 800, [400, 800]),
        (96, 10, [3, 6, 9, 10]),
        (8, 3, [1, 2, 3]),
        (12_800, 2, [2]),
        (12_800, 0, []),
    ],
)
def test_steps_are_the_papers_or_shorter_and_reach_the_last_sample(
    tmp_path: Path, budget: int, samples: int, counts: list[int]
) -> None:
    found = top_models(
        only_samples(tmp_path, samples, budget), only_samples(tmp_path, samples + 500, budget)
    )
    assert [row.samples for row in found if row.top == 1] == counts


def compared(folder: Path, *others: str) -> Findings:
    """What is found of the search above and of others, all of which have recorded the same."""
    experiment = experiment_in(folder, compare_with=others)
    record(experiment, "reinforce", SEARCH)
    for other in others:
        record(experiment, other, OTHER)
    return Findings.of(experiment)


def table_of(findings: Findings, path: Path) -> list[dict[str, str]]:
    write_top_models(path, findings)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_all_strategies_and_leaves_empty_what_has_no_value(tmp_path: Path) -> None:
    rows = table_of(compared(tmp_path, "random", "evolution"), tmp_path / "top_models.csv")
    assert [row["compared_with"] for row in rows] == ["random"] * 21 + ["evolution"] * 21
    last = [row for row in rows if row["compared_with"] == "evolution"][-3:]
    assert [(row["samples"], row["top"]) for row in last] == [("7", "1"), ("7", "5"), ("7", "15")]
    assert [row["search_mean"] for row in last] == ["0.9", "0.5", ""]
    assert float(last[1]["gap"]) == pytest.approx(0.06)
    assert last[2]["gap"] == ""


def test_the_table_has_its_columns_before_anything_has_begun(tmp_path: Path) -> None:
    path = tmp_path / "top_models.csv"
    assert table_of(Findings.of(experiment_in(tmp_path)), path) == []
    assert path.read_text() == "compared_with,samples,top,search_mean,other_mean,gap\n"


def drawn(findings: Findings) -> Figure:
    with styled():
        figure = top_models_figure(findings)
        figure.draw_without_rendering()
    return figure


def texts(figure: Figure) -> list[list[str]]:
    return [[text.get_text() for text in axes.texts] for axes in figure.axes]


def points(line: Line2D) -> np.ndarray:
    """x and y of each [n, 2]."""
    return np.asarray(line.get_xydata())


def test_a_panel_for_each_strategy_with_the_gaps_and_zero(tmp_path: Path) -> None:
    figure = drawn(compared(tmp_path, "random", "evolution"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Mean of the best models: REINFORCE less random search",
        "Mean of the best models: REINFORCE less evolution",
    ]
    assert texts(figure) == [["top 5: +0.0600", "top 1: +0.100"]] * 2
    zero, first, five = figure.axes[1].lines
    assert points(zero)[:, 1].tolist() == [0, 0]
    gaps = [0.3, 0.1, 0.3, 0.3, 0.3, 0.1, 0.1]
    assert points(first) == pytest.approx(np.array([*enumerate(gaps, 1)]))
    assert points(five) == pytest.approx(np.array([[7, 0.06]]))
    assert five.get_marker() == "o"  # a line of one point would not be seen


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    nothing = [["Nothing to compare yet"]]
    experiment = experiment_in(tmp_path)
    assert texts(drawn(Findings.of(experiment))) == nothing
    record(experiment, "random", OTHER)
    assert texts(drawn(Findings.of(experiment))) == nothing
    record(experiment, "reinforce", [sample(0), outcome(0, 0.0, status="diverged")])
    assert texts(drawn(Findings.of(experiment))) == nothing


def test_a_search_that_is_compared_with_nothing_promises_nothing(tmp_path: Path) -> None:
    assert texts(drawn(compared(tmp_path))) == [["No strategy to compare with"]]


def test_small_rewards_of_language_models_show_their_digits(tmp_path: Path) -> None:
    experiment = language_in(tmp_path)
    record(experiment, "reinforce", [sample(0), outcome(0, 80 / 120**2)])
    record(experiment, "random", [sample(0), outcome(0, 80 / 118**2)])
    # 0.0055556 - 0.0057455
    assert texts(drawn(Findings.of(experiment))) == [["top 1: −0.000190"]]
