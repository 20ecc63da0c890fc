"""A search for recurrent cells, and all that is trained in the end, by one command."""

import csv
import json
import shutil
from math import log2
from pathlib import Path

from tests.workflow.running import Workplace

HERE = Path(__file__).parent / "language"


def test_one_command_leads_from_words_to_letters(tmp_path):
    place = Workplace(tmp_path, HERE / "words.yaml")
    shutil.copy(HERE / "letters.yaml", tmp_path)
    place.snakemake()
    with (place.results / "final.csv").open(newline="") as file:
        found, lstm = csv.DictReader(file)
    assert found["model"].startswith("words, REINFORCE, trial ") and lstm["model"] == "LSTM"
    assert [row["seeds"] for row in (found, lstm)] == ["3", "3"]
    with (place.results / "transfer.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == [found["model"], "LSTM"]
    for row, beside in zip(rows, ("", "beside/lstm"), strict=True):
        folder = place.run / "retrain" / beside / "transfer"
        runs = [json.loads((folder / f"0-{k}.json").read_text()) for k in range(3)]
        assert json.loads(row["of_each_seed"]) == [log2(run["test_perplexity"]) for run in runs]
    assert "## In letters" in (place.results / "summary.md").read_text()
    assert "bits for each token" in (place.results / "report.html").read_text()
    assert "Nothing to be done" in place.snakemake()
