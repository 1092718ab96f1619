"""The maps and layers against TensorFlow's and Keras' own, with their first and second derivatives, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jare_tf.dynamics.vector_field import transposed_products
from jare_tf.game.networks.convolution import Conv2D, Conv2DTranspose, convolve, filter_gradient, input_gradient
from jare_tf.game.networks.spectral_norm import SpectralNormConv2D

# (kernel, stride, height, width, inputs, outputs): those of the networks, with few and with many channels, and others.
CASES = [
    *(
        (k, s, n, n, *channels)
        for k, s in ((3, 1), (4, 2), (5, 2))
        for n in (2, 4, 10)
        for channels in ((5, 6), (3, 5))
    ),
    *((k, 1, n, n, *channels) for k in (3, 5) for n in (4, 10) for channels in ((6, 3), (6, 1), (3, 3))),
    (3, 1, 1, 1, 5, 6),
    (3, 1, 7, 6, 5, 3),
    (4, 1, 6, 4, 5, 3),
    (4, 1, 6, 4, 3, 5),
    (5, 2, 7, 9, 3, 5),
    (5, 2, 7, 3, 5, 6),
    (4, 2, 9, 6, 3, 5),
    (4, 2, 3, 5, 5, 6),
    (3, 2, 8, 8, 3, 5),
    (3, 2, 7, 7, 3, 5),
    (2, 2, 6, 6, 3, 5),
]


def plain_maps(kernel, stride, size, channels):
    """TensorFlow's own."""
    strides = [1, stride, stride, 1]
    return (
        lambda x, w: tf.nn.conv2d(x, w, stride, "SAME"),
        lambda d, w: tf.nn.conv2d_transpose(d, w, [d.shape[0], *size, channels], stride, "SAME"),
        lambda x, d: tf.raw_ops.Conv2DBackpropFilter(
            input=x, filter_sizes=[*kernel, x.shape[3], d.shape[3]], out_backprop=d, strides=strides, padding="SAME"
        ),
    )


def two_derivatives(function, *arguments):
    """f, the gradient of ½‖f‖² and that of ½‖the gradient‖², with respect to all arguments."""
    with tf.GradientTape() as outer:
        outer.watch(arguments)
        with tf.GradientTape() as inner:
            inner.watch(arguments)
            value = function(*arguments)
            half = tf.reduce_sum(tf.square(value)) / 2
        first = inner.gradient(half, arguments)
        norm = tf.add_n([tf.reduce_sum(tf.square(part)) for part in first]) / 2
    return [value, *first, *outer.gradient(norm, arguments)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_maps_and_derivatives_are_those_of_tensorflow(case):
    k, stride, height, width, inputs, outputs = case
    random = np.random.default_rng(0)
    draw = lambda *shape: tf.constant(random.normal(size=shape) / 8)
    x, w = draw(3, height, width, inputs), draw(k, k, inputs, outputs)
    d = draw(3, -(-height // stride), -(-width // stride), outputs)
    ours = (
        lambda x, w: convolve(x, w, stride),
        lambda d, w: input_gradient(d, w, stride, (height, width)),
        lambda x, d: filter_gradient(x, d, stride, (k, k)),
    )
    plain = plain_maps((k, k), stride, (height, width), inputs)
    for mine, theirs, arguments in zip(ours, plain, ((x, w), (d, w), (x, d)), strict=True):
        pairs = zip(two_derivatives(mine, *arguments), two_derivatives(theirs, *arguments), strict=True)
        for actual, expected in pairs:
            np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


def network(conv=Conv2D, deconv=Conv2DTranspose, **settings):
    """Of layers that take every way through the three maps, from [n, 8, 8, 6]."""
    layers = [
        conv(5, 3, 1, "same", activation="tanh", **settings),
        deconv(3, 4, 2, "same", activation="tanh", **settings),
        conv(5, 5, 2, "same", use_bias=False, **settings),
        conv(3, 3, 1, "same", **settings),
    ]
    return keras.Sequential([keras.Input((8, 8, 6)), *layers])


def test_layers_are_those_of_keras():
    ours, plain = network(dtype="float64"), network(keras.layers.Conv2D, keras.layers.Conv2DTranspose, dtype="float64")
    plain.set_weights(ours.get_weights())
    assert [variable.name for variable in ours.variables] == [variable.name for variable in plain.variables]
    inputs = tf.random.stateless_normal([2, 8, 8, 6], [0, 0], dtype=tf.float64)
    np.testing.assert_allclose(ours(inputs), plain(inputs), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_compiled_for_batches_of_any_size(dtype, jit_compile):
    model = network(dtype=dtype)

    @tf.function(jit_compile=jit_compile, input_signature=[tf.TensorSpec([None, 8, 8, 6])])
    def norm_and_derivative(inputs):
        weights = [variable.value for variable in model.trainable_variables]
        call = lambda *weights: tf.cast(model.stateless_call(weights, [], inputs)[0], tf.float32)
        return [tf.linalg.global_norm([part]) for part in two_derivatives(call, *weights)]

    inputs = tf.random.stateless_normal([3, 8, 8, 6], [0, 0])
    expected = two_derivatives(lambda *weights: model.stateless_call(weights, [], inputs)[0], *_values(model))
    np.testing.assert_allclose(
        norm_and_derivative(inputs),
        [tf.linalg.global_norm([tf.cast(part, tf.float32)]) for part in expected],
        rtol=1e-5 if dtype == "float32" else 0.05,
    )


def _values(model):
    return [variable.value for variable in model.trainable_variables]


def test_vectorized_products():
    """(∂f/∂W)ᵀu for several u at once, which has kernels and images with another axis."""
    x, w = (tf.random.stateless_normal(shape, [0, 1], dtype=tf.float64) for shape in ([2, 4, 4, 5], [4, 4, 5, 6]))
    function = lambda flat: tf.reshape(convolve(x, tf.reshape(flat, w.shape), 2), [-1])
    vectors = tf.random.stateless_normal([3, 2 * 2 * 2 * 6], [0, 2], dtype=tf.float64)
    rows = transposed_products(function, tf.reshape(w, [-1]), vectors)
    for row, vector in zip(rows, vectors, strict=True):
        expected = filter_gradient(x, tf.reshape(vector, [2, 2, 2, 6]), 2, (4, 4))
        np.testing.assert_allclose(row, tf.reshape(expected, [-1]), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", [Conv2D, SpectralNormConv2D])
def test_where_the_maps_are_used(layer, monkeypatch):
    used = []
    spy = lambda x, w, stride: used.append(stride) or convolve(x, w, stride)
    monkeypatch.setattr("jare_tf.game.networks.convolution.convolve", spy)
    images = tf.zeros([1, 4, 4, 2])
    layer(3, 4, 2, "same")(images)
    assert used == [2]
    layer(3, 4, 2, "valid")(images)
    layer(3, 3, 1, "same", dilation_rate=2)(images)
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["one"] if kind == "GPU" else [])
    layer(3, 4, 2, "same")(images)
    assert used == [2]


def test_saved_and_loaded(tmp_path):
    model = network()
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert [type(layer) for layer in loaded.layers] == [Conv2D, Conv2DTranspose, Conv2D, Conv2D]
    inputs = tf.ones([2, 8, 8, 6])
    np.testing.assert_array_equal(model(inputs), loaded(inputs))
