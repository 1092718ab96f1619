"""Multilayer perceptrons with ReLU for 2-D games."""

import keras

from jare_tf.game.networks import spectral_norm as sn


def generator(*, latent_dim: int, output_dim: int = 2, width: int = 256, depth: int = 4) -> keras.Model:
    """z [latent_dim] → `depth` hidden layers of `width` ReLU units → x [output_dim], linear."""
    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(depth)]
    return keras.Sequential([keras.Input((latent_dim,)), *hidden, keras.layers.Dense(output_dim)], name="mlp_generator")


def discriminator(*, input_dim: int = 2, width: int = 256, depth: int = 4, spectral_norm: bool = False) -> keras.Model:
    """x [input_dim] → `depth` hidden layers of `width` ReLU units → one logit; with spectral norm, in every layer."""
    dense, _ = sn.layers(spectral_norm)
    hidden = [dense(width, activation="relu") for _ in range(depth)]
    return keras.Sequential([keras.Input((input_dim,)), *hidden, dense(1)], name="mlp_discriminator")
