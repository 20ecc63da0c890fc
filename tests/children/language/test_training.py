"""Training of language models: perplexity against a naive one, learning, going on after a kill."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from nas_hpc.children import Diverged, Text, Trial
from nas_hpc.children.language.batches import Streams
from nas_hpc.children.language.child import language_model
from nas_hpc.children.language.model import LanguageModel
from nas_hpc.children.language.training import learning_rate, score, train
from nas_hpc.children.progress import Progress
from nas_hpc.experiment.model import Reward
from nas_hpc.experiment.training import LanguageTraining
from nas_hpc.spaces.layers import ConvNet
from nas_hpc.spaces.recurrent_cell import BASELINES, NASCELL, Node, RecurrentCell

torch.set_num_threads(1)
WORDS = 12
DROPPING = {"embedding_dropout": 0.1, "dropout": 0.2, "recurrent_dropout": 0.1}
SHORT = LanguageTraining(
    parameters=None, hidden=16, epochs=4, batch_size=4, steps=10, decay_after=2, **DROPPING
)
PLAIN = SHORT.model_copy(update=dict.fromkeys(DROPPING, 0.0))


def tokens(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(WORDS, size=count, dtype=np.int32)


def fresh(
    training: LanguageTraining = SHORT, name: str = "nascell", seed: int = 1
) -> LanguageModel:
    torch.manual_seed(seed)
    return LanguageModel(BASELINES[name], WORDS, 16, training)


def lively() -> LanguageModel:
    """Weights so large that what was read long ago matters."""
    return fresh(PLAIN.model_copy(update={"initial_range": 0.6}))


def parts(train_on: np.ndarray, score_on: np.ndarray, training: LanguageTraining = SHORT):
    return Streams(train_on, training.batch_size, "cpu"), Streams(score_on, 1, "cpu")


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
    model, text = lively(), tokens(400)
    monkeypatch.setattr("nas_hpc.children.language.training.SCORED_AT_ONCE", scored_at_once)
    found = math.exp(score(model, Streams(text, 1, "cpu")))
    assert found == pytest.approx(math.exp(naive_loss(model, text)), rel=1e-5)


@pytest.mark.parametrize("streams", [2, 3, 7])
def test_streams_are_scored_as_texts_of_their_own_that_begin_where_the_last_ends(streams):
    model, text = lively(), tokens(400)
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


def test_the_learning_rate_falls_once_for_each_epoch_after_the_last_full_one():
    """Zaremba et al. 2014: 1 for six epochs, then less by a factor 1.2 after each."""
    medium = LanguageTraining(learning_rate=1.0, decay_after=6, decay_factor=1 / 1.2)
    rates = [learning_rate(medium, epoch) for epoch in range(9)]
    np.testing.assert_allclose(rates, [1.0] * 6 + [1 / 1.2, 1 / 1.44, 1 / 1.728])


@pytest.mark.parametrize(("optimiser", "rate"), [("sgd", 0.5), ("adam", 0.01)])
def test_training_is_truncated_back_propagation_with_a_carried_state(optimiser, rate):
    """Against a loop over `torch.nn.LSTM` with torch's optimiser and bound, without dropout."""
    asked = PLAIN.model_copy(
        update={
            "optimiser": optimiser,
            "learning_rate": rate,
            "epochs": 3,
            "gradient_bound": 0.7,
            "initial_range": 0.4,
        }
    )
    text = tokens(4 * 34 + 1)
    model, plain = fresh(asked, "lstm"), fresh(asked, "lstm")
    train(model, *parts(text, tokens(30, 1), asked), asked, seed=0)

    lstm = torch.nn.LSTM(16, 16, 2)
    lstm.load_state_dict(dict(plain.stack.named_parameters()))
    weights = [*lstm.parameters(), *plain.embedding.parameters(), *plain.decoder.parameters()]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimiser]
    reference = kind(weights, lr=rate)
    streams = torch.from_numpy(text).long()
    inputs, targets = streams[:-1].view(4, 34).t(), streams[1:].view(4, 34).t()
    for epoch in range(3):
        reference.param_groups[0]["lr"] = rate * 0.8 ** max(0, epoch - 1)
        state = None
        for begin in range(0, 34, 10):
            chunk = slice(begin, begin + 10)
            output, state = lstm(plain.embedding(inputs[chunk]), state)
            state = tuple(part.detach() for part in state)
            logits = plain.decoder(output).log_softmax(-1)
            picked = logits.gather(-1, targets[chunk][..., None])
            reference.zero_grad()
            (-picked.sum(0).mean()).backward()
            torch.nn.utils.clip_grad_norm_(weights, 0.7)
            reference.step()
    torch.testing.assert_close(model.decoder.weight, plain.decoder.weight, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(model.stack.weight_hh_l1, lstm.weight_hh_l1, rtol=1e-3, atol=1e-4)
    start = fresh(asked, "lstm").stack.weight_hh_l1
    assert not torch.allclose(model.stack.weight_hh_l1, start, atol=1e-2)


def test_a_repeated_pattern_is_learnt():
    """What comes next follows from the two tokens before it, so perplexity can fall to 1."""
    pattern = np.array([0, 1, 0, 2, 1, 3, 2, 4, 5, 6], np.int32)
    asked = PLAIN.model_copy(
        update={"epochs": 4, "learning_rate": 0.02, "optimiser": "adam", "initial_range": 0.3}
    )
    history = train(
        fresh(asked), *parts(np.tile(pattern, 120), np.tile(pattern, 20), asked), asked, 0
    )
    assert history["validation_perplexity"][-1] < 1.1


def test_nothing_can_be_learnt_from_random_tokens():
    asked = PLAIN.model_copy(update={"epochs": 2})
    history = train(fresh(asked), *parts(tokens(1500), tokens(1000, 1), asked), asked, 0)
    # By chance the tokens of another text are known by at most their own frequencies.
    shares = np.bincount(tokens(1000, 1), minlength=WORDS) / 1000
    bound = math.exp(-(shares * np.log(shares)).sum())
    assert bound - 0.01 < history["validation_perplexity"][-1] < 1.1 * WORDS


def test_training_perplexity_is_that_of_the_chunks_as_they_were_read():
    """With a learning rate of nothing it is the score of the untrained model."""
    asked = PLAIN.model_copy(update={"epochs": 1, "learning_rate": 0.0})
    model, text = fresh(asked), tokens(500)
    history = train(model, *parts(text, tokens(50, 1), asked), asked, 0)
    expected = math.exp(score(model, Streams(text, asked.batch_size, "cpu")))
    assert history["training_perplexity"][0] == pytest.approx(expected, rel=1e-5)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("done", [1, 3])
def test_going_on_after_an_interruption_changes_no_bit(
    tmp_path: Path, monkeypatch, optimiser, done
):
    monkeypatch.setattr(Progress, "seconds_between", 0.0)
    asked = SHORT.model_copy(update={"optimiser": optimiser})
    texts = parts(tokens(400), tokens(60, 1), asked)

    def stop(epoch: int, **metrics: float) -> None:
        if epoch > done:
            raise Interrupted

    undisturbed = fresh(asked)
    expected = train(undisturbed, *texts, asked, 7)
    path = tmp_path / "trial" / "progress.pt"
    with pytest.raises(Interrupted):
        train(fresh(asked), *texts, asked, 7, Progress(path, "work"), stop)

    repeated: list[int] = []
    model = fresh(asked, seed=2)  # other initial weights
    progress = Progress(path, "work")
    history = train(model, *texts, asked, 7, progress, lambda epoch, **_: repeated.append(epoch))
    assert repeated == list(range(done + 1, 5))
    assert progress.earlier_seconds > 0
    assert history == expected
    state, expected_state = model.state_dict(), undisturbed.state_dict()
    assert all(torch.equal(state[name], expected_state[name]) for name in expected_state)


def test_the_seed_decides_what_is_dropped():
    def trained(seed):
        return train(fresh(), *parts(tokens(300), tokens(60, 1)), SHORT, seed)

    assert trained(5) == trained(5) != trained(6)


def test_an_exploding_cell_is_named_as_soon_as_it_is_seen(monkeypatch):
    """Squares of its own state, so each step squares what is above one."""
    squares = RecurrentCell(
        (Node("add", "identity"), Node("add", "identity"), Node("elem_mult", "identity")),
        Node("add", "identity"),
        taken_from=2,
        injected_at=0,
    )
    asked = PLAIN.model_copy(update={"initial_range": 2.0, "learning_rate": 0.1})
    model = LanguageModel(squares, WORDS, 16, asked)
    read = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda *given: read.append(1) or forward(*given))
    with pytest.raises(Diverged, match=r"training loss in epoch 1: (nan|inf|\d\S+) nats"):
        train(model, *parts(tokens(40_000), tokens(60, 1), asked), asked, 0)
    assert len(read) == 50  # of a thousand chunks


