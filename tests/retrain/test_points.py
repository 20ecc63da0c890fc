from nas_hpc.experiment import Experiment, Training
from nas_hpc.experiment.final import Grid, Retrain
from nas_hpc.retrain import points
from nas_hpc.retrain.points import training_at


def test_points_are_nested_loops_with_the_last_key_innermost():
    grid = Grid(
        learning_rate=(0.1, 0.05),
        weight_decay=(1e-4, 5e-4),
        batch_norm_epsilon=(1e-5,),
        decay_at=((0.5,), (0.5, 0.75)),
    )
    expected = []
    for learning_rate in (0.1, 0.05):
        for weight_decay in (1e-4, 5e-4):
            for decay_at in ((0.5,), (0.5, 0.75)):
                expected.append((learning_rate, weight_decay, 1e-5, decay_at))
    assert [tuple(point.values()) for point in points(grid)] == expected
    assert list(points(grid)[0]) == [
        "learning_rate",
        "weight_decay",
        "batch_norm_epsilon",
        "decay_at",
    ]


def test_a_point_changes_only_what_the_grid_names_and_the_epochs():
    training = Training(batch_size=7, momentum=0.5)
    retrain = Retrain(epochs=11, grid=Grid(learning_rate=(0.3,)))
    experiment = Experiment(name="small", training=training, retrain=retrain)
    changed = training_at(experiment, points(retrain.grid)[0])
    assert changed.learning_rate == 0.3 and changed.epochs == 11
    kept = {"batch_size", "momentum", "decay_factor", "augmentation"}
    assert changed.model_dump(include=kept) == training.model_dump(include=kept)
