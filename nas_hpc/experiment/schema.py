"""The JSON schema of experiments, for editors and for Snakemake."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from nas_hpc.experiment.model import Experiment


class _Overlapping(GenerateJsonSchema):
    """Keys that two kinds of training have in common hold for either of them."""

    def tagged_union_schema(self, schema: Any) -> JsonSchemaValue:
        described = super().tagged_union_schema(schema)
        described["anyOf"] = described.pop("oneOf")
        return described


def experiment_schema() -> dict[str, Any]:
    """The schema of a YAML file, whose own name serves where ``name`` is left out."""
    described = Experiment.model_json_schema(schema_generator=_Overlapping)
    described["required"].remove("name")
    return described
