"""The paper's changes to a found network, on examples written out here."""

import dataclasses

import pytest

from nas_hpc.spaces import SpaceError
from nas_hpc.spaces.layers import Block, BlockNet, ConvLayer, ConvNet, PoolLayer
from nas_hpc.spaces.learning_rate import Tuned
from nas_hpc.spaces.variants import varied


def conv(filters, *inputs):
    return ConvLayer(3, 5, filters, 1, 2, inputs)


FOUND = ConvNet((conv(24), conv(36), conv(48, 0), conv(64, 0, 1)))


def test_forty_more_filters_in_every_layer_and_nothing_else():
    wider = ConvNet((conv(64), conv(76), conv(88, 0), conv(104, 0, 1)))
    assert varied(FOUND, "more-filters") == wider


def test_without_skips_each_layer_is_fed_by_the_one_before_it_alone():
    chain = ConvNet((conv(24), conv(36, 0), conv(48, 1), conv(64, 2)))
    assert varied(FOUND, "no-skips") == chain


def test_densely_connected_each_layer_is_fed_by_all_before_it():
    dense = ConvNet((conv(24), conv(36, 0), conv(48, 0, 1), conv(64, 0, 1, 2)))
    assert varied(FOUND, "dense") == dense
    assert dense.loose_ends() == (3,)


def test_layers_without_filters_keep_what_they_are_and_the_one_input_they_take():
    def pool(*inputs):
        return PoolLayer("max", 2, 2, inputs)

    found = ConvNet((conv(24), conv(36), pool(0), conv(48, 0, 2)))
    assert varied(found, "more-filters").layers[2] == pool(0)
    assert varied(found, "no-skips").layers[2] == pool(1)
    assert varied(found, "dense").layers[2:] == (pool(0), conv(48, 0, 1, 2))


def test_blocks():
    found = BlockNet(
        (Block(3, 3, 6, 3, ()), Block(3, 7, 36, 3, ()), Block(1, 1, 12, 3, (0,))), (2,)
    )
    assert [block.filters for block in varied(found, "more-filters").blocks] == [46, 76, 52]
    assert [block.inputs for block in varied(found, "no-skips").blocks] == [(), (0,), (1,)]
    assert [block.inputs for block in varied(found, "dense").blocks] == [(), (0,), (0, 1)]
    assert varied(found, "dense").pool_after == (2,)


def test_a_chosen_learning_rate_stays():
    assert varied(Tuned(FOUND, 0.05), "dense") == Tuned(varied(FOUND, "dense"), 0.05)


def test_no_variant_is_the_architecture_itself():
    assert varied(FOUND, None) is FOUND


@dataclasses.dataclass(frozen=True)
class Chain:
    links: tuple[int, ...]


def test_what_cannot_be_varied_is_refused():
    with pytest.raises(SpaceError, match="'dense' is not known of a Chain"):
        varied(Chain((1, 2)), "dense")
    with pytest.raises(SpaceError, match="'wider': allowed: more-filters, no-skips, dense"):
        varied(FOUND, "wider")
