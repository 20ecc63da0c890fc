import json
import subprocess
import sys

import pytest
import yaml
from jsonschema import Draft202012Validator

from nas_hpc.report.analysis import FIGURES
from tests.workflow.running import REPOSITORY

SHIPPED = sorted((REPOSITORY / "workflow" / "experiments").glob("*.yaml"))
SCHEMA = REPOSITORY / "workflow" / "schemas" / "experiment.schema.json"


def test_the_schema_says_what_the_model_says():
    command = [sys.executable, "-m", "nas_hpc", "schema"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert SCHEMA.read_text() == printed, "nas-hpc schema > workflow/schemas/experiment.schema.json"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_experiments_hold_against_the_schema(path):
    data = yaml.safe_load(path.read_text())
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(data)] == []
    wrong = data | {"budget": {"trial": 3}}
    assert [error.message for error in validator.iter_errors(wrong)] != []


def test_the_workflow_declares_every_figure():
    rules = (REPOSITORY / "workflow" / "rules" / "common.smk").read_text()
    listed = rules.partition("FIGURES = [")[2].partition("]")[0]
    assert [name.strip(' "\n') for name in listed.split(",") if name.strip()] == list(FIGURES)
