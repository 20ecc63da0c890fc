"""Streams: which token is predicted from which, and that each is predicted once."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from nas_hpc.children.language.batches import NOTHING, Streams


def text(count: int) -> np.ndarray:
    """Each token is the number of its place, so that it tells where it is from."""
    return np.arange(count, dtype=np.int32)


def test_two_streams_of_nine_tokens_in_chunks_of_three():
    chunks = [
        tuple(part.t().tolist() for part in chunk) for chunk in Streams(text(9), 2, "cpu").chunks(3)
    ]
    assert chunks == [
        ([[0, 1, 2], [4, 5, 6]], [[1, 2, 3], [5, 6, 7]]),
        ([[3], [7]], [[4], [8]]),
    ]


@pytest.mark.parametrize("count", [2, 3, 10, 97, 100])
@pytest.mark.parametrize("streams", [1, 2, 7, 20])
@pytest.mark.parametrize("steps", [1, 3, 35])
def test_every_token_but_the_first_is_a_target_exactly_once(count, streams, steps):
    cut = Streams(text(count), streams, "cpu")
    assert len(cut) == count - 1
    seen, filled = [], 0
    for inputs, targets in cut.chunks(steps):
        assert inputs.shape == targets.shape and len(inputs) <= steps
        real = targets != NOTHING
        assert torch.equal(targets[real], inputs[real] + 1)
        seen += targets[real].tolist()
        filled += int((~real).sum())
    assert sorted(seen) == list(range(1, count))
    assert filled < streams


def test_a_stream_goes_on_in_the_next_chunk_where_it_ended():
    chunks = list(Streams(text(101), 4, "cpu").chunks(7))
    for (_, before), (after, _) in pairwise(chunks):
        assert torch.equal(before[-1], after[0])
