"""What an experiment is: its configuration, its YAML file, and own code named in it."""

from nas_hpc.experiment.model import Experiment, Training
from nas_hpc.experiment.reading import ExperimentError, read, validate
from nas_hpc.experiment.reference import (
    OwnCodeError,
    check_arguments,
    is_reference,
    resolve,
    source_hash,
)

__all__ = [
    "Experiment",
    "ExperimentError",
    "OwnCodeError",
    "Training",
    "check_arguments",
    "is_reference",
    "read",
    "resolve",
    "source_hash",
    "validate",
]
