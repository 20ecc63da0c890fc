"""The controller against enumeration and against an LSTM of torch's own, wired by the paper."""

import math

import numpy as np
import pytest
import torch

from nas_hpc.experiment.model import Controller as ControllerConfig
from nas_hpc.policies import Layout, Request, initial
from nas_hpc.policies.controller import Controller
from nas_hpc.policies.reinforce import Reinforce
from nas_hpc.spaces import Anchor, Choice, Kind, Point, Space, Walk, draw, enumerate_space
from nas_hpc.spaces.convnet import convnet
from tests.policies.learning import Enumerated, recited
from tests.spaces.examples import BRANCHING, BRANCHING_TWO

torch.set_num_threads(1)
CONFIG = ControllerConfig(hidden=6, layers=2, initial_range=0.8)
TINY = convnet((1, 3), (1, 3, 5), (8,))


@pytest.mark.parametrize(
    ("space", "arguments", "count"),
    [(BRANCHING, {"nodes": 2}, BRANCHING_TWO), (TINY, {"depth": 2}, 6 * 12)],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_probabilities_of_all_architectures_sum_to_one(space, arguments, count, seed):
    strategy = Reinforce(space, CONFIG, seed)
    log_probabilities = Enumerated(space, arguments).log_probabilities(strategy)
    assert len(log_probabilities) == count
    assert np.exp(log_probabilities).sum() == pytest.approx(1, abs=1e-12)
    assert np.exp(log_probabilities).std() > 1e-3


@pytest.mark.parametrize(("space", "arguments"), [(BRANCHING, {"nodes": 1}), (TINY, {"depth": 1})])
def test_samples_are_as_frequent_as_the_policy_says(space, arguments):
    strategy = Reinforce(space, CONFIG, seed=1)
    all_of_them = Enumerated(space, arguments)
    proposals = strategy.ask([Request(i, arguments) for i in range(1500)])
    counts = dict.fromkeys(all_of_them.tokens, 0)
    for proposal in proposals:
        counts[proposal.tokens] += 1
    expected = 1500 * np.exp(all_of_them.log_probabilities(strategy))
    chi_squared = ((np.array(list(counts.values())) - expected) ** 2 / expected).sum()
    assert chi_squared < 24.4  # at most 7 degrees of freedom, p = 0.001


def test_the_entropy_along_samples_is_the_policy_s_on_average():
    strategy = Reinforce(BRANCHING, CONFIG, seed=1)
    all_of_them = Enumerated(BRANCHING, {"nodes": 2})
    walks = [Walk(BRANCHING, {"nodes": 2}) for _ in all_of_them.tokens]
    theta = torch.from_numpy(strategy.state()["theta"])
    log_probabilities, entropies = Controller(strategy.layout, theta).follow(
        walks, [recited(tokens) for tokens in all_of_them.tokens]
    )
    probabilities = log_probabilities.exp()
    entropy = -(probabilities * log_probabilities).sum()
    assert float(probabilities @ entropies) == pytest.approx(float(entropy), abs=1e-12)


class Paper:
    """The controller of sections 3.1 and 3.3 around `torch.nn.LSTM`, one architecture at a time."""

    def __init__(self, layout, theta):
        self.weights = layout.views(theta)
        self.lstm = torch.nn.LSTM(layout.hidden, layout.hidden, layout.layers).double()
        for layer in range(layout.layers):
            for ours, theirs in {"input": "weight_ih", "recurrent": "weight_hh"}.items():
                parameter = getattr(self.lstm, f"{theirs}_l{layer}")
                parameter.data = self.weights[f"lstm {layer}/{ours}"]
            getattr(self.lstm, f"bias_ih_l{layer}").data = self.weights[f"lstm {layer}/bias"]
            getattr(self.lstm, f"bias_hh_l{layer}").data.zero_()
        self.state = None
        self.fed = self.weights["start"]

    def step(self):
        output, self.state = self.lstm(self.fed[None, None], self.state)
        return output[0, 0]

    def choice(self, kind, token):
        weight = self.weights[f"softmax of {kind.name}/weight"]
        hidden = self.step()
        logits = weight @ hidden + self.weights[f"softmax of {kind.name}/bias"]
        self.fed = self.weights[f"embedding of {kind.name}"][token]
        return hidden, (logits - torch.logsumexp(logits, 0))[token]

    def score(self, hidden, anchor):
        inner = self.weights["anchors/previous"] @ anchor
        inner = inner + self.weights["anchors/current"] @ hidden
        return self.weights["anchors/score"] @ torch.tanh(inner)

    def convnet(self, net, kinds):
        """Log P of a network of the paper's space without strides."""
        total, anchors = torch.zeros((), dtype=torch.float64), []
        for layer in net.layers:
            for kind, option in zip(kinds, (layer.height, layer.width, layer.filters), strict=True):
                total = total + self.choice(kind, kind.options.index(option))[1]
            hidden = self.step()
            for j, anchor in enumerate(anchors):
                p = torch.sigmoid(self.score(hidden, anchor))
                total = total + torch.log(p if j in layer.inputs else 1 - p)
            chosen = [anchors[j] for j in layer.inputs]
            self.fed = sum(chosen) / len(chosen) if chosen else torch.zeros_like(hidden)
            anchors.append(hidden)
        return total


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_log_probabilities_and_gradients_are_the_paper_s(layers):
    space, arguments = convnet(), {"depth": 4}
    layout = Layout(space.kinds, hidden=7, layers=layers)
    theta = torch.from_numpy(initial(layout, seed=3, initial_range=0.8)).requires_grad_()
    for seed in range(3):
        drawn = draw(space, arguments, np.random.default_rng(seed))
        reference = Paper(layout, theta.detach().requires_grad_())
        ours, _ = Controller(layout, theta).follow(
            [Walk(space, arguments)], [recited(drawn.tokens)]
        )
        theirs = reference.convnet(drawn.architecture, space.kinds)
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-12)
        for name in ("start", "anchors/previous", "anchors/score", "embedding of filters"):
            (gradient,) = torch.autograd.grad(ours, theta, retain_graph=True)
            (expected,) = torch.autograd.grad(theirs, reference.weights[name], retain_graph=True)
            torch.testing.assert_close(
                layout.views(gradient)[name], expected, rtol=1e-10, atol=1e-12
            )


