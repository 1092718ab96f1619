"""float16's loss scale."""

from collections.abc import Callable

import keras
import tensorflow as tf

_FIRST = 2.0**15
_LARGEST = 2.0**24
_MOVES_BEFORE_DOUBLING = 2000


class LossScale:
    """The number S by which losses are multiplied while they are differentiated, so that gradients stay in range.

    A move whose direction is not finite halves S; every 2000 others double it. At S = 1 every move counts.

    Args:
      new_weight: makes a variable of a name and a first value.
      needed: whether a network computes in float16; else there is no scale and every move counts.

    Attributes:
      variables: S and the number of moves since it was halved, or nothing.
    """

    def __init__(self, new_weight: Callable[[str, tf.Tensor], keras.Variable], needed: bool):
        starts = {"scale": tf.constant(_FIRST), "steps": tf.constant(0, tf.int64)} if needed else {}
        self.variables = tuple(new_weight(name, start) for name, start in starts.items())

    def fits(self, direction) -> tf.Tensor | bool:
        """Whether a direction, a nest of tensors, is in range; sets the scale of the next move."""
        if not self.variables:
            return True
        scale, steps = (tf.convert_to_tensor(variable.value) for variable in self.variables)
        finite = [tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tf.nest.flatten(direction)]
        fits = tf.reduce_all(finite) | (scale <= 1)
        doubled = (steps + 1) % _MOVES_BEFORE_DOUBLING == 0
        larger = tf.where(doubled, tf.minimum(2 * scale, _LARGEST), scale)
        self.variables[0].assign(tf.where(fits, larger, scale / 2))
        self.variables[1].assign(tf.where(fits, steps + 1, 0))
        return fits
