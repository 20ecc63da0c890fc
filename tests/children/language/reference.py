"""Recurrent cells step by step, written from the paper's text alone.

A leaf applies its own weight matrices to x_t and h_{t-1}, combines, then activates. An internal
node combines its two children's outputs, then activates. The root's output is h_t. After the
activation of one node c_{t-1} is injected; c_t is one node's value before its activation.
"""

import math

import torch

from nas_hpc.spaces.recurrent_cell import RecurrentCell


def combine(how, a, b):
    if how == "max":
        return torch.where(a > b, a, b)
    return a + b if how == "add" else a * b


def activate(how, a):
    if how == "tanh":
        return (a.exp() - (-a).exp()) / (a.exp() + (-a).exp())
    if how == "sigmoid":
        return 1 / (1 + (-a).exp())
    if how == "relu":
        return torch.where(a > 0, a, 0)
    return a.sin() if how == "sin" else a


def step(cell: RecurrentCell, matrices, x, h, c):
    """h_t and c_t; ``matrices`` holds (W_x, W_h) of each leaf, [hidden, size]."""
    before, after = [], []
    # Nodes are fed from left to right: a level's outputs are paired as they stand.
    waiting = []
    for i, node in enumerate(cell.nodes):
        if i < len(matrices):
            of_x, of_h = matrices[i]
            a, b = x @ of_x.T, h @ of_h.T
        else:
            a, b = waiting.pop(0), waiting.pop(0)
        before.append(combine(node.combination, a, b))
        output = activate(node.activation, before[-1])
        if i == cell.injected_at:
            output = activate(cell.inject.activation, combine(cell.inject.combination, output, c))
        after.append(output)
        waiting.append(output)
    assert len(waiting) == 1 and len(cell.nodes) == 2 * len(matrices) - 1
    return after[-1], before[cell.taken_from]


def run(cell: RecurrentCell, layers, x, h, c, input_masks=None, hidden_masks=None):
    """Outputs of the last layer at each step, and the last h and c, of layers of matrices.

    Args:
        cell: of all layers.
        layers: for each, (W_x, W_h) of each leaf.
        x: [time, batch, size].
        h, c: [layers, batch, hidden].
        input_masks, hidden_masks: of each layer, [batch, size]; None: nothing is dropped.
    """
    h, c, outputs = list(h), list(c), []
    for given in x:
        for k, matrices in enumerate(layers):
            given = given * (1 if input_masks is None else input_masks[k])
            seen = h[k] * (1 if hidden_masks is None else hidden_masks[k])
            given, c[k] = step(cell, matrices, given, seen, c[k])
            h[k] = given
        outputs.append(given)
    return torch.stack(outputs), torch.stack(h), torch.stack(c)


def matrices_of(stack, leaves):
    """A stack's weights as `run` takes them."""
    return [
        list(
            zip(
                getattr(stack, f"weight_ih_l{k}").chunk(leaves),
                getattr(stack, f"weight_hh_l{k}").chunk(leaves),
                strict=True,
            )
        )
        for k in range(stack.num_layers)
    ]


def worked_example(x, h, c, w1, w2, w3, w4):
    """One unit of the paper's example of base 2, as it is written there, in numbers."""
    a0 = math.tanh(w1 * x + w2 * h)
    a1 = max(0.0, (w3 * x) * (w4 * h))
    a0_new = max(0.0, a0 + c)
    return 1 / (1 + math.exp(-a0_new * a1)), (w3 * x) * (w4 * h)
