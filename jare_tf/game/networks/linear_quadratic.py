"""GradReg's linear-quadratic game: G(z) = A z (+ b) and a D(x) that is quadratic in x.

In one dimension and without b it is the game of two parameters of GradReg Fig. 3, D(x) = w x² and G(z) = a z; in
several, with b, the one of its Appendix D, which learns a Gaussian: D(x) = xᵀW x + wᵀx.
"""

import keras
import numpy as np
import tensorflow as tf

from jare_tf.game.networks.dense import Dense
from jare_tf.settings import Width, checked
from jare_tf.types import Players


@keras.saving.register_keras_serializable("jare_tf")
class Monomials(keras.layers.Layer):
    """x [n, d] ↦ x_i² and √2 x_i x_j for i < j, row by row, and if `linear` the x_i after them.

    With the √2, gradient descent on the coefficients moves W as it would in xᵀW x with a full symmetric W.
    """

    def __init__(self, linear: bool, **kwargs):
        super().__init__(**kwargs)
        self.linear = linear

    def call(self, inputs):
        first, second = np.triu_indices(inputs.shape[-1])
        weights = tf.constant(np.where(first == second, 1, np.sqrt(2)), inputs.dtype)
        products = weights * tf.gather(inputs, first, axis=-1) * tf.gather(inputs, second, axis=-1)
        return tf.concat([products, inputs], axis=-1) if self.linear else products

    def get_config(self):
        return {**super().get_config(), "linear": self.linear}


@checked
def generator(*, dimension: Width = 1, initial: float = 0.5, translates: bool = False) -> keras.Model:
    """G(z) = A z, or A z + b if it `translates`; A starts at initial · I and b at 0. z has the `dimension` of x.

    Examples:
      >>> from jare_tf.networks import linear_quadratic
      >>> linear_quadratic.generator()(tf.constant([[3.0]])).numpy()  # ½z
      array([[1.5]], dtype=float32)
    """
    scale = Dense(dimension, use_bias=translates, kernel_initializer=keras.initializers.Identity(gain=initial))
    return keras.Sequential([keras.Input((dimension,)), scale], name="linear_generator")


@checked
def discriminator(*, dimension: Width = 1, initial: float = 0.5, linear_term: bool = False) -> keras.Model:
    """D(x) = Σ_i c_ii x_i² + √2 Σ_{i < j} c_ij x_i x_j, plus wᵀx if it has a `linear_term`.

    It is xᵀW x with W_ij = c_ij / √2 off the diagonal. All coefficients start at `initial`.

    Examples:
      >>> from jare_tf.networks import linear_quadratic
      >>> linear_quadratic.discriminator()(tf.constant([[3.0]])).numpy()  # ½x²
      array([[4.5]], dtype=float32)
    """
    weights = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(initial))
    layers = [keras.Input((dimension,)), Monomials(linear_term), weights]
    return keras.Sequential(layers, name="quadratic_discriminator")


def equilibrium() -> Players:
    """(w, a) = (0, 1) of the game in one dimension where z and x are distributed alike; a = −1 is another.

    float64 arrays shaped as the trainable variables.

    Examples:
      >>> from jare_tf.networks import linear_quadratic
      >>> linear_quadratic.equilibrium()
      Players(discriminator=(array([[0.]]),), generator=(array([[1.]]),))
    """
    return Players(discriminator=(np.zeros([1, 1]),), generator=(np.ones([1, 1]),))
