"""A language model: from each token and what came before it to logits of the next one.

::

    tokens ── embedding ── stack of recurrent layers ── decoder ── logits
           dropped words    dropped units between      dropped units

All dropout is variational: one mask for all steps of a chunk (Gal & Ghahramani 2016, arXiv
1512.05287).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.children.language.stack import State, build_stack
from nas_hpc.children.network import parameters
from nas_hpc.experiment.training import LanguageTraining
from nas_hpc.spaces.recurrent_cell import RecurrentCell, StandardCell

Cell = RecurrentCell | StandardCell


class LanguageModel(nn.Module):
    """Recurrent layers of one cell between embeddings and a decoder.

    Weights are drawn from torch's global generator, uniform within ``training.initial_range``.

    Args:
        cell: of all layers.
        vocabulary: number of words.
        hidden: size of the layers' states.
        training: the rest.
    """

    def __init__(
        self, cell: Cell, vocabulary: int, hidden: int, training: LanguageTraining
    ) -> None:
        super().__init__()
        self.word_dropout, self.dropout = training.embedding_dropout, training.dropout
        width = training.embedding or hidden
        self.embedding = nn.Embedding(vocabulary, width)
        self.stack = build_stack(
            cell,
            width,
            hidden,
            training.layers,
            dropout=training.dropout,
            recurrent_dropout=training.recurrent_dropout,
        )
        self.decoder = nn.Linear(hidden, vocabulary)
        if training.shared_embeddings:
            self.decoder.weight = self.embedding.weight
        for weight in self.parameters():
            nn.init.uniform_(weight, -training.initial_range, training.initial_range)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read a chunk.

        Args:
            tokens: int64 [steps, streams].
            state: after the tokens before; None at the beginning of a text.

        Returns:
            logits [steps, streams, vocabulary] of each next token, and the state after the chunk.
        """
        embedded = self.embedding(tokens)
        if self.training and self.word_dropout:
            kept = self._kept(self.embedding.num_embeddings, tokens.shape[1], self.word_dropout)
            embedded = embedded * kept.gather(0, tokens)[..., None]
        output, state = self.stack(self._dropped(embedded), state)
        return self.decoder(self._dropped(output)), state

    def _dropped(self, units: Tensor) -> Tensor:
        """The units [steps, streams, size], in training without those that the mask drops."""
        if not (self.training and self.dropout):
            return units
        return units * self._kept(units.shape[1], units.shape[2], self.dropout)

    def _kept(self, rows: int, columns: int, rate: float) -> Tensor:
        """A mask [rows, columns]: zeros, and else what keeps the mean."""
        return F.dropout(torch.ones(rows, columns, device=self.embedding.weight.device), rate)


def hidden_size(cell: Cell, vocabulary: int, training: LanguageTraining) -> int:
    """The size that ``training`` gives, or with which a model comes closest to its parameters.

    Raises:
        ValueError: even the smallest model has more parameters than asked for.
    """
    wanted = training.parameters
    if wanted is None:
        assert training.hidden is not None
        return training.hidden

    # A parabola in the hidden size, whatever the cell: three small models tell which.
    with torch.random.fork_rng(devices=[]):
        sizes = [parameters(LanguageModel(cell, vocabulary, size, training)) for size in (1, 2, 3)]
    first, slope = sizes[0], sizes[1] - sizes[0]
    bend = sizes[2] - 2 * sizes[1] + sizes[0]

    def count(hidden: int) -> int:
        return first + (hidden - 1) * slope + (hidden - 1) * (hidden - 2) // 2 * bend

    if count(1) > wanted:
        raise ValueError(
            f"training.parameters = {wanted}: with a vocabulary of {vocabulary}, a model whose "
            f"hidden size is 1 has {count(1)}"
        )
    low, high = 1, 2
    while count(high) <= wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= wanted else (low, middle)
    return min(low, high, key=lambda hidden: abs(count(hidden) - wanted))
