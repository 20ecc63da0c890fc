"""The speed of recurrent cells: the arms do the same, and what is printed follows from the laps."""

import json
import sys
from itertools import count

import numpy as np
import pytest
import torch

from nas_hpc.__main__ import main
from nas_hpc.bench.cell import Lap, Size, Speed, cell_called, race
from nas_hpc.bench.cell_arms import STACK, arms
from nas_hpc.spaces import describe, draw
from nas_hpc.spaces.recurrent_cell import (
    ACTIVATIONS,
    BASELINES,
    COMBINATIONS,
    NASCELL,
    recurrent_cell,
)

NAMES = [STACK, "nn.LSTM", "loop over nn.LSTMCell", "step by step"]


@pytest.mark.parametrize("seed", range(4))
def test_step_by_step_is_the_same_network(seed):
    space = recurrent_cell(5, COMBINATIONS, ACTIVATIONS)
    cell = draw(space, {}, np.random.default_rng(seed)).architecture
    made = arms(cell, hidden=6, layers=2)
    stack, plain = made[STACK].double(), made["step by step"].double()
    with torch.no_grad():
        for k, layer in enumerate(plain.layers):
            for name, parts in (("ih", layer.of_input), ("hh", layer.of_last)):
                whole = torch.cat([part.weight for part in parts])
                stack.get_parameter(f"weight_{name}_l{k}").copy_(whole)
    inputs = torch.randn(4, 3, 6, dtype=torch.float64)
    torch.testing.assert_close(plain(inputs)[0], stack(inputs)[0])


def test_the_loop_over_lstm_cells_is_the_lstm():
    made = arms(NASCELL, hidden=6, layers=2)
    whole, loop = made["nn.LSTM"], made["loop over nn.LSTMCell"]
    with torch.no_grad():
        for k, layer in enumerate(loop.layers):
            for name, parameter in layer.named_parameters():
                parameter.copy_(getattr(whole, f"{name}_l{k}"))
    inputs = torch.randn(4, 3, 6)
    torch.testing.assert_close(loop(inputs)[0], whole(inputs)[0])


def test_a_standard_cell_has_the_size_of_torch_s():
    made = arms(BASELINES["lstm"], hidden=6, layers=2)
    assert list(made) == NAMES[:3]
    assert len({sum(p.numel() for p in module.parameters()) for module in made.values()}) == 1


def test_all_are_measured_in_every_round_and_beginners_change():
    made = arms(NASCELL, hidden=4, layers=1)
    ticks = count()
    size = Size(hidden=4, layers=1, batch=2, steps=3, rounds=3, passes=2)
    laps = race(made, size, "cpu", clock=lambda: next(ticks) ** 2)
    assert [lap.arm for lap in laps] == [
        *(NAMES[0], NAMES[1], NAMES[2], NAMES[3]),
        *(NAMES[1], NAMES[2], NAMES[3], NAMES[0]),
        *(NAMES[2], NAMES[3], NAMES[0], NAMES[1]),
    ]
    assert [lap.round for lap in laps] == [0] * 4 + [1] * 4 + [2] * 4
    # Lap i lasts from tick 2 i to tick 2 i + 1.
    assert [lap.seconds for lap in laps] == [4 * i + 1 for i in range(12)]
    assert all(p.grad is not None for module in made.values() for p in module.parameters())


def test_ratios_of_written_out_laps():
    laps = [Lap(STACK, i, seconds) for i, seconds in enumerate((1.0, 2.0, 4.0))]
    laps += [Lap("other", i, seconds) for i, seconds in enumerate((3.0, 2.0, 6.0))]
    found = Speed.of("other", laps, words=300)
    assert found == Speed(words_per_second=100.0, ratio=1.5, lowest=1.0, highest=3.0)
    assert Speed.of(STACK, laps, words=300) == Speed(150.0, 1.0, 1.0, 1.0)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["nas-hpc", "bench", "cell", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_what_is_printed_and_written(tmp_path, monkeypatch, capsys):
    options = "--hidden 8 --layers 1 --batch 2 --steps 3 --rounds 3 --passes 2 --device cpu"
    file = tmp_path / "out" / "cell.json"
    assert run(monkeypatch, *options.split(), "--json", str(file)) == 0
    said, written = capsys.readouterr().out, json.loads(file.read_text())
    assert written["cell"] == describe(NASCELL)
    (on_cpu,) = written["devices"]
    assert on_cpu["machine"]["device"] == "CPU" and len(on_cpu["laps"]) == 4 * 3
    # Eight leaves with two matrices of 8 x 8 each; four gates with the same and two biases.
    sizes = dict(zip(NAMES, (1024, 576, 576, 1024), strict=True))
    assert {row["arm"]: row["parameters"] for row in on_cpu["arms"]} == sizes
    seconds = {
        arm: [lap["seconds"] for lap in on_cpu["laps"] if lap["arm"] == arm] for arm in NAMES
    }
    for row in on_cpu["arms"]:
        own = seconds[row["arm"]]
        assert row["words_per_second"] == pytest.approx(2 * 2 * 3 / sorted(own)[1])
        ratios = [other / mine for other, mine in zip(own, seconds[STACK], strict=True)]
        assert row["ratio"] == pytest.approx(sorted(ratios)[1])
        assert row["arm"] in said and f"{row['words_per_second']:,.0f}" in said


def test_a_random_cell_is_always_the_same():
    assert cell_called("random") == cell_called("random") != NASCELL


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--cell=elman", "--cell elman: allowed are lstm, gru, nascell, random"),
        ("--device=abacus", "--device abacus: "),
    ],
)
def test_what_is_not_there_is_named(monkeypatch, capsys, option, message):
    assert run(monkeypatch, option) == 1
    assert capsys.readouterr().err.startswith(f"nas-hpc: {message}")
