import keras
import numpy as np
import tensorflow as tf

from jare_tf.game.networks import batch_norm


def gradient(layer, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = tf.reduce_sum(tf.sin(3 * layer(inputs, training=True)))
    return tape.gradient(value, inputs)


def test_second_derivatives_are_exact():
    """(∂g/∂x)ᵀu against central differences of ⟨g, u⟩ in every coordinate, where g is itself a gradient."""
    layer, rng = batch_norm.BatchNormalization(scale=False, epsilon=1e-3, dtype="float64"), np.random.default_rng(0)
    inputs, vector = tf.constant(rng.normal(size=(5, 2))), tf.constant(rng.normal(size=(5, 2)))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        product = tf.reduce_sum(gradient(layer, inputs) * vector)
    differences = np.empty((5, 2))
    for index in np.ndindex(5, 2):
        step = np.zeros((5, 2))
        step[index] = 1e-5
        ahead, behind = (tf.reduce_sum(gradient(layer, inputs + sign * step) * vector) for sign in (1, -1))
        differences[index] = (ahead - behind) / 2e-5
    np.testing.assert_allclose(tape.gradient(product, inputs), differences, rtol=1e-6, atol=1e-8)


def test_outputs_state_and_first_derivative_are_those_of_keras():
    ours, keras_own = batch_norm.layer(), keras.layers.BatchNormalization(scale=False, momentum=0.9, epsilon=1e-3)
    inputs = tf.random.normal([4, 3, 3, 2])
    np.testing.assert_allclose(ours(inputs, training=True), keras_own(inputs, training=True), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient(ours, inputs), gradient(keras_own, inputs), rtol=1e-3, atol=1e-5)
    for variable, other in zip(ours.variables, keras_own.variables, strict=True):
        np.testing.assert_allclose(variable, other, rtol=1e-5, atol=1e-6)


def test_a_network_with_it_is_saved_and_loaded(tmp_path):
    network = keras.Sequential([keras.Input((3,)), batch_norm.layer()])
    network.save(tmp_path / "network.keras")
    assert type(keras.saving.load_model(tmp_path / "network.keras").layers[0]) is batch_norm.BatchNormalization


def test_synchronize_reaches_nested_layers():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    outer = keras.Sequential([keras.Input((3,)), inner, batch_norm.layer()])
    batch_norm.synchronize(outer)
    assert inner.layers[0].synchronized
    assert outer.layers[1].synchronized
