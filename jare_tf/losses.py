"""The losses of the two players, the objectives in them, and penalties on the discriminator's gradient.

Examples in docstrings follow `import jare_tf, keras` and `import tensorflow as tf`.
"""

from jare_tf.game.losses.forms import LinearGenerator, Loss, Minimax, NonSaturating, Relativistic
from jare_tf.game.losses.gradient_penalty import R1, R2, WGANGP, GradientPenalty
from jare_tf.game.losses.objectives import (
    Objective,
    hinge,
    jensen_shannon,
    kullback_leibler,
    least_squares,
    neyman_chi_squared,
    pearson_chi_squared,
    reverse_kullback_leibler,
    squared_hellinger,
    total_variation,
    vanilla,
    wasserstein,
)

__all__ = [
    "R1",
    "R2",
    "WGANGP",
    "GradientPenalty",
    "LinearGenerator",
    "Loss",
    "Minimax",
    "NonSaturating",
    "Objective",
    "Relativistic",
    "hinge",
    "jensen_shannon",
    "kullback_leibler",
    "least_squares",
    "neyman_chi_squared",
    "pearson_chi_squared",
    "reverse_kullback_leibler",
    "squared_hellinger",
    "total_variation",
    "vanilla",
    "wasserstein",
]
