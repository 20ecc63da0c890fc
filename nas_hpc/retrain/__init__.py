"""Final training of the best architectures a search has found (paper, section 4.1).

Best trials of the search (`candidates`) are scored again with new seeds (`rescore`); the best of
these (`shortlist`) go through a grid of training hyper-parameters (`grid_point`); the best point
of all (`choose`) is trained with several seeds (`final`), and so are variants of its architecture
(`variant`); a cell also in other language models (`transfer`). All are compared on validation data;
test data is first opened by these last three, when nothing is left to choose. Contenders beside
what the search has found take the same way, each in a folder of its own.

Nothing here imports torch; `work` does, and what trains.
"""

from nas_hpc.retrain.contender import Contender, contenders
from nas_hpc.retrain.folder import RetrainError, RetrainFolder
from nas_hpc.retrain.points import points

__all__ = ["Contender", "RetrainError", "RetrainFolder", "contenders", "points"]
