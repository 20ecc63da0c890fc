"""The steps that choose. They read what is recorded, never test data, and take seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from typing import Any

from nas_hpc.experiment import Experiment
from nas_hpc.retrain.contender import contenders
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.retrain.points import points
from nas_hpc.spaces import SpaceError, describe, load_space, replay
from nas_hpc.spaces.recurrent_cell import BASELINES
from nas_hpc.store import Outcome, RunFolder, read_search

Found = dict[str, Any]
"""What a step publishes, as JSON data."""

ARCHITECTURE = ("tokens", "arguments", "baseline", "architecture")
"""Keys of what says which architecture is meant."""


def candidates(experiment: Experiment, contender: str = "") -> list[Found]:
    """The best trials of a search by reward; of equal ones, those that were sampled earlier.

    Args:
        experiment: whose search.
        contender: whose strategy, see `nas_hpc.retrain.contender`.

    Returns:
        For each: trial, reward, tokens, arguments, architecture.

    Raises:
        RetrainError: the search has too few trials with a reward from training, or there is none.
        DamagedFile: the search cannot be read.
    """
    folder = RetrainFolder.of(experiment, contender)
    strategy = contenders(experiment)[contender].strategy
    if strategy is None:
        raise RetrainError(f"{contender} is a cell that no search finds: it has no candidates")
    search = RunFolder.of(experiment, strategy)
    log = read_search(search)
    answers = {outcome.trial: outcome for outcome in log.outcomes if outcome.answers}
    trained = [outcome for outcome in answers.values() if outcome.status == "ok"]
    wanted = experiment.retrain.candidates
    if len(trained) < wanted:
        raise RetrainError(
            f"{search.root} has {len(trained)} trials with a reward, "
            f"retrain.candidates asks for {wanted}: search on, or ask for fewer"
        )
    best = sorted(trained, key=lambda outcome: (-outcome.reward, outcome.trial))[:wanted]
    samples = {sample.number: sample for sample in log.samples}
    folder.withdraw_all_but([folder.rescored(i) for i in range(wanted)])
    return folder.publish(
        folder.candidates, [_candidate(outcome, samples[outcome.trial]) for outcome in best]
    )


def shortlist(experiment: Experiment, contender: str = "") -> list[Found]:
    """The candidates with the best mean of the rewards with new seeds; of equal ones the earlier.

    From here on they have the arguments of the final training, ``retrain.arguments``. A contender
    that no search has to find is the only one in its list.

    Returns:
        For each: candidate, trial, mean, sd (all None of one that no search has found), tokens,
        arguments, architecture; and baseline, the name of such a one.

    Raises:
        RetrainError: candidates have not all been scored again, or their tokens make no
            architecture with the arguments of the final training.
    """
    folder = RetrainFolder.of(experiment, contender)
    about = contenders(experiment)[contender]
    numbers = product(range(about.top), range(len(points(experiment.retrain.grid))))
    folder.withdraw_all_but([folder.point(*number) for number in numbers])
    if about.strategy is None:
        return folder.publish(folder.shortlist, [baseline(contender)])
    found = folder.published(folder.candidates, "candidates")
    scores = [
        folder.published(folder.rescored(i), "rescore", f"--candidate {i}")
        for i in range(len(found))
    ]
    order = sorted(range(len(found)), key=lambda i: (-scores[i]["mean"], i))
    return folder.publish(
        folder.shortlist,
        [
            found[i]
            | {"candidate": i, "mean": scores[i]["mean"], "sd": scores[i]["sd"]}
            | _enlarged(experiment, found[i])
            for i in order[: experiment.retrain.top]
        ],
    )


def choose(experiment: Experiment, contender: str = "") -> Found:
    """The best point of the grid over all architectures of the shortlist, by validation reward.

    Of equal ones the first by architecture, then by point.

    Returns:
        The point as `steps.grid_point` publishes it, and of what the shortlist says tokens,
        arguments, architecture and, where it has one, baseline.

    Raises:
        RetrainError: points are missing, or all of them diverged.
    """
    folder = RetrainFolder.of(experiment, contender)
    tops = folder.published(folder.shortlist, "shortlist")
    tried = [
        folder.published(folder.point(top, point), "grid", f"--top {top} --point {point}")
        for top in range(len(tops))
        for point in range(len(points(experiment.retrain.grid)))
    ]
    trained = [result for result in tried if result["status"] == "ok"]
    if not trained:
        raise RetrainError(
            f"all {len(tried)} points of retrain.grid diverged: try smaller learning rates"
        )
    best = max(trained, key=lambda result: result["reward"])
    folder.withdraw_all_but([folder.final(k) for k in range(experiment.retrain.seeds)])
    listed = tops[best["top"]]
    about = {key: listed[key] for key in ARCHITECTURE if key in listed}
    return folder.publish(folder.chosen, best | about)


def baseline(name: str) -> Found:
    """A cell that no search has to find, as `shortlist` publishes it."""
    scores = {"candidate": None, "trial": None, "mean": None, "sd": None}
    architecture = {"architecture": describe(BASELINES[name])}
    return scores | {"tokens": [], "arguments": {}, "baseline": name} | architecture


def _enlarged(experiment: Experiment, candidate: Mapping[str, Any]) -> Found:
    """The candidate's arguments and architecture in the final training."""
    arguments = {**candidate["arguments"], **experiment.retrain.arguments}
    tokens = tuple((path, token) for path, token in candidate["tokens"])
    try:
        architecture = replay(load_space(experiment), arguments, tokens)
    except SpaceError as error:
        raise RetrainError(f"retrain.arguments = {experiment.retrain.arguments}: {error}") from None
    return {"arguments": arguments, "architecture": describe(architecture)}


def _candidate(outcome: Outcome, sample: Any) -> Mapping[str, Any]:
    return {
        "trial": outcome.trial,
        "reward": outcome.reward,
        "tokens": sample.tokens,
        "arguments": sample.arguments,
        "architecture": json.loads(sample.architecture),
    }
