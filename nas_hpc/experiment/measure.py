"""By what children are compared on validation data, and the chosen one is judged on test data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Measure(NamedTuple):
    """A number that says how good a trained network is.

    Attributes:
        name: a child's metrics are ``validation_<name>``, one number for each epoch, and where it
            has test data ``test_<name>`` and perhaps ``final_validation_<name>``.
        best: of several such numbers, `max` or `min`.
    """

    name: str
    best: Callable[[Sequence[float]], float]

    @property
    def validation(self) -> str:
        """The metric on validation data, after each epoch."""
        return f"validation_{self.name}"

    @property
    def final_validation(self) -> str:
        """The metric on validation data of the finished network, found just as that on test data.

        Of children that score differently, and faster, after each epoch.
        """
        return f"final_validation_{self.name}"

    @property
    def test(self) -> str:
        """The metric on test data."""
        return f"test_{self.name}"


ACCURACY = Measure("accuracy", max)
"""Of a classifier, from 0 to 1."""

PERPLEXITY = Measure("perplexity", min)
"""Of a language model: e to the mean negative log likelihood of a token, in nats."""
