"""What an experiment is: its configuration, its YAML file, and own code named in it."""

from nas_hpc.experiment.arrays import Arrays
from nas_hpc.experiment.model import Experiment, Training
from nas_hpc.experiment.reading import ExperimentError, read, read_arrays, validate
from nas_hpc.experiment.reference import (
    OwnCodeError,
    check_arguments,
    is_reference,
    resolve,
    source_hash,
)

__all__ = [
    "Arrays",
    "Experiment",
    "ExperimentError",
    "OwnCodeError",
    "Training",
    "check_arguments",
    "is_reference",
    "read",
    "read_arrays",
    "resolve",
    "source_hash",
    "validate",
]
