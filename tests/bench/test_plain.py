"""The plain loop does by other means what a child does."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nas_hpc.bench.plain import Labelled, train_plainly
from nas_hpc.children import Split
from nas_hpc.children.digits import digits
from nas_hpc.children.images import Images
from nas_hpc.children.network import build
from nas_hpc.children.training import train
from nas_hpc.experiment import Training
from nas_hpc.spaces.convnet import ConvLayer, ConvNet

torch.set_num_threads(1)
ARCHITECTURE = ConvNet((ConvLayer(3, 3, 8, 1, 1, ()), ConvLayer(3, 3, 16, 1, 2, (0,))))
KINDS = ["none", "shift", "shift-flip", "upsample", "upsample-flip"]


def fresh_network():
    torch.manual_seed(1)
    return build(ARCHITECTURE, 1, 10, 1e-5)


def bytes_of(shape) -> Split:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Split(pixels, np.arange(len(pixels)))


def test_with_one_batch_an_epoch_both_take_the_same_steps():
    data = digits(train=64, validation=100)
    training = Training(epochs=8, batch_size=64, learning_rate=0.1, augmentation="none")
    ours, plain = fresh_network(), fresh_network().to(memory_format=torch.contiguous_format)
    history = train(ours, Images(data.train, "cpu"), Images(data.validation, "cpu"), training, 3)
    accuracies = train_plainly(plain, data, training, "cpu", workers=0)
    np.testing.assert_allclose(accuracies, history["validation_accuracy"], atol=0.011)
    for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(next(plain.parameters()), next(fresh_network().parameters()))


def test_it_learns():
    data = digits(train=150, validation=100)
    training = Training(epochs=8, batch_size=8, learning_rate=0.1, augmentation="none")
    accuracies = train_plainly(fresh_network(), data, training, "cpu", workers=0)
    assert len(accuracies) == 8 and accuracies[-1] > 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 3, 8, 12), (2, 1, 7, 5)])
def test_it_scores_what_a_child_scores(kind, shape):
    split, training = bytes_of(shape), Training(augmentation=kind, augmentation_margin=0.2)
    inputs, _ = next(Images(split, "cpu", kind, 0.2).in_order())
    plain = Labelled(split, training, augmented=False)
    torch.testing.assert_close(torch.stack([plain[i][0] for i in range(len(plain))]), inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_on_windows_of_the_enlarged_image(kind):
    split = bytes_of((1, 3, 6, 8))
    plain = Labelled(split, Training(augmentation=kind, augmentation_margin=0.25), augmented=True)
    pixels = torch.from_numpy(split.inputs).double()
    image = (pixels - pixels.mean()) / pixels.std(correction=0)
    if kind.startswith("shift"):
        image = F.pad(image, (2, 2, 2, 2))
    if kind.startswith("upsample"):
        image = F.interpolate(image, (10, 12), mode="bilinear", align_corners=False)
    windows = image[0].unfold(1, 6, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
    if kind.endswith("flip"):
        windows = torch.cat([windows, windows.flip(3)])
    torch.manual_seed(0)
    drawn = torch.stack([plain[0][0] for _ in range(400)]).double()
    distance = torch.cdist(drawn.flatten(1), windows.flatten(1))
    assert distance.min(1).values.max() < 1e-4, "each draw is one of the windows"
    assert len(distance.argmin(1).unique()) == len(windows), "and each window is drawn"
