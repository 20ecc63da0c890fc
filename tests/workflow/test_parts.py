from collections import defaultdict

import pytest
import yaml

from tests.search.processes import wait_until
from tests.workflow.running import REPOSITORY, Workplace, finish, part_below

pytestmark = pytest.mark.workflow

HERE = REPOSITORY / "tests" / "workflow"


def test_what_is_ended_before_it_is_done_goes_on_in_another_part(tmp_path):
    place = Workplace(tmp_path, HERE / "tiny.yaml")
    settings = yaml.safe_load(place.yaml.read_text()) | {"compare_with": []}
    child = {"name": f"{HERE / 'waiting_child.py'}:child", "options": {"folder": str(tmp_path)}}
    settings["slots"] = {"count": 1}  # one training at a time
    settings["retrain"] |= {"candidates": 1, "rescore_seeds": 1}
    place.yaml.write_text(yaml.safe_dump(settings | {"child": child}))

    with place.running() as snakemake:
        for stage in ("search", "grid"):
            waits = tmp_path / f"{stage}.waits"
            wait_until(waits.exists, 120)
            part = part_below(snakemake, stage)
            part.terminate()
            part.wait(60)
            waits.unlink()
        finish(snakemake)

    cut = {"done": False, "reason": "told to end"}
    assert place.marker("search-reinforce", 1) == cut
    assert place.marker("search-reinforce", 2)["trials"] == len(place.trials("reinforce")) == 8
    assert cut in [place.marker(f"grid-0-{point}", 1) for point in range(2)]
    assert len(place.trainings()) == 1 + 2 + 3

    epochs = defaultdict(list)
    for line in (tmp_path / "notes").read_text().splitlines():
        folder, epoch = line.split()
        epochs[folder].append(int(epoch))
    repeated = [seen for seen in epochs.values() if len(set(seen)) < len(seen)]
    # The search's child has lived on; the training's went on from its last epoch.
    assert repeated == [[1, 2, 2, 3]]
    assert "Nothing to be done" in place.snakemake()
