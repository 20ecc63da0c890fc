"""Training of a language model: epochs, truncated back-propagation, perplexity (section 4.2).

The loss of a chunk is the sum over its steps of the mean over the streams, as in the model that the
paper compares itself with (Zaremba et al. 2014, arXiv 1409.2329): it is what the learning rate and
the bound on the gradient are meant for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nas_hpc.children.contract import Diverged
from nas_hpc.children.epochs import History, run_epochs
from nas_hpc.children.language.batches import NOTHING, Streams
from nas_hpc.children.language.model import LanguageModel
from nas_hpc.children.language.optimiser import OPTIMISERS
from nas_hpc.children.language.stack import State
from nas_hpc.children.progress import Progress
from nas_hpc.children.training import precision
from nas_hpc.experiment.training import LanguageTraining

LOOKED_AT_EVERY = 50
"""Chunks of training between two looks at the loss, for which the device is awaited."""

EXPLODED = 10.0
"""Nats a token beyond a guess among all words alike, from which on a model counts as exploded."""

SCORED_AT_ONCE = 1000
"""Tokens; scoring then needs about as much memory as a step of training."""


def train(
    model: LanguageModel,
    train_on: Streams,
    score_on: Streams,
    training: LanguageTraining,
    seed: int,
    progress: Progress | None = None,
    report: Callable[..., None] = lambda epoch, **metrics: None,
) -> History:
    """Train the model in place.

    Args:
        model: on the streams' device.
        train_on: ``training.batch_size`` streams of the training text.
        score_on: the validation text, scored after each epoch.
        training: how.
        seed, progress, report: see `nas_hpc.children.epochs.run_epochs`.

    Returns:
        ``training_perplexity``, with dropout and while it changes, and ``validation_perplexity`` of
        each epoch.

    Raises:
        Diverged: a loss is not finite, or has exploded.
    """
    trained = _InTraining(model, train_on, score_on, training)
    device = train_on.inputs.device
    return run_epochs(trained, training.epochs, seed, device, progress, report)


class _InTraining:
    """A model in training, see `nas_hpc.children.epochs.Trained`."""

    def __init__(
        self,
        model: LanguageModel,
        train_on: Streams,
        score_on: Streams,
        training: LanguageTraining,
    ) -> None:
        self.model = model
        self.train_on, self.score_on = train_on, score_on
        self.training = training
        self.optimiser = OPTIMISERS[training.optimiser](
            model.parameters(), training.gradient_bound, training.weight_decay
        )

    def epoch(self, number: int) -> dict[str, float]:
        trained = self._pass(number)
        scored = score(self.model, self.score_on)
        self._check("validation", scored, number)
        return {
            "training_perplexity": math.exp(trained),
            "validation_perplexity": math.exp(scored),
        }

    def state(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "optimiser": self.optimiser.state()}

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimiser.load(state["optimiser"])

    def _pass(self, epoch: int) -> float:
        """Read the training text once; the mean loss in nats per token."""
        self.model.train()
        rate, streams = learning_rate(self.training, epoch), self.train_on
        total = lately = torch.zeros((), dtype=torch.float64, device=streams.inputs.device)
        tokens = 0
        state: State | None = None
        for i, (inputs, targets) in enumerate(streams.chunks(self.training.steps), start=1):
            loss, state = self._chunk(inputs, targets, state, rate)
            lately, tokens = lately + loss, tokens + inputs.numel()
            if i % LOOKED_AT_EVERY == 0:
                self._check("training", lately.item() / tokens, epoch)
                total, lately, tokens = total + lately, torch.zeros_like(total), 0
        mean = (total + lately).item() / len(streams)
        self._check("training", mean, epoch)
        return mean

    def _chunk(
        self, inputs: Tensor, targets: Tensor, state: State | None, rate: float
    ) -> tuple[Tensor, State]:
        """Learn from one chunk; the sum of its losses in nats, and the state after it.

        What back-propagation has needed is freed on the way out, before the next chunk is read.
        """
        with precision(inputs.device):
            logits, (h, c) = self.model(inputs, state)
        loss = _loss(logits, targets)
        self.optimiser.clear()
        (loss / inputs.shape[1]).backward()
        self.optimiser.step(rate)
        return loss.detach(), (h.detach(), c.detach())

    def _check(self, which: str, loss: float, epoch: int) -> None:
        check(self.model, loss, f"{which} loss in epoch {epoch + 1}")


def check(model: LanguageModel, loss: float, name: str) -> None:
    """Look at a mean loss, in nats per token.

    Raises:
        Diverged: it is not finite, or has exploded.
    """
    if not loss <= math.log(model.embedding.num_embeddings) + EXPLODED:
        raise Diverged(f"{name}: {loss:.6g} nats a token")


@torch.no_grad()
def score(model: LanguageModel, streams: Streams) -> float:
    """Mean loss in nats per token, in float32; perplexity is e to the power of it."""
    model.eval()
    total = torch.zeros((), dtype=torch.float64, device=streams.inputs.device)
    state = None
    for inputs, targets in streams.chunks(max(1, SCORED_AT_ONCE // streams.inputs.shape[1])):
        logits, state = model(inputs, state)
        total += _loss(logits, targets)
    return total.item() / len(streams)


def learning_rate(training: LanguageTraining, epoch: int) -> float:
    """The learning rate in an epoch, counted from 0."""
    assert training.learning_rate is not None, "chosen by the policy, and not filled in"
    decays = max(0, epoch + 1 - training.decay_after)
    return float(training.learning_rate * training.decay_factor**decays)


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum over all tokens, in nats."""
    flat = logits.flatten(0, 1).float()
    return F.cross_entropy(flat, targets.flatten(), ignore_index=NOTHING, reduction="sum")
