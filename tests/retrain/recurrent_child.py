"""A child that is told to be a language model: it trains nothing, and says what it was given."""

from nas_hpc.children import Score

HIDDEN = 37
PERPLEXITIES = [9.0, 4.0, 8.0, 5.0, 6.0, 7.0]
"""Of all epochs; the best of the last three is the fourth."""


def perplexity_of(architecture):
    """On test data: two to the number of leaves."""
    return 2.0 ** getattr(architecture, "leaves", 3)


def child(architecture, data, training, trial):
    said = PERPLEXITIES[: training.epochs]
    if training.initial_range == 0.1:
        said = [2 * perplexity for perplexity in said]
    metrics = {
        "validation_perplexity": said,
        "parameters": training.parameters or 1000 * training.hidden,
        "hidden": training.hidden or HIDDEN,
    }
    if data.test is not None:
        metrics["test_perplexity"] = perplexity_of(architecture)
    if trial.weights is not None:
        trial.weights.write_text(repr(architecture))
    best = min(said[-trial.reward.last_epochs :])
    return Score(trial.reward.scale / best**2, metrics)
