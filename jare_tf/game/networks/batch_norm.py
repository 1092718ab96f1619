"""Batch norm that may be differentiated twice, as the published networks have it, on one device or many."""

import keras
import tensorflow as tf

from jare_tf import replicas


@keras.saving.register_keras_serializable("jare_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` with exact second derivatives.

    Keras takes the batch's moments from `tf.nn.moments`, where the mean within the variance is constant under
    differentiation: that leaves the gradient as it is and makes the second derivative wrong, and with it every
    regulariser that passes this layer twice. With `synchronized=True` the moments are those of the global batch.
    """

    in_keras = keras.layers.BatchNormalization

    def _moments(self, inputs, mask):
        if mask is not None:
            return super()._moments(inputs, mask)
        over_replicas = replicas.mean if self.synchronized else lambda moment: moment
        mean = over_replicas(tf.reduce_mean(inputs, self._reduction_axes, keepdims=True))
        variance = over_replicas(tf.reduce_mean(tf.square(inputs - mean), self._reduction_axes))
        return tf.reshape(mean, variance.shape), variance


def layer() -> BatchNormalization:
    """With a centre, which replaces the bias of the layer before it, and no scale; ε = 0.001.

    Its moving averages, by which samples are drawn, have momentum 0.9 (the published code's slim: 0.999).
    """
    return BatchNormalization(scale=False, momentum=0.9, epsilon=1e-3)


def synchronize(network: keras.Model) -> None:
    """Has every batch norm of a network, nested ones too, normalise by the global batch instead of a replica's part."""
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