@pytest.mark.parametrize("rate", [1e4, 1e30])
def test_a_learning_rate_far_too_large_diverges(rate):
    asked = PLAIN.model_copy(update={"learning_rate": rate, "gradient_bound": 1e3})
    with pytest.raises(Diverged, match=r"(training|validation) loss in epoch \d: .* nats"):
        train(fresh(asked), *parts(tokens(400), tokens(60, 1), asked), asked, 0)


def make_trial(folder: Path, **changes) -> Trial:
    return Trial(0, 5, "cpu", folder, {}, Reward(last_epochs=2, scale=80.0), **changes)


def make_text(with_test: bool = True) -> Text:
    words = tuple("abcdefghijkl")
    test = tokens(70, 2) if with_test else None
    return Text(tokens(400), tokens(90, 1), test, words)


def test_the_child_rewards_the_best_of_the_last_perplexities(tmp_path: Path):
    torch.manual_seed(5)
    weights = tmp_path / "weights.pt"
    result = language_model(NASCELL, make_text(), SHORT, make_trial(tmp_path, weights=weights))
    metrics = result.metrics
    assert len(metrics["training_perplexity"]) == len(metrics["validation_perplexity"]) == 4
    assert result.reward == pytest.approx(80 / min(metrics["validation_perplexity"][-2:]) ** 2)
    assert metrics["hidden"] == 16
    # 12 words of 16 numbers, twice, a bias for each; 8 leaves, 2 matrices, 2 layers.
    assert metrics["parameters"] == 2 * 12 * 16 + 12 + 2 * 8 * 2 * 16 * 16
    model = fresh(seed=9)
    model.load_state_dict(torch.load(weights, weights_only=True))
    for part, found in (
        ("test", metrics["test_perplexity"]),
        ("validation", metrics["validation_perplexity"][-1]),
    ):
        text = getattr(make_text(), part)
        assert found == pytest.approx(math.exp(naive_loss(model, text)), rel=1e-5), part


def test_a_search_scores_no_test_text_and_reads_streams_side_by_side(tmp_path: Path):
    torch.manual_seed(5)
    data = make_text(with_test=False)
    weights = tmp_path / "weights.pt"
    result = language_model(NASCELL, data, SHORT, make_trial(tmp_path, weights=weights))
    assert "test_perplexity" not in result.metrics
    model = fresh(seed=9)
    model.load_state_dict(torch.load(weights, weights_only=True))
    streams = Streams(data.validation, SHORT.batch_size, "cpu")
    found = result.metrics["validation_perplexity"][-1]
    assert found == pytest.approx(math.exp(score(model, streams)), rel=1e-6)


def test_a_cell_and_a_text_are_needed(tmp_path: Path):
    with pytest.raises(TypeError, match="a recurrent cell, not of a ConvNet"):
        language_model(ConvNet(()), make_text(), SHORT, make_trial(tmp_path))
    with pytest.raises(TypeError, match="needs a Text, not a NoneType"):
        language_model(NASCELL, None, SHORT, make_trial(tmp_path))
