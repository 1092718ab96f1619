"""Generators and discriminators, by architecture, and the layers that they are made of."""

from jare_tf.game.networks import (
    affine,
    batch_norm,
    conv4,
    convolution,
    dcgan,
    dense,
    linear_quadratic,
    mlp,
    resnet,
    resnet_cf,
    spectral_norm,
    weight_clipping,
)

__all__ = [
    "affine",
    "batch_norm",
    "conv4",
    "convolution",
    "dcgan",
    "dense",
    "linear_quadratic",
    "mlp",
    "resnet",
    "resnet_cf",
    "spectral_norm",
    "weight_clipping",
]
