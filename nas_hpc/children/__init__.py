"""From an architecture to an outcome: data sets, networks, their training, the child's process.

Nothing here imports torch; `network`, `training`, `classifier`, `language` and `process` do.
"""

from nas_hpc.children.contract import Diverged, Score, Trial
from nas_hpc.children.data import load_search, load_test, prepare, prepared
from nas_hpc.children.dataset import Data, DataError, Dataset, Split
from nas_hpc.children.text import Text

__all__ = [
    "Data",
    "DataError",
    "Dataset",
    "Diverged",
    "Score",
    "Split",
    "Text",
    "Trial",
    "load_search",
    "load_test",
    "prepare",
    "prepared",
]
