"""Discriminators whose weights stay within a box, as the Wasserstein GAN keeps them Lipschitz."""

from collections.abc import Callable

import keras
import tensorflow as tf

from jare_tf.settings import Positive, checked


@keras.saving.register_keras_serializable("jare_tf")
class Box(keras.constraints.Constraint):
    """w ↦ min(max(w, −bound), bound), coordinate by coordinate."""

    def __init__(self, bound: float):
        self.bound = bound

    def __call__(self, w):
        return tf.clip_by_value(w, -self.bound, self.bound)

    def get_config(self):
        return {"bound": self.bound}


@checked
def clipped(*, network: Callable[[], keras.Model], bound: Positive = 0.01) -> keras.Model:
    """`network()`, every trainable weight of which a Keras optimizer clips to [−bound, bound] after each of its steps.

    This is the weight clipping of Arjovsky et al. 2017 (Alg. 1, where bound is c = 0.01), for the loss `wasserstein`.
    The weights are clipped at once, so that the game begins inside the box.

    Args:
      network: makes a model.
      bound: c, positive.

    Raises:
      InputError: bound is not a positive number.

    Examples:
      >>> from jare_tf.networks import affine, weight_clipping
      >>> network = weight_clipping.clipped(network=affine.discriminator, bound=0.25)
      >>> network(tf.constant([[1.0, 1.0]])).numpy()  # θ = 0.05, inside the box
      array([[0.1]], dtype=float32)
    """
    model, box = network(), Box(bound)
    for variable in model.trainable_variables:
        variable.constraint = box
        variable.assign(box(variable.value))
    return model
