"""Perplexity against a naive one, and which ones a trial reports."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from nas_hpc.children.language.batches import Streams
from nas_hpc.children.language.child import language_model
from nas_hpc.children.language.model import LanguageModel
from nas_hpc.children.language.training import score
from nas_hpc.spaces.layers import ConvNet
from nas_hpc.spaces.recurrent_cell import NASCELL
from tests.children.language.models import (
    LIVELY,
    PLAIN,
    SHORT,
    WORDS,
    fresh,
    make_text,
    make_trial,
    tokens,
)

torch.set_num_threads(1)


@torch.no_grad()
def naive_loss(model: LanguageModel, text: np.ndarray) -> float:
    """Token by token, each from all before it, in float64."""
    model.eval()
    losses, state = [], None
    for token, following in pairwise(text):
        logits, state = model(torch.tensor([[int(token)]]), state)
        values = logits[0, 0].double().numpy()
        losses.append(
            np.log(np.exp(values - values.max()).sum()) + values.max() - values[following]
        )
    assert len(losses) == len(text) - 1
    return float(np.mean(losses))


@pytest.mark.parametrize("scored_at_once", [1, 7, 100, 100_000])
def test_the_length_of_a_chunk_changes_no_perplexity(monkeypatch, scored_at_once):
    model, text = fresh(LIVELY), tokens(400)
    monkeypatch.setattr("nas_hpc.children.language.training.SCORED_AT_ONCE", scored_at_once)
    found = math.exp(score(model, Streams(text, 1, "cpu")))
    assert found == pytest.approx(math.exp(naive_loss(model, text)), rel=1e-5)


@pytest.mark.parametrize("streams", [2, 3, 7])
def test_streams_are_scored_as_texts_of_their_own_that_begin_where_the_last_ends(streams):
    model, text = fresh(LIVELY), tokens(400)
    length = -(-399 // streams)
    sums = 0.0
    for begin in range(0, 399, length):
        piece = text[begin : begin + length + 1]
        sums += naive_loss(model, piece) * (len(piece) - 1)
    assert score(model, Streams(text, streams, "cpu")) == pytest.approx(sums / 399, rel=1e-5)


def test_a_model_that_guesses_has_the_perplexity_of_the_vocabulary():
    model = fresh(PLAIN)
    for weight in model.parameters():
        torch.nn.init.zeros_(weight)
    for streams in (1, 7):
        perplexity = math.exp(score(model, Streams(tokens(100), streams, "cpu")))
        assert perplexity == pytest.approx(WORDS, rel=1e-5)


def test_the_child_rewards_the_best_of_the_last_perplexities(tmp_path: Path):
    torch.manual_seed(5)
    result = language_model(NASCELL, make_text(), SHORT, make_trial(tmp_path))
    metrics = result.metrics
    assert len(metrics["training_perplexity"]) == len(metrics["validation_perplexity"]) == 4
    assert result.reward == pytest.approx(80 / min(metrics["validation_perplexity"][-2:]) ** 2)
    assert metrics["hidden"] == 16
    # 12 words of 16 numbers, twice, a bias for each; 8 leaves, 2 matrices, 2 layers.
    assert metrics["parameters"] == 2 * 12 * 16 + 12 + 2 * 8 * 2 * 16 * 16


def perplexities(weights: Path, text: np.ndarray) -> tuple[float, float]:
    """Of a saved model: of the text as one stream, and as `LIVELY` has them side by side."""
    model = fresh(seed=9)
    model.load_state_dict(torch.load(weights, weights_only=True))
    one, many = (score(model, Streams(text, n, "cpu")) for n in (1, LIVELY.batch_size))
    assert one == pytest.approx(naive_loss(model, text), rel=1e-5)
    assert abs(one - many) > 1e-3, "they can be told apart"
    return math.exp(one), math.exp(many)


def test_finished_models_read_one_stream_and_epochs_end_with_streams_side_by_side(tmp_path: Path):
    torch.manual_seed(5)
    data, weights = make_text(), tmp_path / "weights.pt"
    metrics = language_model(NASCELL, data, LIVELY, make_trial(tmp_path, weights=weights)).metrics
    one, many = perplexities(weights, data.validation)
    assert metrics["final_validation_perplexity"] == pytest.approx(one, rel=1e-5)
    assert metrics["validation_perplexity"][-1] == pytest.approx(many, rel=1e-5)
    one, _ = perplexities(weights, data.test)
    assert metrics["test_perplexity"] == pytest.approx(one, rel=1e-5)


def test_test_data_changes_no_reward(tmp_path: Path):
    found = []
    for with_test in (True, False):
        torch.manual_seed(5)
        trial = make_trial(tmp_path / str(with_test))
        found.append(language_model(NASCELL, make_text(with_test), LIVELY, trial))
    tested, untested = found
    assert tested.reward == untested.reward
    added = {"final_validation_perplexity", "test_perplexity"}
    assert tested.metrics.keys() - untested.metrics.keys() == added
    assert {name: tested.metrics[name] for name in untested.metrics} == untested.metrics


def test_a_cell_and_a_text_are_needed(tmp_path: Path):
    with pytest.raises(TypeError, match="a recurrent cell, not of a ConvNet"):
        language_model(ConvNet(()), make_text(), SHORT, make_trial(tmp_path))
    with pytest.raises(TypeError, match="needs a Text, not a NoneType"):
        language_model(NASCELL, None, SHORT, make_trial(tmp_path))
