"""Dense and Conv2D layers whose kernel is divided by its spectral norm (Miyato et al. 2018).

`keras.layers.SpectralNormalization` overwrites the kernel with W/σ at every training call, so that gradients do not
pass through σ and two passes see two kernels. These layers leave the kernel alone and use W/σ(W) in the call, with
gradients through σ.

The singular vectors in σ are constants, as usual. So first derivatives, and second ones in θ and φ mixed, are those of
the true function once the vectors have settled, and JARE, `generator_only` and `discriminator_only` exact. What
differentiates in θ twice lacks the vectors' own derivatives: `con_opt`, `smoothing`, `unrolled`, and SGA's alignment.
"""

import keras
import tensorflow as tf

from jare_tf.game.networks.convolution import Conv2D
from jare_tf.game.networks.dense import Dense


class _SpectralNorm(keras.layers.Layer):
    """W/σ(W) for a layer with a `kernel` whose last axis is the output's.

    W is the kernel as a matrix [inputs, outputs]. One power iteration from the stored u gives v = Wu/‖Wu‖,
    u' = Wᵀv/‖Wᵀv‖ and σ = vᵀWu', with u' and v constant under differentiation, so that ∂σ/∂W = v u'ᵀ (Miyato et al.
    2018, eq. 19 and Alg. 1). A training call stores u'; under `functional.call` that is part of the next state.
    """

    def build(self, input_shape):
        super().build(input_shape)
        shape = (self.kernel.shape[-1],)
        self.u = self.add_weight(name="u", shape=shape, initializer="random_normal", trainable=False, autocast=False)

    def normalised_kernel(self, training: bool) -> tf.Tensor:
        """W/σ(W) in the kernel's shape; σ is computed in u's precision, also where the layer computes in less."""
        kernel = tf.cast(tf.convert_to_tensor(self.kernel), self.u.dtype)
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
        fixed = tf.stop_gradient(matrix)
        v = tf.math.l2_normalize(tf.linalg.matvec(fixed, tf.convert_to_tensor(self.u)))
        u = tf.math.l2_normalize(tf.linalg.matvec(fixed, v, transpose_a=True))
        if training:
            self.u.assign(u)
        sigma = tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)
        return tf.cast(kernel / sigma, self.compute_dtype)

    # Dense and Conv2D name the variables that they save, and leave out u: save all, as layers do by default.
    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)

    def call(self, inputs, training=False):
        outputs = self._linear(inputs, self.normalised_kernel(training))
        if self.use_bias:
            outputs = outputs + tf.cast(self.bias, outputs.dtype)
        return self.activation(outputs)


@keras.saving.register_keras_serializable("jare_tf")
class SpectralNormDense(_SpectralNorm, keras.layers.Dense):
    """`keras.layers.Dense` with kernel W/σ(W); W is [inputs, units]."""

    def _linear(self, inputs, kernel):
        return tf.linalg.matmul(inputs, kernel)


@keras.saving.register_keras_serializable("jare_tf")
class SpectralNormConv2D(_SpectralNorm, Conv2D):
    """`keras.layers.Conv2D` with kernel W/σ(W); W is [height · width · inputs, filters]."""

    def _linear(self, inputs, kernel):
        return self.convolution_op(inputs, kernel)


def layers(spectral_norm: bool) -> tuple[type, type]:
    """The (Dense, Conv2D) classes of a discriminator with or without spectral norm."""
    return (SpectralNormDense, SpectralNormConv2D) if spectral_norm else (Dense, Conv2D)
