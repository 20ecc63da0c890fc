"""Networks of cells: against a plain forward pass, and weights counted operator by operator."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_hpc.children.evaluation import evaluate
from nas_hpc.children.network import build, parameters
from nas_hpc.spaces import draw
from nas_hpc.spaces.cell import OPERATORS, Block, Branch, Cell, CellNet, cell
from tests.children.runs import make_experiment, make_run, make_spec

torch.set_num_threads(1)


def block(one, other, combination="add"):
    """A block from two (input, operator)."""
    left, right = sorted([Branch(*one), Branch(*other)])
    return Block((left, right), combination)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    blocks=st.integers(1, 5),
    repeats=st.integers(1, 2),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_every_architecture_learns_from_images_of_any_size(seed, blocks, repeats, height, width):
    arguments = {"repeats": repeats, "filters": 2}
    net = draw(cell(blocks), arguments, np.random.default_rng(seed)).architecture
    torch.manual_seed(seed)
    network = build(net, 3, 4, 1e-3)
    logits = network(torch.randn(3, 3, height, width))
    assert logits.shape == (3, 4)
    F.cross_entropy(logits, torch.zeros(3, dtype=torch.int64)).backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


# One cell of each kind in which every operator, stride and way of matching shapes appears.
NORMAL = Cell(
    (
        block((0, "separable 3x3"), (1, "max pooling 3x3"), "concatenate"),
        block((2, "average pooling 3x3"), (0, "1x7 then 7x1")),
        block((1, "identity"), (2, "dilated 3x3"), "concatenate"),
    )
)
REDUCTION = Cell(
    (
        block((0, "identity"), (1, "1x7 then 7x1")),
        block((0, "separable 5x5"), (1, "average pooling 3x3"), "concatenate"),
        block((2, "identity"), (1, "dilated 3x3")),
        block((0, "max pooling 3x3"), (0, "separable 7x7")),
    )
)
NET = CellNet(NORMAL, REDUCTION, repeats=1, filters=4)


def test_number_of_parameters_written_out():
    def conv(enter, leave, height=1, width=1):  # without bias; scale and shift of normalisation
        return height * width * enter * leave + 2 * leave

    def separable(f, side):  # twice: one filter for each channel, 1x1, normalisation
        return 2 * (side * side * f + conv(f, f))

    # f filters; block 0 has 2 f channels and feeds two others: one 1x1 convolution.
    def normal(f, previous, before):
        inputs = conv(previous, f) + conv(before, f)
        block_0 = separable(f, 3) + 0 + conv(2 * f, f)
        block_1 = 0 + conv(f, f, 1, 7) + conv(f, f, 7, 1)
        block_2 = 0 + conv(f, f, 3, 3)
        return inputs + block_0 + block_1 + block_2

    # The identity of an input has stride 2: a 1x1 convolution. That of a block has none.
    def reduction(f, previous, before):
        inputs = conv(previous, f) + conv(before, f)
        block_0 = conv(f, f) + conv(f, f, 1, 7) + conv(f, f, 7, 1)
        block_1 = separable(f, 5) + 0
        block_2 = 0 + conv(f, f, 3, 3)
        block_3 = 0 + separable(f, 7)
        return inputs + block_0 + block_1 + block_2 + block_3

    # Loose ends: of the normal cell blocks 1 and 2, f + 2 f channels; of the reduction blocks
    # 1, 2 and 3, 2 f + f + f. From 4 filters on: 12, 32, 24, 64 and 48 channels; the stem has 12.
    expected = conv(3, 12, 3, 3)
    expected += normal(4, 12, 12)
    expected += reduction(8, 12, 12)
    expected += normal(8, 32, 12)
    expected += reduction(16, 24, 32)
    expected += normal(16, 64, 24)
    expected += 48 * 10 + 10
    assert parameters(build(NET, 3, 10, 1e-5)) == expected


def test_nasnet_a_has_about_its_published_parameters():
    # Figure 4 of Zoph et al. 2018; 3.3M at N = 6 and F = 32 (768 channels at the end). There the
    # outputs have one part more, six and four, so that 1x1 convolutions are a sixth larger.
    sep_3, sep_5, sep_7 = "separable 3x3", "separable 5x5", "separable 7x7"
    average, largest = "average pooling 3x3", "max pooling 3x3"
    normal = Cell(
        (
            block((0, sep_3), (0, "identity")),
            block((1, sep_3), (0, sep_5)),
            block((0, average), (1, "identity")),
            block((1, average), (1, average)),
            block((1, sep_5), (1, sep_3)),
        )
    )
    reduction = Cell(
        (
            block((1, sep_7), (0, sep_5)),
            block((0, largest), (1, sep_7)),
            block((0, average), (1, sep_5)),
            block((0, largest), (2, sep_3)),
            block((2, average), (3, "identity")),
        )
    )
    count = parameters(build(CellNet(normal, reduction, 6, 32), 3, 10, 1e-5))
    assert 0.9 * 3.3e6 < count < 3.3e6


def naive(net, weights, image, epsilon):
    """The network of `NET`'s cells, written out operator by operator, while training."""

    def normalised(x, name):
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        x = (x - mean[:, None, None]) / torch.sqrt(variance + epsilon)[:, None, None]
        return x * weights[f"{name}.weight"][:, None, None] + weights[f"{name}.bias"][:, None, None]

    def conv(x, name, at=0, stride=1, dilation=1):
        """ReLU, convolution, normalisation: modules number at, at + 1, at + 2."""
        kernel = weights[f"{name}.{at + 1}.weight"]
        rows, columns = (dilation * (side // 2) for side in kernel.shape[2:])
        x = F.pad(torch.clamp(x, min=0), (columns, columns, rows, rows))
        return normalised(F.conv2d(x, kernel, None, stride, 0, dilation), f"{name}.{at + 2}")

    def separable(x, name, stride):
        for at, step in ((0, stride), (4, 1)):
            each, mixed = (weights[f"{name}.{at + i}.weight"] for i in (1, 2))
            x = F.pad(torch.clamp(x, min=0), (each.shape[2] // 2,) * 4)
            channels = [F.conv2d(x[:, [c]], each[[c]], stride=step) for c in range(x.shape[1])]
            x = torch.einsum("oc,nchw->nohw", mixed[:, :, 0, 0], torch.cat(channels, 1))
            x = normalised(x, f"{name}.{at + 3}")
        return x

    def pooled(x, stride, largest):
        """Over the 3 x 3 positions around each, without those beyond the edge."""
        height, width = x.shape[2:]
        rows = []
        for i in range(0, height, stride):
            window = [
                x[:, :, max(0, i - 1) : i + 2, max(0, j - 1) : j + 2]
                for j in range(0, width, stride)
            ]
            reduce = (lambda w: w.amax((2, 3))) if largest else (lambda w: w.mean((2, 3)))
            rows.append(torch.stack([reduce(w) for w in window], -1))
        return torch.stack(rows, -2)

    def apply(name, x, at, stride):
        if name == "identity":
            return x if stride == 1 else conv(x, at, stride=2)
        if name.startswith("separable"):
            return separable(x, at, stride)
        if "pooling" in name:
            return pooled(x, stride, name.startswith("max"))
        if name == "dilated 3x3":
            return conv(x, at, stride=stride, dilation=2)
        assert name == "1x7 then 7x1"
        return conv(conv(x, at, 0, (1, stride)), at, 3, (stride, 1))

    def one_cell(graph, number, previous, before, reduces, ends):
        at = f"cells.{number}"
        step = 1 if before.shape[2] == previous.shape[2] else 2
        states = [conv(previous, f"{at}.previous"), conv(before, f"{at}.before", stride=step)]
        outputs = []
        for i, each in enumerate(graph.blocks):
            sides = [
                apply(
                    branch.operator,
                    states[branch.input],
                    f"{at}.blocks.{i}.operators.{side}",
                    2 if reduces and branch.input < 2 else 1,
                )
                for side, branch in enumerate(each.branches)
            ]
            adds = each.combination == "add"
            outputs.append(sides[0] + sides[1] if adds else torch.cat(sides, 1))
            match = f"{at}.matches.{i}"
            states.append(
                conv(outputs[-1], match) if f"{match}.1.weight" in weights else outputs[-1]
            )
        return torch.cat([outputs[i] for i in ends], 1)

    stem = F.conv2d(image, weights["stem.0.weight"], padding=1)
    stem = normalised(stem, "stem.1")
    zero = one_cell(NORMAL, 0, stem, stem, False, (1, 2))
    one = one_cell(REDUCTION, 1, zero, stem, True, (1, 2, 3))
    two = one_cell(NORMAL, 2, one, zero, False, (1, 2))
    three = one_cell(REDUCTION, 3, two, one, True, (1, 2, 3))
    four = one_cell(NORMAL, 4, three, two, False, (1, 2))
    features = torch.clamp(four, min=0).mean((2, 3))
    return features @ weights["classifier.weight"].T + weights["classifier.bias"]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 5), (9, 12)])
def test_the_network_is_that_of_a_plain_forward_pass(height, width):
    assert {b.operator for c in (NORMAL, REDUCTION) for k in c.blocks for b in k.branches} == {
        *OPERATORS
    }
    torch.manual_seed(height)
    network = build(NET, 3, 5, 1e-3).double()
    image = torch.randn(3, 3, height, width, dtype=torch.float64)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    torch.testing.assert_close(network(image), naive(NET, weights, image, 1e-3))


def test_cells_without_a_way_to_the_classifier_are_left_out():
    alone = Cell((block((1, "separable 3x3"), (1, "identity")),))
    network = build(CellNet(alone, alone, 1, 4), 3, 10, 1e-5)
    assert set(network.cells) == {"0", "2", "4"}
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 10)


def test_the_layout_is_the_one_that_convolutions_like_best():
    network = build(NET, 3, 10, 1e-5)
    for weight in network.parameters():
        if weight.dim() == 4:
            assert weight.is_contiguous(memory_format=torch.channels_last)


def test_cells_are_trained_on_digits_like_any_other_child(tmp_path):
    space = {"name": "cell", "options": {"blocks": 2}, "arguments": {"repeats": 1, "filters": 4}}
    experiment = make_experiment(
        space=space,
        data={"options": {"train": 500, "validation": 200}},
        training={"epochs": 4, "batch_size": 25, "augmentation": "none"},
    )
    outcome = evaluate(experiment, make_run(tmp_path, experiment), make_spec(experiment, 0))
    assert (outcome.status, outcome.reason) == ("ok", "")
    assert max(outcome.metrics["validation_accuracy"]) > 0.5  # of ten classes
