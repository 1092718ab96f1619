"""A network as a function of the values of its variables."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def call(
    network: keras.Model, parameters: Sequence[tf.Tensor], state: Sequence[tf.Tensor], inputs: Any, training: bool
) -> tuple[Any, tuple[tf.Tensor, ...], list[tf.Tensor]]:
    """What a network gives at other values of its variables, which are neither read nor changed.

    `keras.Model.stateless_call` runs the network's `call`. This runs its `__call__`, as training in Keras does, which
    hands `training` on to inner layers and lets a `call` do without it.

    Args:
      network: a built model.
      parameters: in place of its trainable variables.
      state: in place of its non-trainable variables.
      inputs: what it is called on.
      training: whether in training mode.

    Returns:
      (outputs, state, losses): what it returns, its next state, and the losses of its layers and weight regularisers.
    """
    values = [
        *zip(network.trainable_variables, parameters, strict=True),
        *zip(network.non_trainable_variables, state, strict=True),
    ]
    # Operations keep the names that they have without the network's own scope: Grappler adds up in an order of names.
    named = keras.name_scope(network.name, caller=network)
    unscoped = tf.name_scope(f"{tf.get_current_name_scope()}/")
    with keras.StatelessScope(values, collect_losses=True) as scope, named, unscoped:
        outputs = network(inputs, training=training)
        losses = network.losses
    return outputs, tuple(map(scope.get_current_value, network.non_trainable_variables)), losses