@pytest.mark.parametrize("position", [0, 1])
def test_a_point_is_a_softmax_over_the_same_scores(position):
    """Among anchors in another order than theirs, and with the chosen one's state fed next."""
    kind = Kind("letter", ("a", "b", "c"))

    def generate():
        for i in range(3):
            yield Choice(kind, f"letter {i}")
            yield Anchor(f"anchor {i}")
        yield Point("source", (2, 0))
        yield Choice(kind, "last")

    space = Space("pointing", (kind,), generate)
    layout = Layout(space.kinds, 5, 2)
    theta = torch.from_numpy(initial(layout, 0, 0.8))
    tokens = (("letter 0", 1), ("letter 1", 2), ("letter 2", 0), ("source", position), ("last", 1))
    ours, _ = Controller(layout, theta).follow([Walk(space, {})], [recited(tokens)])

    reference = Paper(layout, theta)
    with torch.no_grad():
        anchors, parts = zip(*(reference.choice(kind, token) for token in (1, 2, 0)), strict=True)
        hidden = reference.step()
        scores = torch.stack([reference.score(hidden, anchors[j]) for j in (2, 0)])
        reference.fed = anchors[(2, 0)[position]]
        last = reference.choice(kind, 1)[1]
    expected = sum(parts) + torch.log_softmax(scores, 0)[position] + last
    assert ours.item() == pytest.approx(expected.item(), rel=1e-12)


def test_a_part_of_the_options_is_renormalised():
    kind = Kind("letter", ("a", "b", "c", "d"))

    def generate(among):
        return (yield Choice(kind, "letter", among))

    space = Space("letters", (kind,), generate)
    layout = Layout(space.kinds, 4, 1)
    theta = torch.from_numpy(initial(layout, 0, 0.8))

    def probabilities(among):
        walks = list(enumerate_space(space, {"among": among}))
        fresh = [Walk(space, {"among": among}) for _ in walks]
        answers = [recited(walk.tokens) for walk in walks]
        log_probabilities, _ = Controller(layout, theta).follow(fresh, answers)
        return {w.architecture: math.exp(p) for w, p in zip(walks, log_probabilities, strict=True)}

    whole, part = probabilities(None), probabilities(("d", "b"))
    assert part["b"] == pytest.approx(whole["b"] / (whole["b"] + whole["d"]), rel=1e-12)
    assert part["b"] + part["d"] == pytest.approx(1, abs=1e-15)
    assert probabilities(("c",)) == {"c": 1.0}


def test_walks_side_by_side_are_as_probable_as_alone():
    """Of different kinds, lengths and arguments."""
    layout = Layout(BRANCHING.kinds, 6, 2)
    controller = Controller(layout, torch.from_numpy(initial(layout, 5, 0.8)))
    drawn = [
        draw(BRANCHING, {"nodes": 1 + i % 5}, np.random.default_rng(i)).tokens for i in range(30)
    ]

    def follow(numbers):
        walks = [Walk(BRANCHING, {"nodes": 1 + i % 5}) for i in numbers]
        return controller.follow(walks, [recited(drawn[i]) for i in numbers])

    together, entropies = follow(range(30))
    for i in range(30):
        alone, entropy = follow([i])
        assert float(alone) == pytest.approx(float(together[i]), rel=1e-12)
        assert float(entropy) == pytest.approx(float(entropies[i]), rel=1e-12)
