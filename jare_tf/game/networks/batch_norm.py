"""Batch norm as the published convolutional networks have it."""

import keras


def layer() -> keras.layers.BatchNormalization:
    """With a centre, which replaces the bias of the layer before it, and no scale; ε = 0.001.

    Its moving averages, by which samples are drawn, have momentum 0.9 (the published code's slim: 0.999).
    """
    return keras.layers.BatchNormalization(scale=False, momentum=0.9, epsilon=1e-3)
