"""The networks of the isotropic Gaussian game: D(x) = θᵀx and G(z) = φ + z (JARE section 4)."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from jare_tf.game.networks import spectral_norm as sn
from jare_tf.settings import Width, checked
from jare_tf.types import Players


@keras.saving.register_keras_serializable("jare_tf")
class Shift(keras.layers.Layer):
    """x ↦ φ + x with a trainable φ, which starts at `initial` (one number a coordinate)."""

    def __init__(self, initial, **kwargs):
        super().__init__(**kwargs)
        self.initial = tuple(map(float, initial))

    def build(self, input_shape):
        self.shift = self.add_weight(
            name="shift", shape=(len(self.initial),), initializer=lambda shape, dtype: tf.constant(self.initial, dtype)
        )

    def call(self, inputs):
        return inputs + self.shift

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}


@checked
def generator(*, mean: Sequence[float], offset: float = 0.05) -> keras.Model:
    """G(z) = φ + z, started `offset` away from the equilibrium φ* = mean in every coordinate.

    The paper starts inside a ball of radius 0.05 around the equilibrium (JARE section 7); its code starts both players
    at an offset of 0.05 in every coordinate, which is the default here.

    Examples:
      >>> from jare_tf.networks import affine
      >>> affine.generator(mean=[1.0, 2.0], offset=0.5)(tf.constant([[0.0, 1.0]])).numpy()  # φ + z
      array([[1.5, 3.5]], dtype=float32)
    """
    return keras.Sequential(
        [keras.Input((len(mean),)), Shift([value + offset for value in mean])], name="affine_generator"
    )


@checked
def discriminator(*, dimension: Width = 2, offset: float = 0.05, spectral_norm: bool = False) -> keras.Model:
    """D(x) = θᵀx, started `offset` away from the equilibrium θ* = 0 in every coordinate.

    With spectral norm D(x) = θᵀx/‖θ‖, a game without that equilibrium.

    Examples:
      >>> from jare_tf.networks import affine
      >>> affine.discriminator(offset=0.5)(tf.constant([[1.0, 2.0]])).numpy()  # ½ · 1 + ½ · 2
      array([[1.5]], dtype=float32)
    """
    dense, _ = sn.layers(spectral_norm)
    weights = dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(offset))
    return keras.Sequential([keras.Input((dimension,)), weights], name="affine_discriminator")


@checked
def equilibrium(*, mean: Sequence[float]) -> Players:
    """The parameters (θ*, φ*) = (0, mean) at which the game rests: float64 arrays shaped as the trainable variables.

    Examples:
      >>> from jare_tf.networks import affine
      >>> affine.equilibrium(mean=[1.0, 2.0]).generator
      (array([1., 2.]),)
    """
    return Players(discriminator=(np.zeros([len(mean), 1]),), generator=(np.array(mean, np.float64),))
