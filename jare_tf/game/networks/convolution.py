"""Convolutions whose derivatives of every order are fast on a CPU.

The three functions here are the linear maps of a convolution y = W * x with stride s, TensorFlow's padding "SAME", in
NHWC: the map itself, its adjoint with respect to x (the transposed convolution) and with respect to W. Each is linear
in both of its arguments, and its derivatives are the other two, so that no derivative leaves this file:

    ⟨d, convolve(x, W)⟩ = ⟨x, input_gradient(d, W)⟩ = ⟨W, filter_gradient(x, d)⟩.

TensorFlow's own operations, with oneDNN, run at full speed on a CPU but for two kinds. Results of few channels, an
image's, fill a fraction of a vector register: here they are computed in blocks of 2×2 pixels, as four times as many
channels. And the filter gradient of few pixels is a convolution here, with the batch for channels.
"""

import keras
import tensorflow as tf

from jare_tf.game.networks.dense import add_bias

_FEW = 4  # channels, or pixels a side


def convolve(inputs: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """y[i] = Σ_j x[s i + j − p] W[j] in both directions, p as "SAME" has it: [n, ⌈h/s⌉, ⌈w/s⌉, o].

    Args:
      inputs: x, [n, h, w, c], h and w static.
      kernel: W, [k, l, c, o], static.
      stride: s.
    """

    @tf.custom_gradient
    def bilinear(x, w):
        def gradients(g):
            return input_gradient(g, w, stride, x.shape[1:3]), filter_gradient(x, g, stride, w.shape[:2])

        return _convolve(x, w, stride), gradients

    return bilinear(inputs, kernel)


def input_gradient(outputs: tf.Tensor, kernel: tf.Tensor, stride: int, size) -> tf.Tensor:
    """The adjoint of `convolve` in x, x[m] = Σ_i d[i] W[m + p − s i]: [n, h, w, c].

    Args:
      outputs: d, [n, ⌈h/s⌉, ⌈w/s⌉, o].
      kernel: W, [k, l, c, o].
      stride: s.
      size: (h, w).
    """

    @tf.custom_gradient
    def bilinear(d, w):
        def gradients(g):
            return convolve(g, w, stride), filter_gradient(g, d, stride, w.shape[:2])

        return _input_gradient(d, w, stride, size), gradients

    return bilinear(outputs, kernel)


def filter_gradient(inputs: tf.Tensor, outputs: tf.Tensor, stride: int, size) -> tf.Tensor:
    """The adjoint of `convolve` in W, W[j] = Σ_{n, i} x[s i + j − p] d[i]: [k, l, c, o].

    Args:
      inputs: x, [n, h, w, c].
      outputs: d, [n, ⌈h/s⌉, ⌈w/s⌉, o].
      stride: s.
      size: (k, l).
    """

    @tf.custom_gradient
    def bilinear(x, d):
        def gradients(g):
            return input_gradient(d, g, stride, x.shape[1:3]), convolve(x, g, stride)

        return _filter_gradient(x, d, stride, size), gradients

    return bilinear(inputs, outputs)


def _convolve(x, w, stride):
    even = all(side is not None and side % 2 == 0 for side in x.shape[1:3])
    if stride > 1 or not even or not w.shape[3] <= _FEW < w.shape[2]:
        return tf.nn.conv2d(x, w, stride, "SAME")
    # y[2q + r] = Σ_m x[2q + m − p] V[m, r] with V[m, r] = W[m − r]
    shifted = [tf.pad(w, [[r, 1 - r], [t, 1 - t], [0, 0], [0, 0]]) for r in (0, 1) for t in (0, 1)]
    padding = [[0, 0], *([(k - 1) // 2, k // 2] for k in w.shape[:2]), [0, 0]]
    return tf.nn.depth_to_space(tf.nn.conv2d(x, tf.concat(shifted, 3), 2, padding), 2)


def _input_gradient(d, w, stride, size):
    if stride == 1 and all(k % 2 for k in w.shape[:2]):
        return _convolve(d, _adjoint(w), 1)
    if stride == 2 and w.shape[2] <= _FEW < w.shape[3]:
        return _input_gradient_in_blocks(d, w, size)
    shape = [d.shape[0] or tf.shape(d)[0], *size, w.shape[2]]
    return tf.nn.conv2d_transpose(d, w, shape, stride, "SAME")


def _input_gradient_in_blocks(d, w, size):
    """x[2q + r − p] = Σ_t d[q − t] V[t, r] with V[t, r] = W[2t + r]."""
    before = _padding(w.shape[:2], 2, size)
    rows, columns = (-(-k // 2) for k in w.shape[:2])
    w = tf.pad(w, [[0, 2 * rows - w.shape[0]], [0, 2 * columns - w.shape[1]], [0, 0], [0, 0]])
    w = tf.transpose(tf.reshape(w, [rows, 2, columns, 2, *w.shape[2:]]), [0, 2, 1, 3, 4, 5])
    w = _adjoint(tf.reshape(w, [rows, columns, -1, w.shape[-1]]))
    padding = [[0, 0], [rows - 1] * 2, [columns - 1] * 2, [0, 0]]
    x = tf.nn.depth_to_space(tf.nn.conv2d(d, w, 1, padding), 2)
    (top, _), (left, _) = before
    return x[:, top : top + size[0], left : left + size[1]]


def _filter_gradient(x, d, stride, size):
    c, o = x.shape[3], d.shape[3]
    if stride == 1 and o <= _FEW < c and all(k % 2 for k in size):  # the fewer channels as inputs are faster
        return _adjoint(_filter_gradient(d, x, 1, size))
    if None not in d.shape[1:3] and max(d.shape[1:3]) <= _FEW < c:
        # The sum over n is one over channels if pixels of d are a kernel's, s apart.
        padding = [[0, 0], *_padding(size, stride, x.shape[1:3]), [0, 0]]
        w = tf.nn.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(d, [1, 2, 0, 3]), 1, padding, dilations=stride)
        return tf.transpose(w, [1, 2, 0, 3])
    strides = [1, stride, stride, 1]
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=[*size, c, o], out_backprop=d, strides=strides, padding="SAME"
    )


def _adjoint(w):
    """The kernel [k, l, c, o] flipped, with inputs and outputs exchanged."""
    return tf.transpose(tf.reverse(w, [0, 1]), [0, 1, 3, 2])


def _padding(kernel_size, stride, size) -> list[list[int]]:
    """What "SAME" pads, before and after, in both directions."""
    total = [max((-(-n // stride) - 1) * stride + k - n, 0) for k, n in zip(kernel_size, size, strict=True)]
    return [[t // 2, t - t // 2] for t in total]


def _covered(layer: keras.layers.Layer, inputs: tf.Tensor) -> bool:
    """Whether a layer's map is one of these, on a device where that was measured: not on a GPU or a TPU."""
    accelerated = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU")
    strides, dilations = set(layer.strides), set(layer.dilation_rate)
    same = layer.padding == "same" and layer.data_format == "channels_last" and dilations == {1} and len(strides) == 1
    return not accelerated and same and max(strides) <= min(layer.kernel_size) and None not in inputs.shape[1:3]


@keras.saving.register_keras_serializable("jare_tf")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` by way of `convolve` and `add_bias`."""

    in_keras = keras.layers.Conv2D

    def call(self, inputs):
        if self.data_format == "channels_first":
            return super().call(inputs)
        outputs = self.convolution_op(inputs, self.kernel)
        if self.use_bias:
            outputs = add_bias(outputs, self.bias)
        return self.activation(outputs)

    def convolution_op(self, inputs, kernel):
        if self.groups > 1 or not _covered(self, inputs):
            return super().convolution_op(inputs, kernel)
        return convolve(inputs, tf.convert_to_tensor(kernel), self.strides[0])


@keras.saving.register_keras_serializable("jare_tf")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` by way of `input_gradient` and `add_bias`."""

    in_keras = keras.layers.Conv2DTranspose

    def call(self, inputs):
        if self.output_padding is not None or not _covered(self, inputs):
            return super().call(inputs)
        stride = self.strides[0]
        size = tuple(stride * side for side in inputs.shape[1:3])
        outputs = input_gradient(inputs, tf.convert_to_tensor(self.kernel), stride, size)
        if self.use_bias:
            outputs = add_bias(outputs, self.bias)
        return self.activation(outputs)
