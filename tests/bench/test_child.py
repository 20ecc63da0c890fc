"""The command: what it prints and writes follows from what was measured."""

import json
import sys

import pytest
import yaml

from nas_hpc.__main__ import main
from nas_hpc.bench.child import Result, summary
from nas_hpc.bench.crowd import Crowd
from nas_hpc.bench.race import Lap, subjects
from tests.children.runs import SETTINGS, make_experiment


def run(monkeypatch, place, *arguments):
    monkeypatch.chdir(place)
    (place / "small.yaml").write_text(yaml.safe_dump(SETTINGS))
    monkeypatch.setattr(sys, "argv", ["nas-hpc", "bench", "child", "small.yaml", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_what_is_written_follows_from_the_laps(tmp_path, monkeypatch, capsys):
    options = "--architectures 2 --rounds 3 --epochs 2 --images 60 --workers 0 --device cpu"
    assert run(monkeypatch, tmp_path, *options.split(), "--json", "out/speed.json") == 0
    said = capsys.readouterr().out
    written = json.loads((tmp_path / "out" / "speed.json").read_text())
    assert written["images"] == {"training": 60, "validation": 50}
    assert {"device", "processor", "cores", "threads", "torch", "commit"} <= set(written["machine"])
    assert len(written["laps"]) == 2 * 3 * 2 and written["at_a_time"] == []
    for i, row in enumerate(written["architectures"]):
        middle = {
            arm: sorted(
                lap["seconds"]
                for lap in written["laps"]
                if (lap["subject"], lap["arm"]) == (i, arm)
            )[1]
            for arm in ("child", "plain")
        }
        assert row["child"] == pytest.approx(2 * 60 / middle["child"])
        assert row["ratio"] == pytest.approx(middle["plain"] / middle["child"])
        share = row["flops"] / middle["child"] / written["peak_flops_per_second"]
        assert row["share_of_peak"] == pytest.approx(share)
        assert row["training"]["epochs"] == 2
        assert f"{row['parameters']:,}" in said and f"{row['ratio']:.2f} (" in said
    assert f"{written['together']['ratio']:.2f} times as fast" in said
    assert not (tmp_path / "runs").exists(), "nothing is left in the run's folder"


def test_the_summary_of_written_out_laps():
    entered = subjects(make_experiment(), 2)
    seconds = ((0, "child", 1.0), (0, "plain", 3.0), (1, "child", 4.0), (1, "plain", 4.0))
    laps = [Lap(i, 0, arm, 100, taken, 0.5) for i, arm, taken in seconds]
    result = Result(entered, [10, 20], [2e9, 4e9], 1e10, laps, [Crowd(2, 1500.0)])
    assert [result.share(0), result.share(1)] == [0.2, 0.1]
    lines = summary(result)
    assert "1.40 times" in lines[0] and "architectures 1.00 to 3.00" in lines[0]
    assert lines[-1] == "2 at a time: 1,500 images/s together."


@pytest.mark.parametrize("device", ["cuda:99", "abacus", "meta"])
def test_a_device_that_is_not_there_is_named(tmp_path, monkeypatch, capsys, device):
    assert run(monkeypatch, tmp_path, "--device", device) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"nas-hpc: --device {device}: ") and "allowed: cpu, cuda:0" in said
