"""The language model: its size, its initial weights, what is dropped, what is shared."""

import pytest
import torch

from nas_hpc.children.language.model import LanguageModel, hidden_size
from nas_hpc.children.network import parameters
from nas_hpc.experiment.training import LanguageTraining
from nas_hpc.spaces.recurrent_cell import BASELINES, NASCELL

LSTM = BASELINES["lstm"]
WORDS = 10_000


def training(**changes) -> LanguageTraining:
    return LanguageTraining(**({"parameters": None, "hidden": 12} | changes))


def by_hand(name: str, hidden: int, shared: bool, layers: int = 2) -> int:
    """Embeddings, gates of two square matrices, torch's biases, the decoder and its bias."""
    gates = {"lstm": 4, "gru": 3, "nascell": 8}[name]
    biases = 0 if name == "nascell" else 2 * gates * hidden
    return WORDS * hidden * (1 if shared else 2) + WORDS + layers * (2 * gates * hidden**2 + biases)


@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize(
    ("wanted", "shared"),
    [(20_000_000, False), (32_000_000, False), (25_000_000, True), (54_000_000, True)],
)
def test_the_hidden_size_that_comes_closest_to_the_parameters(name, wanted, shared):
    asked = LanguageTraining(parameters=wanted, shared_embeddings=shared)
    hidden = hidden_size(BASELINES[name], WORDS, asked)
    off = {size: abs(by_hand(name, size, shared) - wanted) for size in range(1, 2500)}
    assert hidden == min(off, key=off.__getitem__)
    assert off[hidden] < 0.002 * wanted


def test_the_paper_s_medium_model_of_nascell():
    """By hand: 20,000 H + 10,000 + 2 x 16 H^2 = 32,000,000 has the solution H = 735.4."""
    assert hidden_size(NASCELL, WORDS, LanguageTraining(parameters=32_000_000)) == 735


@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize("changes", [{}, {"shared_embeddings": True}, {"embedding": 5}])
def test_what_is_counted_is_what_is_built(name, changes):
    asked = LanguageTraining(parameters=60_000, **changes)
    size = hidden_size(BASELINES[name], 300, asked)
    built = [
        parameters(LanguageModel(BASELINES[name], 300, hidden, asked))
        for hidden in (size - 1, size, size + 1)
    ]
    off = [abs(count - 60_000) for count in built]
    assert off[1] == min(off) and built[0] < built[1] < built[2]


def test_solving_for_the_size_draws_no_random_numbers():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    hidden_size(NASCELL, 50, LanguageTraining(parameters=20_000))
    assert torch.equal(torch.rand(4), expected)


def test_too_few_parameters_are_named():
    with pytest.raises(ValueError, match=r"training\.parameters = 1000: .*10000.* has 30032"):
        hidden_size(NASCELL, WORDS, LanguageTraining(parameters=1000))


def test_every_weight_is_uniform_in_the_initial_range():
    model = LanguageModel(LSTM, 200, 40, training(initial_range=0.3))
    for name, weight in model.named_parameters():
        assert weight.abs().max() <= 0.3, name
        # The largest of n uniform numbers is below 0.95 of the bound with probability 0.95^n.
        assert weight.abs().max() > 0.28, name
        assert abs(weight.mean()) < 5 * 0.3 / (3 * weight.numel()) ** 0.5, name


def test_shared_embeddings_are_one_matrix():
    model = LanguageModel(NASCELL, 30, 12, training(shared_embeddings=True))
    assert model.decoder.weight is model.embedding.weight
    apart = LanguageModel(NASCELL, 30, 12, training())
    assert parameters(apart) - parameters(model) == 30 * 12


def test_without_dropout_it_is_torch_s_lstm_between_embedding_and_linear():
    model = LanguageModel(LSTM, 30, 12, training(embedding=7)).double().eval()
    reference = torch.nn.LSTM(7, 12, 2).double()
    reference.load_state_dict(dict(model.stack.named_parameters()))
    tokens = torch.randint(30, (9, 4))
    logits, (h, c) = model(tokens)
    output, (expected_h, expected_c) = reference(model.embedding(tokens))
    torch.testing.assert_close(logits, model.decoder(output))
    torch.testing.assert_close(h, expected_h)
    torch.testing.assert_close(c, expected_c)


def test_a_dropped_word_is_dropped_wherever_it_stands_in_its_stream():
    rate = 0.4
    model = LanguageModel(LSTM, 500, 12, training(embedding_dropout=rate, dropout=0.0))
    given = []
    model.stack.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    tokens = torch.randint(500, (3000, 2))
    model(tokens)
    dropped = (given[0] == 0).all(-1)
    expected = model.embedding(tokens) / (1 - rate)
    torch.testing.assert_close(given[0][~dropped], expected[~dropped])
    shares = []
    for stream in range(2):
        by_word = {}
        for word, gone in zip(tokens[:, stream].tolist(), dropped[:, stream].tolist(), strict=True):
            assert by_word.setdefault(word, gone) == gone
        shares.append(sum(by_word.values()) / len(by_word))
    assert all(abs(share - rate) < 5 * (rate * (1 - rate) / 495) ** 0.5 for share in shares)
    assert (dropped[:, 0] != dropped[:, 1]).any()
    model(tokens)
    assert not torch.equal(given[0], given[1])


def test_units_are_dropped_in_all_steps_alike_before_the_layers_and_the_decoder():
    model = LanguageModel(LSTM, 50, 200, training(embedding_dropout=0.0, dropout=0.5))
    given = []
    for part in (model.stack, model.decoder):
        part.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    model(torch.randint(50, (6, 3)))
    for units in given:
        gone = units == 0
        assert torch.equal(gone, gone[:1].expand_as(gone))
        assert 0.4 < gone[0].float().mean() < 0.6
        assert not torch.equal(gone[0, 0], gone[0, 1])


def test_nothing_is_dropped_where_the_model_is_scored():
    dropping = training(embedding_dropout=0.5, dropout=0.5, recurrent_dropout=0.5)
    model = LanguageModel(NASCELL, 50, 12, dropping)
    tokens = torch.randint(50, (6, 3))
    model.eval()
    assert torch.equal(model(tokens)[0], model(tokens)[0])
    model.train()
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
