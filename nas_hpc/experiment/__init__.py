"""What an experiment is: its configuration, its YAML file, and own code named in it."""

from nas_hpc.experiment.arrays import Arrays
from nas_hpc.experiment.measure import Measure
from nas_hpc.experiment.model import Experiment
from nas_hpc.experiment.reading import ExperimentError, read, read_arrays, read_targets, validate
from nas_hpc.experiment.reference import (
    OwnCodeError,
    check_arguments,
    is_reference,
    label,
    resolve,
    source_hash,
)
from nas_hpc.experiment.training import AnyTraining, LanguageTraining, Training

__all__ = [
    "AnyTraining",
    "Arrays",
    "Experiment",
    "ExperimentError",
    "LanguageTraining",
    "Measure",
    "OwnCodeError",
    "Training",
    "check_arguments",
    "is_reference",
    "label",
    "read",
    "read_arrays",
    "read_targets",
    "resolve",
    "source_hash",
    "validate",
]
