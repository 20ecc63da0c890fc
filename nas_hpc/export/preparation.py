"""Python code that prepares images as the network was given them when it was scored."""

from __future__ import annotations

import inspect
import textwrap

from nas_hpc.children.dataset import Split
from nas_hpc.children.images import Images, whiten


def preparation(split: Split, images: Images) -> str:
    """The source of a function ``prepare``, of the split's inputs to what `Images` makes of them.

    Empty if they are given to the network as they are.
    """
    parts, words, steps = [], [], []
    if split.inputs.dtype == "uint8":
        parts.append(inspect.getsource(whiten).rstrip())
        words.append("Each image is brought to zero mean and unit variance.")
        steps.append("images = whiten(images)")
    if images.enlargement == "upsample":
        down, right = images.down, images.right
        size = (images.height + 2 * down, images.width + 2 * right)
        words.append(f"Enlarged to {size[0]} x {size[1]} pixels, of which the centre is taken.")
        steps += [
            f'images = F.interpolate(images, {size}, mode="bilinear", align_corners=False)',
            f"images = images[:, :, {down}:-{down}, {right}:-{right}]",
        ]
    if not steps:
        return ""
    body = "\n".join(
        [
            "def prepare(images: Tensor) -> Tensor:",
            f'    """What the network takes: float32 of images {split.inputs.dtype} [n, *INPUT].',
            "",
            *textwrap.wrap(" ".join(words), 96, initial_indent="    ", subsequent_indent="    "),
            '    """',
            *(f"    {step}" for step in steps),
            "    return images",
        ]
    )
    return "\n\n\n".join([*parts, body])
