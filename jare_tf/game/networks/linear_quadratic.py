"""The networks of GradReg Fig. 3: D(x) = w x² and G(z) = a z in one dimension, a game of two parameters."""

import keras
import numpy as np

from jare_tf.types import Players


def generator(*, initial: float = 0.5) -> keras.Model:
    """G(z) = a z, a starts at `initial`; where z and x are distributed alike it rests at a = 1 (and at −1)."""
    scale = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(initial))
    return keras.Sequential([keras.Input((1,)), scale], name="linear_generator")


def discriminator(*, initial: float = 0.5) -> keras.Model:
    """D(x) = w x², w starts at `initial` and rests at 0."""
    x = keras.Input((1,))
    scale = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(initial))
    return keras.Model(x, scale(x * x), name="quadratic_discriminator")


def equilibrium() -> Players:
    """(w, a) = (0, 1): float64 arrays shaped as the trainable variables."""
    return Players(discriminator=(np.zeros([1, 1]),), generator=(np.ones([1, 1]),))
