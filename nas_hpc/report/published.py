"""Published results on test data, to be quoted beside an experiment's own."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """A row of a publication's table.

    Attributes:
        model: its name.
        layers: None where the publication does not say.
        parameters: in millions; None likewise.
        result: on the test data: the error in percent of an image classifier, the perplexity of a
            language model.
        source: the publication.
    """

    model: str
    layers: int | None
    parameters: float | None
    result: float
    source: str


ZOPH_LE = "Zoph & Le 2017"
PUBLISHED: dict[str, tuple[Published, ...]] = {
    "cifar10": (
        Published("NAS v1, no stride, no pooling", 15, 4.2, 5.50, ZOPH_LE),
        Published("NAS v1, densely connected", 15, None, 5.56, ZOPH_LE),
        Published("NAS v1, all skip connections removed", 15, None, 7.97, ZOPH_LE),
        Published("NAS v2, predicted strides", 20, 2.5, 6.01, ZOPH_LE),
        Published("NAS v3, max-pooling", 39, 7.1, 4.47, ZOPH_LE),
        Published("NAS v3, 40 more filters in every layer", 39, 37.4, 3.65, ZOPH_LE),
        Published("FractalNet", None, 38.6, 4.60, "Larsson et al. 2017"),
        Published("DenseNet-BC", None, 25.6, 3.46, "Huang et al. 2017"),
        Published("Macro NAS with Q-learning", None, 11.2, 6.92, "Baker et al. 2017"),
        Published("Net Transformation", None, 19.7, 5.70, "Cai et al. 2018"),
        Published("SMASH", None, 16.0, 4.03, "Brock et al. 2018"),
        Published("Hierarchical NAS", None, 61.3, 3.63, "Liu et al. 2018"),
        Published("Micro NAS with Q-learning", None, None, 3.60, "Zhong et al. 2018"),
        Published("Progressive NAS", None, 3.2, 3.63, "Liu et al. 2018"),
        Published("NASNet-A", None, 3.3, 3.41, "Zoph et al. 2018"),
        Published("ENAS, macro", None, 21.3, 4.23, "Pham et al. 2018"),
        Published("ENAS, macro, more channels", None, 38.0, 3.87, "Pham et al. 2018"),
        Published("ENAS, micro", None, 4.6, 3.54, "Pham et al. 2018"),
    ),
    "ptb": (
        Published("NAS cell", None, 32, 67.9, ZOPH_LE),
        Published("NAS cell, shared embeddings, the same hidden size", None, 25, 64.0, ZOPH_LE),
        Published("NAS cell, shared embeddings", None, 54, 62.4, ZOPH_LE),
        Published(
            "Recurrent highway network, shared embeddings", None, 24, 66.0, "Zilly et al. 2017"
        ),
    ),
}
"""By the value of ``report.published``."""
