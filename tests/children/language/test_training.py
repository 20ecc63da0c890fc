"""Training of language models: learning, going on after a kill."""

import math
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from nas_hpc.children import Diverged
from nas_hpc.children.language.batches import Streams
from nas_hpc.children.language.model import LanguageModel
from nas_hpc.children.language.training import learning_rate, score, train
from nas_hpc.children.progress import Progress
from nas_hpc.experiment.training import LanguageTraining
from nas_hpc.spaces.recurrent_cell import Node, RecurrentCell
from tests.children.language.models import PLAIN, SHORT, WORDS, fresh, tokens

torch.set_num_threads(1)


def parts(train_on: np.ndarray, score_on: np.ndarray, training: LanguageTraining = SHORT):
    return Streams(train_on, training.batch_size, "cpu"), Streams(score_on, 1, "cpu")


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
            "decay_factor": 0.8,
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


def test_what_one_chunk_has_needed_is_freed_before_the_next_is_read():
    asked = PLAIN.model_copy(update={"epochs": 1})
    model = fresh(asked)
    cell, kept, left = model.stack.cell, [], []
    step = cell.step

    def living() -> int:
        return sum(value() is not None for value in kept)

    def remembered(*given):
        h, c, values = step(*given)
        kept.extend(map(weakref.ref, values))
        return h, c, values

    def before(model, given):
        if model.training:
            left.append(living())

    def after(model, given, result):
        if model.training:
            assert living() > 2 * 10, "they are needed for all layers and steps"
            kept.append(weakref.ref(result[0]))

    cell.step = remembered
    model.register_forward_pre_hook(before)
    model.register_forward_hook(after)
    train(model, *parts(tokens(401), tokens(60, 1)), asked, 0)
    assert left == [0] * 10


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
