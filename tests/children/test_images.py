"""Batches: every image once, shifted and mirrored as asked and no further."""

import numpy as np
import pytest
import torch

from nas_hpc.children.dataset import Split
from nas_hpc.children.images import Images

HEIGHT, WIDTH = 9, 5


def numbered(count: int = 50) -> Split:
    """Images that tell by their values which pixel of which image each value is."""
    inputs = np.arange(1, count * 2 * HEIGHT * WIDTH + 1, dtype=np.float32)
    return Split(inputs.reshape(count, 2, HEIGHT, WIDTH), np.arange(count))


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    moved = np.zeros_like(image)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            if 0 <= row + down < HEIGHT and 0 <= column + right < WIDTH:
                moved[:, row, column] = image[:, row + down, column + right]
    return moved


@pytest.mark.parametrize("batch_size", [1, 7, 50, 64])
@pytest.mark.parametrize("augmentation", ["none", "shift", "shift-flip"])
def test_an_epoch_holds_every_image_once(batch_size, augmentation):
    images = Images(numbered(), "cpu", augmentation)
    torch.manual_seed(3)
    batches = list(images.epoch(batch_size))
    sizes = [len(labels) for _, labels in batches]
    assert max(sizes) <= batch_size and max(sizes) - min(sizes) <= 1
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == list(range(50)) and labels.tolist() != list(range(50))


def test_without_augmentation_images_stay_as_they_are():
    split = numbered()
    for inputs, labels in Images(split, "cpu").epoch(8):
        np.testing.assert_array_equal(inputs.numpy(), split.inputs[labels.numpy()])


@pytest.mark.parametrize("augmentation", ["shift", "shift-flip"])
def test_each_image_is_one_of_the_allowed_shifts_and_all_occur(augmentation):
    split = numbered(400)
    # An eighth of 9 and of 5, rounded up: two rows, one column.
    moves = [(down, right) for down in range(-2, 3) for right in range(-1, 2)]
    mirrors = [False, True] if augmentation == "shift-flip" else [False]
    seen = set()
    for inputs, labels in Images(split, "cpu", augmentation).epoch(64):
        for image, label in zip(inputs.numpy(), labels.tolist(), strict=True):
            allowed = {
                (*move, mirror): shifted(split.inputs[label], *move)[:, :, :: -1 if mirror else 1]
                for move in moves
                for mirror in mirrors
            }
            (found,) = [key for key, value in allowed.items() if np.array_equal(value, image)]
            seen.add(found)
    assert len(seen) == len(moves) * len(mirrors)


def test_scoring_sees_the_images_in_order_and_unshifted():
    split = numbered(30)
    for augmentation in ("none", "shift"):
        inputs, labels = (
            torch.cat(parts)
            for parts in zip(*Images(split, "cpu", augmentation).in_order(), strict=True)
        )
        np.testing.assert_array_equal(inputs.numpy(), split.inputs)
        np.testing.assert_array_equal(labels.numpy(), split.labels)


def test_the_same_seed_gives_the_same_batches():
    images = Images(numbered(), "cpu", "shift-flip")

    def batches(seed):
        torch.manual_seed(seed)
        return torch.cat([inputs for inputs, _ in images.epoch(8)])

    assert torch.equal(batches(1), batches(1)) and not torch.equal(batches(1), batches(2))
