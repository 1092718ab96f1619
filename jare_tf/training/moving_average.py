"""A moving average of a network's weights."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from jare_tf.game import functional


class MovingAverage:
    """average ← d' average + (1 − d') weights after step t = 0, 1, ..., with d' = min(d, (1 + t)/(10 + t)).

    It starts at the weights. Weights that are integers are copied.

    Args:
      new_weight: makes a variable of a name and a first value.
      network: a built model.
      decay: d; 0 for no average.

    Attributes:
      variables: (of the trainable variables, of the others), empty where there is no average.
    """

    def __init__(self, new_weight: Callable[[str, tf.Tensor], keras.Variable], network: keras.Model, decay: float):
        self._network, self._decay = network, decay
        averaged = (network.trainable_variables, network.non_trainable_variables) if decay else ((), ())
        self.variables: tuple[Any, Any] = tf.nest.map_structure(
            lambda variable: new_weight("average", variable.value), averaged
        )

    def __call__(self, inputs):
        """What the network gives by its average, in inference mode."""
        outputs, _, _ = functional.call(self._network, *self.variables, inputs, training=False)
        return outputs

    def copy_to(self, network: keras.Model) -> None:
        """Gives another network of the same kind the average as its weights; where there is none, the weights."""
        values = tf.nest.flatten(self.variables) or _variables(self._network)
        for variable, value in zip(_variables(network), values, strict=True):
            variable.assign(value)

    def advance(self, step) -> None:
        """Takes in the weights after a step."""
        averages = tf.nest.flatten(self.variables)
        if not averages:
            return
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1 + step) / (10 + step))
        for average, variable in zip(averages, _variables(self._network), strict=True):
            now, before = tf.convert_to_tensor(variable.value), tf.convert_to_tensor(average.value)
            average.assign(now + tf.cast(decay, now.dtype) * (before - now) if now.dtype.is_floating else now)


def _variables(network: keras.Model) -> list[keras.Variable]:
    """In the order of the averages."""
    return [*network.trainable_variables, *network.non_trainable_variables]
