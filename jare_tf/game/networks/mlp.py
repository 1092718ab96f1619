"""Multilayer perceptrons with ReLU for 2-D games."""

from collections.abc import Callable

import keras

from jare_tf.game.networks import spectral_norm as sn
from jare_tf.game.networks.dense import Dense
from jare_tf.settings import Size, Width, checked

Initializer = str | Callable[[], keras.Initializer]


@checked
def generator(
    *,
    latent_dim: Width,
    output_dim: Width = 2,
    width: Width = 256,
    depth: Size = 4,
    kernel_initializer: Initializer = "glorot_uniform",
) -> keras.Model:
    """z [latent_dim] → `depth` hidden layers of `width` ReLU units → x [output_dim], linear.

    Args:
      latent_dim: length of z.
      output_dim: dimension of a sample.
      width: units of a hidden layer.
      depth: hidden layers.
      kernel_initializer: of every layer's weights, by name or what makes one, as '@keras.initializers.Orthogonal'.

    Examples:
      >>> from jare_tf.networks import mlp
      >>> mlp.generator(latent_dim=3, width=4, depth=1).count_params()  # (3 + 1) · 4 + (4 + 1) · 2
      26
    """
    hidden = [Dense(width, "relu", kernel_initializer=_new(kernel_initializer)) for _ in range(depth)]
    output = Dense(output_dim, kernel_initializer=_new(kernel_initializer))
    return keras.Sequential([keras.Input((latent_dim,)), *hidden, output], name="mlp_generator")


@checked
def discriminator(
    *,
    input_dim: Width = 2,
    width: Width = 256,
    depth: Size = 4,
    input_scale: float = 1.0,
    kernel_initializer: Initializer = "glorot_uniform",
    spectral_norm: bool = False,
) -> keras.Model:
    """x [input_dim] → input_scale · x → `depth` hidden layers of `width` ReLU units → one logit.

    Args:
      input_dim: dimension of a sample.
      width: units of a hidden layer.
      depth: hidden layers.
      input_scale: what samples are multiplied with.
      kernel_initializer: of every layer's weights, by name or what makes one, as '@keras.initializers.Orthogonal'.
      spectral_norm: divide every kernel by its spectral norm.

    Examples:
      >>> from jare_tf.networks import mlp
      >>> mlp.discriminator(width=4, depth=2).count_params()  # (2 + 1) · 4 + (4 + 1) · 4 + (4 + 1) · 1
      37
    """
    dense, _ = sn.layers(spectral_norm)
    scaled = [keras.layers.Rescaling(input_scale)] if input_scale != 1.0 else []
    hidden = [dense(width, activation="relu", kernel_initializer=_new(kernel_initializer)) for _ in range(depth)]
    logit = dense(1, kernel_initializer=_new(kernel_initializer))
    return keras.Sequential([keras.Input((input_dim,)), *scaled, *hidden, logit], name="mlp_discriminator")


def _new(initializer: Initializer) -> str | keras.Initializer:
    """An initializer for one layer: shared by several, one object would give them the same weights."""
    return initializer if isinstance(initializer, str) else initializer()
