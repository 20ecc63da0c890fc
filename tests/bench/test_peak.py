"""Operations, counted by hand."""

import torch

from nas_hpc.bench.peak import flops, reachable
from nas_hpc.children.digits import digits
from nas_hpc.children.network import build
from nas_hpc.experiment import Training
from nas_hpc.spaces.convnet import ConvLayer, ConvNet

torch.set_num_threads(1)


def test_operations_of_a_training_by_hand():
    architecture = ConvNet((ConvLayer(3, 3, 8, 1, 1, ()), ConvLayer(1, 1, 4, 1, 1, (0,))))
    first, second, classifier = 2 * 9 * 1 * 8 * 64, 2 * 8 * 4 * 64, 2 * 4 * 10
    forward = first + second + classifier
    # Backward, once for the weights and once for the inputs; the image needs no gradient.
    backward = first + 2 * second + 2 * classifier
    network, data = build(architecture, 1, 10, 1e-5), digits(train=90, validation=30)
    counted = flops(network, data, Training(epochs=2))
    assert counted == 2 * (90 * (forward + backward) + 30 * forward)


def test_what_can_be_reached_is_between_a_calculator_and_a_supercomputer():
    assert 1e8 < reachable("cpu") < 1e15
