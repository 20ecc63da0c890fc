"""Batches: every image once, whitened, enlarged, cropped and mirrored as asked and no further."""

import numpy as np
import pytest
import torch
from PIL import Image

from nas_hpc.children.dataset import Split
from nas_hpc.children.images import Images, whiten

HEIGHT, WIDTH = 9, 5
AUGMENTATIONS = ["none", "shift", "shift-flip", "upsample", "upsample-flip"]


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
@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
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


def pixels(count: int) -> Split:
    """Images of random bytes; each label is its image's number."""
    shape = (count, 3, HEIGHT, WIDTH)
    return Split(np.random.default_rng(5).integers(0, 256, shape, np.uint8), np.arange(count))


def whitened(image: np.ndarray) -> np.ndarray:
    """As the documentation of tf.image.per_image_standardization has it."""
    values = image.astype(np.float64)
    return (values - values.mean()) / max(values.std(), 1 / np.sqrt(values.size))


def upsampled(image: np.ndarray, height: int, width: int) -> np.ndarray:
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in image]
    resized = [plane.resize((width, height), Image.Resampling.BILINEAR) for plane in planes]
    return np.stack([np.asarray(plane) for plane in resized])


def test_whitening_on_examples_worked_by_hand():
    images = torch.tensor([[0, 0, 255, 255], [10, 10, 10, 11], [7, 7, 7, 7]], dtype=torch.uint8)
    # The second has a deviation of 0.433, less than 1 / sqrt(4 values).
    expected = [[-1.0, -1.0, 1.0, 1.0], [-0.5, -0.5, -0.5, 1.5], [0.0, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(whiten(images.reshape(3, 2, 2, 1)).reshape(3, 4), expected)


def test_pixels_are_whitened_image_by_image():
    split = pixels(20)
    for inputs, labels in Images(split, "cpu").epoch(8):
        assert inputs.dtype == torch.float32
        for image, label in zip(inputs.numpy(), labels.tolist(), strict=True):
            np.testing.assert_allclose(image, whitened(split.inputs[label]), atol=1e-5)


def test_pixels_are_whitened_before_zeros_are_put_around_them():
    split = pixels(30)
    for inputs, labels in Images(split, "cpu", "shift").epoch(8):
        for image, label in zip(inputs.numpy(), labels.tolist(), strict=True):
            source = whitened(split.inputs[label])
            moves = [(down, right) for down in range(-2, 3) for right in range(-1, 2)]
            assert any(np.allclose(shifted(source, *move), image, atol=1e-5) for move in moves)


@pytest.mark.parametrize("augmentation", ["upsample", "upsample-flip"])
def test_as_in_the_paper_each_image_is_whitened_upsampled_cropped_and_mirrored(augmentation):
    split = pixels(500)
    mirrors = [1, -1] if augmentation == "upsample-flip" else [1]
    seen = set()
    for inputs, labels in Images(split, "cpu", augmentation).epoch(64):
        for image, label in zip(inputs.numpy(), labels.tolist(), strict=True):
            # An eighth of 9 and of 5, rounded up, at each side: 13 rows, 7 columns.
            larger = upsampled(whitened(split.inputs[label]), HEIGHT + 4, WIDTH + 2)
            crops = {
                (top, left, mirror): larger[:, top : top + HEIGHT, left : left + WIDTH][
                    :, :, ::mirror
                ]
                for top in range(5)
                for left in range(3)
                for mirror in mirrors
            }
            (found,) = [key for key, crop in crops.items() if np.allclose(crop, image, atol=1e-4)]
            seen.add(found)
    assert len(seen) == 5 * 3 * len(mirrors)


def test_scoring_sees_the_crop_in_the_centre_of_the_upsampled_image():
    split = pixels(30)
    images = Images(split, "cpu", "upsample-flip")
    inputs, labels = (torch.cat(parts) for parts in zip(*images.in_order(), strict=True))
    for image, source in zip(inputs.numpy(), split.inputs, strict=True):
        larger = upsampled(whitened(source), HEIGHT + 4, WIDTH + 2)
        np.testing.assert_allclose(image, larger[:, 2:-2, 1:-1], atol=1e-4)
    assert labels.tolist() == list(range(30))
    again = torch.cat([batch for batch, _ in images.in_order()])
    assert torch.equal(inputs, again)


def test_the_margin_is_a_share_of_the_side():
    split = Split(np.zeros((1, 3, 32, 32), np.uint8), np.zeros(1, np.int64))
    for margin, down in ((0.125, 4), (0.25, 8), (0.1, 4), (0.01, 1)):
        assert Images(split, "cpu", "upsample", margin).down == down
    assert Images(split, "cpu", "none").down == 0


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_batches_have_the_channels_last_in_memory(augmentation):
    for inputs, _ in Images(pixels(20), "cpu", augmentation).epoch(8):
        assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_the_same_seed_gives_the_same_batches():
    images = Images(numbered(), "cpu", "shift-flip")

    def batches(seed):
        torch.manual_seed(seed)
        return torch.cat([inputs for inputs, _ in images.epoch(8)])

    assert torch.equal(batches(1), batches(1)) and not torch.equal(batches(1), batches(2))
