"""A text that lies on the device, cut into streams that are read side by side.

The nine tokens 0 ... 8 as two streams, in chunks of three steps::

    inputs   0 1 2 | 3        targets   1 2 3 | 4
             4 5 6 | 7                  5 6 7 | 8
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from nas_hpc.children.text import Tokens

NOTHING = -100
"""The target where a stream is filled up; `torch.nn.functional.cross_entropy` ignores it."""


class Streams:
    """Every token but the first is the target of the one before it, exactly once.

    Where the streams do not come out even, the ends of the last ones are filled up with targets
    that count for nothing: fewer than there are streams.

    Args:
        tokens: of the text, at least two.
        count: streams.
        device: as torch names it.

    Attributes:
        inputs, targets: int64 [steps, streams].
    """

    def __init__(self, tokens: Tokens, count: int, device: str) -> None:
        text = torch.from_numpy(tokens).long()
        self.predicted = len(text) - 1
        length = -(-self.predicted // count)
        missing = text.new_full((length * count - self.predicted,), NOTHING)
        inputs, targets = text[:-1], torch.cat([text[1:], missing])
        inputs = torch.cat([inputs, torch.zeros_like(missing)])
        self.inputs, self.targets = (
            part.view(count, length).t().contiguous().to(device) for part in (inputs, targets)
        )

    def __len__(self) -> int:
        """How many tokens there are to be predicted."""
        return self.predicted

    def chunks(self, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets [t, streams] in order; t is ``steps``, but less at the end."""
        yield from zip(self.inputs.split(steps), self.targets.split(steps), strict=True)
