"""The paper's controller: an LSTM that answers a space's decisions one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from nas_hpc.policies.theta import Layout
from nas_hpc.spaces import Choice, Connect, Point, Walk

Answer = Callable[[Walk, Tensor], Sequence[int]]
"""Tokens for the waiting decision of a walk, given the log-probabilities of ``walk.allowed()``:
[tokens, values]."""


@dataclass
class _Course:
    """A walk on its way, with what the controller remembers of it."""

    walk: Walk
    fed: Tensor
    log_probability: Tensor
    entropy: Tensor
    anchors: list[Tensor] = field(default_factory=list)


class Controller:
    """A distribution over the walks through a space (paper, sections 3.1 and 3.3).

    One LSTM step for each decision. What is fed to it: at first a trained vector; after a choice
    the embedding of its option; after a set of anchors the mean of their hidden states, zeros for
    the empty set; after a single anchor its hidden state. An anchor is the top layer's hidden state
    at the latest step, zeros before the first one.

    Args:
        layout: of θ.
        theta: float64 [layout.size]; log-probabilities are differentiable in it.
    """

    def __init__(self, layout: Layout, theta: Tensor) -> None:
        self._layers = layout.layers
        self._weights = layout.views(theta)
        self._zeros = theta.new_zeros(layout.hidden)

    def follow(self, walks: Sequence[Walk], answers: Sequence[Answer]) -> tuple[Tensor, Tensor]:
        """Take walks from their first decisions to their ends, side by side.

        They may branch, wait at decisions of different kinds, and end at different times. How a
        batch is composed moves results by rounding; alone, a walk always gives the same bits.

        Args:
            walks: answered in place.
            answers: who answers each walk's decisions.

        Returns:
            The log-probability of each walk's tokens and the sum of the entropies of its
            decisions, in nats, [walks] each.
        """
        none = self._zeros.new_zeros(())
        courses = [_Course(walk, self._weights["start"], none, none) for walk in walks]
        for course in courses:
            course.anchors.extend([self._zeros] * len(course.walk.anchors))
        going = [(c, a) for c, a in zip(courses, answers, strict=True) if c.walk.decision]
        rest = self._zeros.expand(len(going), -1)
        state = [(rest, rest)] * self._layers
        while going:
            state = self._step(torch.stack([course.fed for course, _ in going]), state)
            for (course, answer), hidden in zip(going, state[-1][0].unbind(), strict=True):
                self._decide(course, hidden, answer)
            left = [row for row, (course, _) in enumerate(going) if course.walk.decision]
            if len(left) < len(going):
                going = [going[row] for row in left]
                state = [(hidden[left], cell[left]) for hidden, cell in state]
        log_probabilities = [course.log_probability for course in courses]
        return torch.stack(log_probabilities), torch.stack([course.entropy for course in courses])

    def _step(
        self, inputs: Tensor, state: list[tuple[Tensor, Tensor]]
    ) -> list[tuple[Tensor, Tensor]]:
        """One step of all LSTM layers: inputs [walks, hidden], (hidden, cell) of each layer."""
        after = []
        for layer, (hidden, cell) in enumerate(state):
            weights = self._weights[f"lstm {layer}/input"]
            recurrent = self._weights[f"lstm {layer}/recurrent"]
            bias = self._weights[f"lstm {layer}/bias"]
            inputs, cell = torch.lstm_cell(inputs, (hidden, cell), weights, recurrent, bias)
            after.append((inputs, cell))
        return after

    def _decide(self, course: _Course, hidden: Tensor, answer: Answer) -> None:
        """Answer one decision from the top layer's hidden state [hidden]."""
        walk, decision, allowed = course.walk, course.walk.decision, course.walk.allowed()
        table = self._table(walk, hidden, course.anchors)
        tokens = answer(walk, table)
        walk.answer(tokens)
        if tokens:
            taken = [values.index(token) for values, token in zip(allowed, tokens, strict=True)]
            course.log_probability = course.log_probability + table[range(len(taken)), taken].sum()
            course.entropy = course.entropy - (table.exp() * table).sum()
        match decision:
            case Choice(kind=kind):
                course.fed = self._weights[f"embedding of {kind.name}"][tokens[0]]
            case Connect(among=among):
                chosen = [course.anchors[j] for j, on in zip(among, tokens, strict=True) if on]
                course.fed = torch.stack(chosen).mean(0) if chosen else self._zeros
            case Point(among=among):
                course.fed = course.anchors[among[tokens[0]]]
        course.anchors.extend([hidden] * (len(walk.anchors) - len(course.anchors)))

    def _table(self, walk: Walk, hidden: Tensor, anchors: list[Tensor]) -> Tensor:
        """Log-probabilities of the values allowed for each token, [tokens, values]."""
        match walk.decision:
            case Choice(kind=kind):
                part = f"softmax of {kind.name}"
                weight, bias = self._weights[f"{part}/weight"], self._weights[f"{part}/bias"]
                (values,) = walk.allowed()
                logits = functional.linear(hidden, weight, bias)
                if len(values) < len(kind.options):
                    logits = logits[list(values)]
                return functional.log_softmax(logits, dim=0)[None]
            case Connect(among=among) if among:
                scores = self._scores(hidden, [anchors[j] for j in among])
                return torch.stack(
                    (functional.logsigmoid(-scores), functional.logsigmoid(scores)), 1
                )
            case Point(among=among):
                scores = self._scores(hidden, [anchors[j] for j in among])
                return functional.log_softmax(scores, dim=0)[None]
        return hidden.new_zeros(0, 0)

    def _scores(self, hidden: Tensor, anchors: list[Tensor]) -> Tensor:
        """Of anchors h_j for the present h_i: v . tanh(W_prev h_j + W_curr h_i), [anchors]."""
        previous = functional.linear(torch.stack(anchors), self._weights["anchors/previous"])
        current = functional.linear(hidden, self._weights["anchors/current"])
        return torch.tanh(previous + current) @ self._weights["anchors/score"]
