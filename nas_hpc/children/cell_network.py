"""Networks of the space of cells, as in NASNet (Zoph et al. 2018, arXiv 1707.07012).

They are, with two reductions of height and width::

    image ── stem ── N normal ── reduction ── N normal ── reduction ── N normal ── classifier

A convolution within a cell is ReLU, convolution without bias, batch normalisation, in this order.
All operators of a cell have its number of filters, F; what has another number of channels, or is
too large, is brought to it by a 1x1 convolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas_hpc.spaces.cell import CELL_INPUTS, Block, Cell, CellNet

SEPARABLE = {"separable 3x3": 3, "separable 5x5": 5, "separable 7x7": 7}


class CellNetwork(nn.Module):
    """Stacked cells. The first one takes the stem, a 3x3 convolution of the image, twice.

    The classifier is ReLU, the mean over all positions and one linear map. Cells whose output
    reaches it on no way are left out. Weights as He et al. 2015 (arXiv 1502.01852) for ReLU.
    """

    def __init__(
        self, architecture: CellNet, in_channels: int, classes: int, epsilon: float
    ) -> None:
        super().__init__()
        channels = architecture.stem
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels, eps=epsilon),
        )
        self.cells = nn.ModuleDict()
        needed = architecture.needed()
        before, halved = channels, False
        for i, (reduces, filters) in enumerate(architecture.stack()):
            graph = architecture.reduction if reduces else architecture.normal
            if i in needed:
                layer = CellLayer(graph, channels, before, filters, reduces, halved, epsilon)
                self.cells[str(i)] = layer
            channels, before, halved = filters * graph.width(), channels, reduces
        self.classifier = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        """Logits [n, classes] of images [n, in_channels, height, width]."""
        stem = self.stem(image)
        outputs = {-2: stem, -1: stem}
        for number, layer in self.cells.items():
            i = int(number)
            outputs[i] = layer(outputs.get(i - 1), outputs.get(i - 2))
        logits: Tensor = self.classifier(F.relu(outputs[max(outputs)]).mean((2, 3)))
        return logits


class CellLayer(nn.Module):
    """One cell: of the outputs of the two cells before it, maps [n, filters * width, h', w'].

    A normal cell keeps the height h and the width w of the previous cell's output. In a reduction
    what takes one of the two inputs has stride 2: h' = ceil(h / 2), w' = ceil(w / 2).

    Args:
        graph: the blocks.
        previous, before: channels of the previous cell's output, and of the one's before it.
        filters: of every operator.
        reduces: whether the cell is a reduction.
        halved: whether the previous one was, so that the output before it is twice as large.
        epsilon: of batch normalisation.
    """

    def __init__(
        self,
        graph: Cell,
        previous: int,
        before: int,
        filters: int,
        reduces: bool,
        halved: bool,
        epsilon: float,
    ) -> None:
        super().__init__()
        self.ends = graph.loose_ends()
        used = graph.inputs_used()

        def matched(source: int, channels: int, stride: int = 1) -> nn.Module:
            if source not in used:
                return nn.Identity()
            return convolution(channels, filters, (1, 1), epsilon, (stride, stride))

        self.previous = matched(0, previous)
        self.before = matched(1, before, 2 if halved else 1)
        self.blocks = nn.ModuleList()
        self.matches = nn.ModuleList()
        for i, block in enumerate(graph.blocks):
            self.blocks.append(BlockLayer(block, filters, reduces, epsilon))
            concatenates = block.combination == "concatenate"
            match = matched(i + len(CELL_INPUTS), 2 * filters) if concatenates else nn.Identity()
            self.matches.append(match)

    def forward(self, previous: Tensor | None, before: Tensor | None) -> Tensor:
        """The cell's output; an input that no block takes may be None."""
        inputs = [self.previous(previous), self.before(before)]
        outputs = []
        for block, match in zip(self.blocks, self.matches, strict=True):
            outputs.append(block(inputs))
            inputs.append(match(outputs[-1]))
        return torch.cat([outputs[i] for i in self.ends], dim=1)


class BlockLayer(nn.Module):
    """Two operators on maps [n, filters, h, w] and their combination, added or concatenated."""

    def __init__(self, block: Block, filters: int, reduces: bool, epsilon: float) -> None:
        super().__init__()
        self.block = block
        self.operators = nn.ModuleList()
        for branch in block.branches:
            stride = 2 if reduces and branch.input < len(CELL_INPUTS) else 1
            self.operators.append(operator(branch.operator, filters, stride, epsilon))

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """The block's output [n, filters or 2 filters, h', w'] of the cell's inputs so far."""
        one, other = (
            layer(inputs[branch.input])
            for layer, branch in zip(self.operators, self.block.branches, strict=True)
        )
        return one + other if self.block.combination == "add" else torch.cat((one, other), dim=1)


def operator(name: str, filters: int, stride: int, epsilon: float) -> nn.Module:
    """An operator of `nas_hpc.spaces.cell.OPERATORS`, on maps [n, filters, h, w].

    Zeros around the maps keep their size, or with stride 2 halve it, rounded up. A separable
    convolution is applied twice, as in NASNet; an identity with a stride is a 1x1 convolution.
    """
    both = (stride, stride)
    if name in SEPARABLE:
        side = SEPARABLE[name]
        return nn.Sequential(
            *separable(filters, side, epsilon, stride), *separable(filters, side, epsilon, 1)
        )
    match name:
        case "identity":
            if stride == 1:
                return nn.Identity()
            return convolution(filters, filters, (1, 1), epsilon, both)
        case "1x7 then 7x1":
            return nn.Sequential(
                *convolution(filters, filters, (1, 7), epsilon, (1, stride)),
                *convolution(filters, filters, (7, 1), epsilon, (stride, 1)),
            )
        case "average pooling 3x3":
            return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
        case "max pooling 3x3":
            return nn.MaxPool2d(3, stride, padding=1)
        case "dilated 3x3":
            return convolution(filters, filters, (3, 3), epsilon, both, dilation=2)
    raise ValueError(f"no operator is called {name!r}")


def convolution(
    channels: int,
    filters: int,
    size: tuple[int, int],
    epsilon: float,
    stride: tuple[int, int] = (1, 1),
    dilation: int = 1,
) -> nn.Sequential:
    """ReLU, convolution, batch normalisation: [n, channels, h, w] to [n, filters, h', w']."""
    padding = (dilation * (size[0] // 2), dilation * (size[1] // 2))
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, filters, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(filters, eps=epsilon),
    )


def separable(filters: int, side: int, epsilon: float, stride: int) -> nn.Sequential:
    """ReLU, one filter for each channel, 1x1 convolution, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(filters, filters, side, stride, side // 2, groups=filters, bias=False),
        nn.Conv2d(filters, filters, 1, bias=False),
        nn.BatchNorm2d(filters, eps=epsilon),
    )
