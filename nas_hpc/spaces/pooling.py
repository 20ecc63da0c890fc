"""The paper's space of 39 layers with max-pooling (section 4.1).

Thirteen predictions, each a densely connected block of three layers: the filter's height and width
and the number of filters, which all layers of the block share, and the set of earlier blocks that
feed it.

The paper pools "at layer 13 and layer 24" of 39 and does not say where these fall among the blocks.
Here pooling stands at the ends of blocks nearest to them, after layers 12 and 24: after 4 and 8
blocks.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from nas_hpc.spaces.convolution import Convolutions, check_depth, check_positive
from nas_hpc.spaces.decisions import Anchor, Connect, Space, SpaceError
from nas_hpc.spaces.layers import Block, BlockNet


def pooling(
    heights: Sequence[int] = (1, 3, 5, 7),
    widths: Sequence[int] = (1, 3, 5, 7),
    filters: Sequence[int] = (6, 12, 24, 36),
    block_layers: int = 3,
    pool_after: Sequence[int] = (4, 8),
) -> Space:
    """The space of networks of blocks; ``depth``, in blocks, is the argument of its generator.

    Args:
        heights, widths: of the filters, in pixels, odd.
        filters: numbers of filters of each layer of a block.
        block_layers: layers of a block.
        pool_after: numbers of blocks after which there is max-pooling, ascending; all of them
            below the depth.

    Raises:
        SpaceError: an option is not a positive whole number, a filter's side is even, or
            ``pool_after`` is not ascending.
    """
    convolutions = Convolutions("pooling", heights, widths, filters)
    check_positive("pooling", block_layers=(block_layers,), pool_after=pool_after)
    if list(pool_after) != sorted(set(pool_after)):
        raise SpaceError(f"pooling: pool_after must be ascending, got {list(pool_after)}")

    def generate(depth: int) -> Generator[Any, Any, BlockNet]:
        check_depth("pooling", depth)
        if pool_after and pool_after[-1] >= depth:
            raise SpaceError(
                f"pooling: pool_after {list(pool_after)} must be below the depth, {depth} blocks"
            )
        anchors: list[int] = []
        blocks = []
        for i in range(depth):
            at = f"block {i}"
            height, width, number, _, _ = yield from convolutions.decide(at)
            inputs = yield Connect(f"{at}/inputs", tuple(anchors))
            anchors.append((yield Anchor(at)))
            blocks.append(Block(height, width, number, block_layers, inputs))
        return BlockNet(tuple(blocks), tuple(pool_after))

    return Space("pooling", convolutions.kinds, generate, static=True)
