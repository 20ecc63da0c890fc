"""The demonstration really learns: real children, over seeds that chose nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from scipy.stats import mannwhitneyu

from nas_hpc.children import prepare
from nas_hpc.experiment import read
from nas_hpc.search.configuration import of_strategy
from nas_hpc.search.launch import launch
from nas_hpc.store import RunFolder, SearchLog, read_search

pytestmark = [pytest.mark.long, pytest.mark.mpi]

DIGITS = Path(__file__).parents[2] / "workflow" / "experiments" / "digits.yaml"
SEEDS = (101, 102, 103, 104, 105)


def search(folder: Path, strategy: str, seed: int, **controller) -> SearchLog:
    settings = yaml.safe_load(DIGITS.read_text()) | {"seed": seed, "runs": str(folder / "runs")}
    settings["controller"] = settings["controller"] | controller
    path = folder / f"seed{seed}.yaml"
    path.write_text(yaml.safe_dump(settings))
    experiment = of_strategy(read(str(path)), strategy)
    prepare(experiment, RunFolder.of(experiment).data)
    launch(str(path), strategy, None)
    return read_search(RunFolder.of(experiment))


def last_third(log: SearchLog) -> list[float]:
    rewards = [outcome.reward for outcome in log.outcomes if outcome.answers]
    return rewards[-len(rewards) // 3 :]


def entropy_drop(log: SearchLog) -> float:
    entropies = [sample.entropy for sample in log.samples]
    return 1 - sum(entropies[-16:]) / sum(entropies[:16])


@pytest.mark.timeout(7200)
def test_the_search_beats_random_search_because_it_learns(tmp_path):
    arms = {"learning": [], "random": [], "frozen": []}
    for seed in SEEDS:
        for arm, strategy, controller in (
            ("learning", "reinforce", {}),
            ("random", "random", {}),
            ("frozen", "reinforce", {"learning_rate": 0.0}),
        ):
            folder = tmp_path / f"{arm}{seed}"
            folder.mkdir()
            arms[arm].append(search(folder, strategy, seed, **controller))

    def better_than_random(arm: str) -> float:
        ours = [reward for log in arms[arm] for reward in last_third(log)]
        random = [reward for log in arms["random"] for reward in last_third(log)]
        return float(mannwhitneyu(ours, random, alternative="greater").pvalue)

    for log in arms["learning"]:
        distinct = len({sample.trial for sample in log.samples}) / len(log.samples)
        print(f"entropy down {entropy_drop(log):.0%}, distinct {distinct:.0%}")
        assert entropy_drop(log) > 0.2
        assert distinct > 0.6
    print(f"p learning {better_than_random('learning'):.2g}")
    print(f"p frozen {better_than_random('frozen'):.2g}")
    assert better_than_random("learning") < 0.01
    assert better_than_random("frozen") > 0.01
    assert all(abs(entropy_drop(log)) < 0.01 for log in arms["frozen"])
